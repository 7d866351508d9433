import { has, ignoreRejection, isRequirementRule, misconfigured, noRequirement, own } from '@claimgate/core/adapter'
import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify'
import type { RouteRequirement } from './gate.ts'

/** The `config.auth` of a route: `true` requires only a token, `undefined` uses the setting of the scope. */
export type RouteRule = boolean | RouteRequirement | undefined

/**
 * The rule of a route, from the `auth` of its `config`: an own member, or a getter of its class. A polluted `Object.prototype` is
 * ignored, because it could open routes.
 *
 * @throws TypeError for any other value, including an explicit `undefined`, because a typo must not open a route
 */
export function routeRule(config: object | undefined): RouteRule {
  if (config === undefined || !has(config, 'auth')) return undefined
  const auth = own(config, 'auth')
  if (typeof auth === 'boolean' || isRequirementRule<FastifyRequest>(auth)) return auth
  throw misconfigured(
    'protect route',
    auth === undefined
      ? '"config.auth" must not be undefined: leave it out, or check the name of what it is set to'
      : '"config.auth" must be true, false or a requirement such as scope("orders:read")',
    ...(auth === undefined ? [] : [auth]),
  )
}

/**
 * The requirement of a hook of `fastify.authenticateJwt`.
 *
 * @param given - its arguments
 * @throws TypeError for anything but a requirement or no argument
 */
export function hookRule(given: readonly unknown[]): RouteRequirement | undefined {
  if (given.length === 0) return undefined
  const [requirement] = given
  if (isRequirementRule<FastifyRequest>(requirement)) return requirement
  if (typeof requirement === 'object' && requirement !== null && 'routeOptions' in requirement) throw passedUncalled()
  throw noRequirement('protect route', requirement, 'the argument of authenticateJwt()')
}

/** The error for a route with `authenticateJwt` itself as a hook, uncalled. */
export function passedUncalled(): TypeError {
  return misconfigured('protect route', 'authenticateJwt was passed uncalled: write onRequest: app.authenticateJwt()')
}

/** A security scheme of an OpenAPI document. */
export interface SecurityScheme {
  readonly name: string
  /** The authentication scheme, in lower case as OpenAPI writes it: `bearer`, `dpop`. */
  readonly scheme: string
}

/** The security schemes of authentication schemes. `bearerAuth` is configured; others have a name like `dpopAuth`. */
export function securitySchemes(
  bearer: string | false,
  schemes: readonly string[] = ['Bearer'],
): readonly SecurityScheme[] {
  if (bearer === false) return []
  return schemes
    .map((scheme) => scheme.toLowerCase())
    .map((scheme) => ({ name: scheme === 'bearer' ? bearer : `${scheme}Auth`, scheme }))
}

interface Security {
  /** Empty adds no description. */
  readonly schemes: readonly SecurityScheme[]
  readonly anonymous: boolean
}

/** A security scheme in the `security` of a route. It can be removed again. */
interface Description {
  readonly scheme: SecurityScheme
  withdraw(): void
  restore(): void
}

/**
 * Adds `security` (OpenAPI 3.1 section 4.8.10) to the schema of a protected route, unless the route already has one. A request needs one of
 * the schemes. Adds to the description of the route what no scope can express, such as a step-up.
 *
 * @returns one description for each scheme
 */
export function describeSecurity(
  route: RouteOptions,
  rule: RouteRule,
  { schemes, anonymous }: Security,
): readonly Description[] {
  const described = own(route, 'schema')
  if (schemes.length === 0 || (described !== undefined && own(described, 'security') !== undefined)) return []
  const required = typeof rule === 'object' || typeof rule === 'function'
  const security: object[] = []
  const texts = [described && own(described, 'description'), documentationOf(rule)].filter(isText)
  const schema: { security?: unknown } = {
    ...described,
    security,
    ...(texts.length > 0 && { description: texts.join('\n\n') }),
  }
  const hidden = new Set<SecurityScheme>()
  const show = (): void => {
    // Copied, because plugins that read the schema may change it. The scopes of a function depend on the request.
    const scopes = (): string[] => (typeof rule === 'object' ? [...rule.scopes] : [])
    const tokens = schemes.filter((scheme) => !hidden.has(scheme)).map(({ name }) => ({ [name]: scopes() }))
    const isOptional = anonymous && !required && tokens.length > 0
    // The list is changed, too, because a copy of the schema shares it.
    security.splice(0, security.length, ...tokens, ...(isOptional ? [{}] : []))
    if (security.length > 0) schema.security = security
    else delete schema.security
  }
  show()
  Object.assign(route, { schema })
  return schemes.map((scheme) => ({
    scheme,
    withdraw: () => {
      hidden.add(scheme)
      show()
    },
    restore: () => {
      hidden.delete(scheme)
      show()
    },
  }))
}

function documentationOf(rule: RouteRule): string | undefined {
  const documentation = typeof rule === 'object' ? own(rule, 'documentation') : undefined
  return documentation === undefined ? undefined : `Requires ${documentation}.`
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

/** A described route, in the scope that declared it. */
export interface DescribedRoute {
  readonly scope: object
  readonly description: Description
}

/**
 * Prevents `@fastify/swagger` from failing if its options do not declare the security scheme that routes use: its document then omits
 * the security of these routes. A scheme cannot be added to a document from outside.
 */
export function guardDocuments(fastify: FastifyInstance, routes: readonly DescribedRoute[]): void {
  for (const { scope, description } of routes) {
    const owner = ownerOf(scope)
    if (owner === undefined) continue
    const known = guarded.get(owner)
    if (known !== undefined) known.push(description)
    else guard(owner, fastify)?.push(description)
  }
}

type Generate = (...args: unknown[]) => unknown

interface Documented {
  swagger: Generate
}

const guarded = new WeakMap<Documented, Description[]>()

function ownerOf(scope: unknown): Documented | undefined {
  if (typeof scope !== 'object' || scope === null || scope === Object.prototype) return undefined
  if (Object.hasOwn(scope, 'swagger') && typeof (scope as Documented).swagger === 'function') return scope as Documented
  return ownerOf(Object.getPrototypeOf(scope))
}

function guard(owner: Documented, { log }: FastifyInstance): Description[] | undefined {
  const { swagger } = owner
  const descriptions: Description[] = []
  guarded.set(owner, descriptions)
  owner.swagger = function (this: unknown, ...args) {
    try {
      return swagger.apply(this, args)
    } catch (error) {
      const schemes = new Map(descriptions.map(({ scheme }) => [scheme.name, scheme]))
      // The plugin caches the first document that succeeds, so try the one that omits the least first.
      for (const missing of [...[...schemes.values()].map((scheme) => [scheme]), [...schemes.values()]]) {
        const names = missing.map(({ name }) => name)
        const withdrawn = descriptions.filter(({ scheme }) => names.includes(scheme.name))
        for (const description of withdrawn) description.withdraw()
        try {
          const document = swagger.apply(this, args)
          ignoreRejection(log.warn(undeclared(missing)))
          return document
        } catch {
          for (const description of withdrawn) description.restore()
        }
      }
      throw error
    }
  }
  return descriptions
}

function undeclared(schemes: readonly SecurityScheme[]): string {
  const names = schemes.map(({ name }) => `"${name}"`).join(', ')
  const declared = schemes.map(({ name, scheme }) => `${name}: { type: 'http', scheme: '${scheme}' }`).join(', ')
  return (
    `The API document does not show all security of protected routes, because @fastify/swagger declares no scheme ${names}. Write ` +
    `openapi: { components: { securitySchemes: { ${declared} } } } into its options, or securityScheme: false into those of claimgate`
  )
}
