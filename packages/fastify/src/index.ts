import type { Claims, Requirement, VerifiedToken } from '@claimgate/core'
import type { AuthenticateHook } from './gate.ts'

// Fastify's loaders, such as @fastify/autoload, and its users' habits want a default as well.
// oxlint-disable-next-line import/no-default-export
export { claimgate, claimgate as default } from './plugin.ts'
export type { ClaimgateOptions, ScopeOptions } from './options.ts'
export type { AuthenticateHook } from './gate.ts'
export type { OnReject } from './options.ts'

/**
 * The claims of `request.auth`. Merge the application's own into it:
 * `declare module '@claimgate/fastify' { interface AuthClaims { tenant: string } }`.
 */
export interface AuthClaims extends Claims {}

declare module 'fastify' {
  interface FastifyRequest {
    /** The verified token; `null` for anonymous requests and on routes that are open. */
    auth: VerifiedToken<AuthClaims> | null
  }

  interface FastifyInstance {
    /**
     * A hook that lets requests through whose token meets the requirement, for `onRequest` of a route, or for `fastify.auth([…])` of
     * `@fastify/auth`. Where the token may be in a form body, put it in `preValidation`.
     *
     * @throws TypeError for anything but a requirement
     */
    authenticateJwt(requirement?: Requirement): AuthenticateHook
  }

  interface FastifyContextConfig {
    /**
     * `false` opens the route, a requirement narrows it, `true` asks for a token. Counts for nothing on routes outside of the scopes that
     * `claimgate` is registered in. @defaultValue what the scope says
     */
    auth?: boolean | Requirement
  }
}
