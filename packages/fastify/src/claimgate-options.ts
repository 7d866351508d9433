import type { AdapterOptions } from '@claimgate/core/extend'
import type { OnReject } from './refuse.ts'

/** How to verify tokens, and which routes to protect. Where nothing says how to verify, `optionsFromEnv(process.env)` does. */
export type ClaimgateOptions = ScopeOptions & AdapterOptions

/** Which routes to protect, and how to answer refused requests. */
export interface ScopeOptions {
  /** `false` protects only routes that ask: by `config.auth`, or with the hook of `fastify.authenticateJwt()`. @defaultValue true */
  readonly global?: boolean | undefined
  /** Answers refused requests. @defaultValue the status, challenge and problem document of the core */
  readonly onReject?: OnReject | undefined
  /**
   * Name of the OpenAPI security scheme put into the schemas of protected routes, as the options of `@fastify/swagger` declare it; where
   * they do not, the document shows no security. `false` leaves schemas alone. @defaultValue 'bearerAuth'
   */
  readonly securityScheme?: string | false | undefined
  /**
   * In a scope with a prefix, `protect` makes unknown routes answer as protected ones do, with a not-found handler; say `own` where
   * the scope sets one itself, which is protected as well. @defaultValue 'protect'
   */
  readonly notFound?: 'protect' | 'own' | undefined
}
