import type { Requirement } from '@claimgate/core'
import { has, isRequirement, misconfigured, own } from '@claimgate/core/extend'

/** What `config.auth` of a route asks for: `true` is a token and nothing more, `undefined` what the scope of the route says. */
export type RouteRule = boolean | Requirement | undefined

/**
 * The rule of a route, from the `auth` of its `config`: its own, or a getter of its class. A polluted `Object.prototype` must not open routes.
 *
 * @throws TypeError for any other value, `undefined` included, so that a typo opens nothing
 */
export function routeRule(config: object | undefined): RouteRule {
  if (config === undefined || !has(config, 'auth')) return undefined
  const auth = own(config, 'auth')
  if (typeof auth === 'boolean' || isRequirement(auth)) return auth
  throw misconfigured(
    'protect route',
    auth === undefined
      ? '"config.auth" must not be undefined: leave it out, or check the name of what it is set to'
      : '"config.auth" must be true, false or a requirement such as scope("orders:read")',
    ...(auth === undefined ? [] : [auth]),
  )
}

/**
 * What a hook of `fastify.authenticateJwt` asks for.
 *
 * @param given - its arguments
 * @throws TypeError for anything but a requirement or no argument
 */
export function hookRule(given: readonly unknown[]): Requirement | undefined {
  if (given.length === 0) return undefined
  const [requirement] = given
  if (isRequirement(requirement)) return requirement
  if (typeof requirement === 'object' && requirement !== null && 'routeOptions' in requirement) throw passedUncalled()
  if (requirement === undefined)
    throw misconfigured(
      'protect route',
      'the argument of authenticateJwt() must not be undefined: leave it out, or check the name of what was passed',
    )
  throw misconfigured(
    'protect route',
    'give authenticateJwt() nothing, or a requirement such as scope("orders:read")',
    requirement,
  )
}

/** What is wrong where `authenticateJwt` itself is a hook of a route. */
export function passedUncalled(): TypeError {
  return misconfigured('protect route', 'authenticateJwt was passed uncalled: write onRequest: app.authenticateJwt()')
}
