import type { Requirement } from '@claimgate/core'
import { isRequirement, misconfigured } from '@claimgate/core/extend'

/** What `config.auth` of a route asks for: `true` is a token and nothing more, `undefined` what the scope of the route says. */
export type RouteRule = boolean | Requirement | undefined

/**
 * The rule of a route, out of whatever stands in its `config.auth`.
 *
 * @throws TypeError for anything else, so that a slip of the pen opens nothing
 */
export function routeRule(auth: unknown): RouteRule {
  if (auth === undefined || typeof auth === 'boolean' || isRequirement(auth)) return auth
  throw misconfigured(
    'protect route',
    '"config.auth" must be true, false or a requirement such as scope("orders:read")',
    auth,
  )
}

/**
 * What a hook of `fastify.authenticateJwt` asks for.
 *
 * @throws TypeError for anything but a requirement or nothing
 */
export function hookRule(requirement: unknown): Requirement | undefined {
  if (requirement === undefined || isRequirement(requirement)) return requirement
  throw misconfigured(
    'protect route',
    'give authenticateJwt() nothing, or a requirement such as scope("orders:read")',
    requirement,
  )
}
