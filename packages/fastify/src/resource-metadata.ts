import type { ProtectedResource } from '@claimgate/core'
import { assertCalled, metadataAnswer, misconfigured, NodeRequestView, resourceList } from '@claimgate/core/adapter'
import type { FastifyInstance, FastifyPluginAsync, FastifyRequest, RouteHandlerMethod } from 'fastify'
import fp from 'fastify-plugin'

/**
 * Serves the metadata of protected resources (RFC 9728) to everyone, without a token. Needed only if no `claimgate` has the option `resource`,
 * because it then serves the metadata itself.
 *
 * @param resources - one or more, made by `protectedResource` of `@claimgate/core/metadata`
 * @throws TypeError for anything else
 */
export function resourceMetadata(...resources: readonly ProtectedResource[]): FastifyPluginAsync {
  assertCalled('resourceMetadata', 'app.register(resourceMetadata(resource))', resources[0])
  const served = resourceList(resources)
  return fp(
    async (fastify: FastifyInstance) => {
      for (const resource of served) serveMetadata(fastify, resource)
    },
    { fastify: '5.x' },
  )
}

/**
 * Adds open routes for the metadata of a resource, once per server. They are added to the nearest scope without a prefix, because the metadata
 * is not below the path of the API.
 *
 * @throws TypeError if another resource is served at the same address
 */
export function serveMetadata(fastify: FastifyInstance, resource: ProtectedResource): void {
  const served = servedBy.get(fastify.server) ?? new Map<string, ProtectedResource[]>()
  servedBy.set(fastify.server, served)
  for (const path of resource.paths) {
    const known = served.get(path)
    if (known?.includes(resource)) continue
    // Addresses may differ by their query.
    if (known !== undefined && [...known, resource].some(({ metadataUri }) => !metadataUri.includes('?')))
      throw misconfigured('serve metadata', 'two resources have their metadata at the same address', path)
    if (known !== undefined) known.push(resource)
    else served.set(path, addRoute(withoutPrefix(fastify), path, [resource]))
  }
}

// Keeps the routes out of API documents.
const HIDDEN: object = { hide: true }

const servedBy = new WeakMap<object, Map<string, ProtectedResource[]>>()

function withoutPrefix(scope: FastifyInstance): FastifyInstance {
  return scope.prefix === '' ? scope : withoutPrefix(Object.getPrototypeOf(scope) as FastifyInstance)
}

/** @throws TypeError for a path that would never be found, because the router decodes no delimiters */
function decoded(path: string): string {
  try {
    if (!/%(?:2[346bcf]|3[abdf]|40)/i.test(path)) return decodeURI(path)
  } catch {
    // Not UTF-8.
  }
  throw misconfigured('serve metadata', 'give a resource or a "path" without escaped delimiters such as "%2F"', path)
}

function addRoute(scope: FastifyInstance, path: string, resources: ProtectedResource[]): ProtectedResource[] {
  const handler: RouteHandlerMethod = async (request: FastifyRequest, reply) => {
    const answer = metadataAnswer(resources, new NodeRequestView(request, request.raw))
    // The router ignores some differences, such as encoded characters. It is not the application's not-found handler, which may need a token.
    if (answer === undefined) return reply.code(404).send()
    const { status, headers, body } = await answer
    return reply
      .code(status)
      .headers(headers)
      .send(body === '' ? undefined : Buffer.from(body))
  }
  scope.route({
    method: ['GET', 'HEAD', 'OPTIONS'],
    // The router compares decoded paths, and a colon begins a parameter.
    url: decoded(path).replaceAll(':', '::'),
    config: { auth: false },
    schema: HIDDEN,
    handler,
  })
  return resources
}
