import type { Claims, VerifiedToken, Verifier } from '@claimgate/core'
import type { AuthenticateHook, RouteRequirement } from './gate.ts'

// Fastify loaders such as @fastify/autoload, and many Fastify users, expect a default export.
// oxlint-disable-next-line import/no-default-export
export { claimgate, claimgate as default } from './plugin.ts'
export type { ClaimgateOptions, ScopeOptions } from './options.ts'
export type { AuthenticateHook, RouteRequirement } from './gate.ts'
export type { OnReject } from './options.ts'
export { backchannelLogout, resourceMetadata, securityEvents } from './endpoints.ts'

/**
 * The claims of `request.auth`. Merge your application's claims into it:
 * `declare module '@claimgate/fastify' { interface AuthClaims { tenant: string } }`.
 */
export interface AuthClaims extends Claims {}

/** Creates hooks. See `fastify.authenticateJwt`. */
export interface AuthenticateJwt {
  (requirement?: RouteRequirement): AuthenticateHook
  /** The verifier of this registration, for `ready()` at start-up. */
  readonly verifier: Verifier
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The verified token; `null` for anonymous requests and on open routes. */
    auth: VerifiedToken<AuthClaims> | null
  }

  interface FastifyInstance {
    /**
     * Creates a hook that admits only requests whose token meets the requirement, or the requirement that a function returns. Use it as
     * `onRequest` of a route, or in `fastify.auth([…])` of `@fastify/auth`. If the token may be in a form body, use it as `preValidation`.
     *
     * @throws TypeError for anything but a requirement
     */
    authenticateJwt: AuthenticateJwt
  }

  interface FastifyContextConfig {
    /**
     * `false` opens the route, `true` requires a token. A requirement restricts it, as does a function that returns the requirement of a
     * request. Ignored on routes outside the scopes in which `claimgate` is registered. @defaultValue the setting of the scope
     */
    auth?: boolean | RouteRequirement
  }
}
