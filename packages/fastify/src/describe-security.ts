import type { RouteOptions } from 'fastify'
import type { ClaimgateOptions } from './claimgate-options.ts'
import type { RouteRule } from './route-rule.ts'

/** Adds `security` (OpenAPI 3.1 section 4.8.10) to the schema of a protected route, unless the route has one of its own. */
export function describeSecurity(route: RouteOptions, rule: RouteRule, options: ClaimgateOptions): void {
  const { security } = (route.schema ?? {}) as { readonly security?: unknown }
  if (rule === false || security !== undefined) return
  const scopes = typeof rule === 'object' ? rule.scopes : []
  const scheme = { [options.securityScheme ?? 'bearerAuth']: scopes }
  const described = options.optional === true && typeof rule !== 'object' ? [scheme, {}] : [scheme]
  Object.assign(route, { schema: { ...route.schema, security: described } })
}
