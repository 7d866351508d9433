import type { RouteOptions } from 'fastify'
import type { RouteRule } from './route-rule.ts'

/** What a route's security is called, and whether it lets anonymous requests through. */
export interface SecurityNames {
  readonly scheme: string
  readonly anonymous: boolean
}

/** Adds `security` (OpenAPI 3.1 section 4.8.10) to the schema of a protected route, unless the route has one of its own. */
export function describeSecurity(route: RouteOptions, rule: RouteRule, { scheme, anonymous }: SecurityNames): void {
  const { security } = (route.schema ?? {}) as { readonly security?: unknown }
  if (security !== undefined) return
  const required = typeof rule === 'object'
  // A copy, because plugins that read the schema may change it.
  const token = { [scheme]: required ? [...rule.scopes] : [] }
  Object.assign(route, { schema: { ...route.schema, security: anonymous && !required ? [token, {}] : [token] } })
}
