import type { AuthenticatorOptions, HttpOptions } from '@claimgate/core'
import type { OnReject } from './refuse.ts'

/** How to verify tokens, and which routes to protect. Without options for verifying, `optionsFromEnv(process.env)`. */
export type ClaimgateOptions = ScopeOptions & (AuthenticatorOptions | EnvironmentOptions)

/** Which routes to protect, and how to answer refused requests. */
export interface ScopeOptions {
  /** `false` protects only routes that ask: by `config.auth`, or with the hook of `fastify.authenticateJwt()`. @defaultValue true */
  readonly global?: boolean
  /** Answers refused requests. @defaultValue the status, challenge and problem document of the core */
  readonly onReject?: OnReject
  /** Name of the OpenAPI security scheme put into route schemas. @defaultValue 'bearerAuth' */
  readonly securityScheme?: string
  /**
   * In a scope with a prefix, `protect` makes unknown routes answer as protected ones do, with a not-found handler; say `own` where
   * the scope sets one itself, which is protected as well. @defaultValue 'protect'
   */
  readonly notFound?: 'protect' | 'own'
}

/** Says nothing about verifying, and leaves it to the environment. */
export type EnvironmentOptions = { readonly [name in keyof HttpOptions | 'issuer' | 'issuers' | 'verifier']?: never }
