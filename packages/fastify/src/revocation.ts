import { has, NodeRequestView } from '@claimgate/core/adapter'
import {
  type BackchannelLogoutOptions,
  createLogoutEndpoint,
  createSecurityEventEndpoint,
  nodeBody,
  type NodeBodyStream,
  type RevocationEndpoint,
  type SecurityEventsOptions,
} from '@claimgate/core/revocation'
import type { FastifyPluginAsync } from 'fastify'

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

/** Fastify has called the factory as a plugin: the error, as a promise, because Fastify would not catch an exception. */
function passedUncalled(name: string, given: object): undefined | never {
  if (typeof given !== 'object' || given === null || !has(given, 'addContentTypeParser')) return undefined
  const call = `app.register(${name}({ … }), { prefix: '/path' })`
  return Promise.reject(new TypeError(`${name} was passed uncalled: write ${call}`)) as never
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
