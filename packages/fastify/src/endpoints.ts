import type { ProtectedResource } from '@claimgate/core'
import { decodedPath, has, metadataAnswer, misconfigured, NodeRequestView, resourceList } from '@claimgate/core/adapter'
import {
  type BackchannelLogoutOptions,
  createLogoutEndpoint,
  createSecurityEventEndpoint,
  nodeBody,
  type NodeBodyStream,
  type RevocationEndpoint,
  type SecurityEventsOptions,
} from '@claimgate/core/revocation'
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
  return passedUncalled('resourceMetadata', resources[0], '(resourceMetadata(resource))') ?? metadataPlugin(resources)
}

function metadataPlugin(resources: readonly ProtectedResource[]): FastifyPluginAsync {
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
  const plain = decodedPath(path)
  if (plain !== undefined) return plain
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

/**
 * A plugin that receives the logout tokens of an OpenID provider (OpenID Connect Back-Channel Logout 1.0), and revokes tokens on the denylist:
 * `app.register(backchannelLogout({ denylist, issuer, clientId }), { prefix: '/backchannel-logout' })`. That URL is the client's
 * `backchannel_logout_uri`. The route needs no access token, even in a scope that `claimgate` protects, and no parser of forms.
 *
 * Answers 200 once the revocation is stored, 400 for a request that is refused, and 503 if keys or the denylist are unavailable.
 *
 * @throws TypeError for options that are missing, contradict each other or are out of range
 */
export function backchannelLogout(options: BackchannelLogoutOptions): FastifyPluginAsync {
  return passedUncalled('backchannelLogout', options) ?? pluginOf(createLogoutEndpoint(options))
}

/**
 * A plugin that receives security event tokens (RFC 8417) that a transmitter pushes (RFC 8935), and revokes tokens on the denylist:
 * `app.register(securityEvents({ denylist, issuer, audience, authenticate }), { prefix: '/events' })`. The route needs no access token, even in
 * a scope that `claimgate` protects.
 *
 * Answers 202 once revocations are stored, 400 with `err` for a request that is refused, and 503 if keys, the denylist or `authenticate`
 * are unavailable.
 *
 * @throws TypeError for options that are missing, contradict each other or are out of range
 */
export function securityEvents(options: SecurityEventsOptions): FastifyPluginAsync {
  return passedUncalled('securityEvents', options) ?? pluginOf(createSecurityEventEndpoint(options))
}

/** Returns a rejected promise if Fastify has called the factory itself as a plugin, because Fastify would not catch an exception. */
function passedUncalled(
  name: string,
  given: unknown,
  call = `(${name}({ … }), { prefix: '/path' })`,
): FastifyPluginAsync | undefined {
  if (typeof given !== 'object' || given === null || !has(given, 'addContentTypeParser')) return undefined
  const uncalled = new TypeError(`${name} was passed uncalled: write app.register${call}`)
  // Fastify awaits what it gets, and does not call it.
  return Promise.reject(uncalled) as unknown as FastifyPluginAsync
}

function pluginOf(endpoint: RevocationEndpoint): FastifyPluginAsync {
  return async (scope) => {
    // In this scope alone. The endpoint reads the body itself, within its own limits.
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
    scope.post('/', { config: { auth: false } }, async (request, reply) => {
      const { raw, body: stream } = request
      const body = stream === undefined ? { parsed: '' } : nodeBody(stream as NodeBodyStream, undefined)
      const { status, headers, body: text } = await endpoint.receive(new NodeRequestView(request, raw), body)
      // For example, `handlerTimeout` may have responded meanwhile.
      if (reply.sent) return reply
      // The rest of the body was not read, and may have no end.
      if ((status === 408 || status === 413) && raw.httpVersionMajor < 2) reply.header('connection', 'close')
      // As bytes, because Fastify adds a charset to the content type of text.
      return reply.code(status).headers(headers).send(Buffer.from(text))
    })
  }
}
