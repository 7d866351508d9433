import { own } from '@claimgate/core/extend'
import type { RouteOptions } from 'fastify'
import type { RouteRule } from './route-rule.ts'

/** What a route's security is called, and whether it lets anonymous requests through. */
export interface SecurityNames {
  /** `false` describes nothing. */
  readonly scheme: string | false
  readonly anonymous: boolean
}

/** The `security` of a route, which can be taken back. */
export interface Description {
  readonly scheme: string
  withdraw(): void
  restore(): void
}

/**
 * Adds `security` (OpenAPI 3.1 section 4.8.10) to the schema of a protected route, unless the route already has one.
 *
 * @returns what was added, or `undefined`
 */
export function describeSecurity(
  route: RouteOptions,
  rule: RouteRule,
  { scheme, anonymous }: SecurityNames,
): Description | undefined {
  const described = own(route, 'schema')
  if (scheme === false || (described !== undefined && own(described, 'security') !== undefined)) return undefined
  const required = typeof rule === 'object'
  // A copy, because plugins that read the schema may change it.
  const token = { [scheme]: required ? [...rule.scopes] : [] }
  const requirements: readonly object[] = anonymous && !required ? [token, {}] : [token]
  const security = [...requirements]
  const schema: { security?: unknown } = { ...described, security }
  Object.assign(route, { schema })
  return {
    scheme,
    // Emptied as well, because a copy of the schema has the same list.
    withdraw: () => {
      delete schema.security
      security.length = 0
    },
    restore: () => {
      schema.security = security
      security.splice(0, security.length, ...requirements)
    },
  }
}
