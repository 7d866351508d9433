import type { FastifyInstance } from 'fastify'
import type { Description } from './describe-security.ts'

/** A described route, in the scope that declared it. */
export interface DescribedRoute {
  readonly scope: object
  readonly description: Description
}

/**
 * Keeps `@fastify/swagger` from failing where its options do not declare a security scheme that routes ask for: its document then leaves
 * the security of these routes out. A document cannot be given a scheme from outside.
 */
export function spareDocuments(fastify: FastifyInstance, routes: readonly DescribedRoute[]): void {
  for (const { scope, description } of routes) {
    const owner = ownerOf(scope)
    if (owner === undefined) continue
    const known = spared.get(owner)
    if (known !== undefined) known.push(description)
    else spare(owner, fastify)?.push(description)
  }
}

type Generate = (...args: unknown[]) => unknown

interface Documented {
  swagger: Generate
}

const spared = new WeakMap<Documented, Description[]>()

function ownerOf(scope: unknown): Documented | undefined {
  if (typeof scope !== 'object' || scope === null || scope === Object.prototype) return undefined
  if (Object.hasOwn(scope, 'swagger') && typeof (scope as Documented).swagger === 'function') return scope as Documented
  return ownerOf(Object.getPrototypeOf(scope))
}

function spare(owner: Documented, { log }: FastifyInstance): Description[] | undefined {
  const { swagger } = owner
  const descriptions: Description[] = []
  spared.set(owner, descriptions)
  owner.swagger = function (this: unknown, ...args) {
    try {
      return swagger.apply(this, args)
    } catch (error) {
      const schemes = [...new Set(descriptions.map(({ scheme }) => scheme))]
      // A document that succeeds is kept by the plugin, so as little as possible is left out first.
      for (const missing of [...schemes.map((scheme) => [scheme]), schemes]) {
        const withdrawn = descriptions.filter(({ scheme }) => missing.includes(scheme))
        for (const description of withdrawn) description.withdraw()
        try {
          const document = swagger.apply(this, args)
          log.warn(undeclared(missing))
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

function undeclared(schemes: readonly string[]): string {
  const [first = ''] = schemes
  return (
    `The API document shows no security for protected routes, because @fastify/swagger declares no scheme "${schemes.join('", "')}". Write ` +
    `openapi: { components: { securitySchemes: { ${first}: { type: 'http', scheme: 'bearer' } } } } into its options, or ` +
    'securityScheme: false into those of claimgate'
  )
}
