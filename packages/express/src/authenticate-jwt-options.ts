import type { Authenticator, Requirement } from '@claimgate/core'
import type { AdapterOptions } from '@claimgate/core/extend'
import type { OnReject } from './reject.ts'

/** How to verify tokens, and how to answer refused requests. Where nothing says how to verify, `optionsFromEnv(process.env)` does. */
export type AuthenticateJwtOptions<C extends object = object> = (
  | (AdapterOptions<C> & { readonly authenticator?: never })
  | ReadyAuthenticator<C>
) &
  MiddlewareOptions

/** An authenticator made elsewhere, whose realm, credentials and so on hold. */
export interface ReadyAuthenticator<C extends object = object> {
  readonly authenticator: Authenticator<C>
}

/** What the middleware adds to the options of an authenticator. */
export interface MiddlewareOptions {
  /** Answers refused requests. @defaultValue the status, challenge and problem document of the core */
  readonly onReject?: OnReject | undefined
  /**
   * What every token must grant. Unlike `requireScope`, which a request without credentials never reaches, it also names its scopes
   * in the challenge for those. @defaultValue nothing
   */
  readonly requirement?: Requirement
}
