import type { ProtectedResource } from '@claimgate/core'
import {
  assertCalled,
  asError,
  metadataAnswer,
  NodeRequestView,
  own,
  resourceList,
  sendNode,
} from '@claimgate/core/adapter'
import {
  type BackchannelLogoutOptions,
  createLogoutEndpoint,
  createSecurityEventEndpoint,
  nodeBody,
  type RevocationEndpoint,
  type RevocationResponse,
  type SecurityEventsOptions,
} from '@claimgate/core/revocation'
import type { Request, RequestHandler, Response } from 'express'

/**
 * Serves the metadata of protected resources (RFC 9728) to everyone, without a token. Put it before `authenticateJwt`, at the root of the app:
 * the metadata is not below the path of the API. It answers GET, HEAD and OPTIONS requests for exactly these addresses, and passes on every
 * other request.
 *
 * @param resources - one or more, made by `protectedResource` of `@claimgate/core/metadata`
 * @throws TypeError for anything else
 */
export function resourceMetadata(...resources: readonly ProtectedResource[]): RequestHandler {
  assertCalled('resourceMetadata', 'app.use(resourceMetadata(resource))', resources[0])
  const served = resourceList(resources)
  const run = async (...[req, res, next]: Parameters<RequestHandler>): Promise<void> => {
    try {
      const answer = metadataAnswer(served, new NodeRequestView(req, req))
      if (answer !== undefined) return send(await answer, req, res)
    } catch (thrown) {
      return next(asError(thrown))
    }
    return next()
  }
  // `run` never rejects, because Express 4 ignores its promise.
  return (req, res, next) => void run(req, res, next)
}

/**
 * Receives the logout tokens of an OpenID provider (OpenID Connect Back-Channel Logout 1.0), and revokes tokens on the denylist:
 * `app.post('/backchannel-logout', backchannelLogout({ denylist, issuer, clientId }))`. The URL of that route is the client's
 * `backchannel_logout_uri`. Put it before `authenticateJwt`. It reads the form itself, or uses what `express.urlencoded()` has read.
 *
 * Answers 200 once the revocation is stored, 400 for a request that is refused, and 503 if keys or the denylist are unavailable.
 *
 * @throws TypeError for options that are missing, contradict each other or are out of range
 */
export function backchannelLogout(options: BackchannelLogoutOptions): RequestHandler {
  assertCalled('backchannelLogout', CALLS.logout, options)
  return handlerOf(createLogoutEndpoint(options))
}

/**
 * Receives security event tokens (RFC 8417) that a transmitter pushes (RFC 8935), and revokes tokens on the denylist:
 * `app.post('/events', securityEvents({ denylist, issuer, audience, authenticate }))`. Put it before `authenticateJwt`.
 *
 * Answers 202 once revocations are stored, 400 with `err` for a request that is refused, and 503 if keys, the denylist or `authenticate`
 * are unavailable.
 *
 * @throws TypeError for options that are missing, contradict each other or are out of range
 */
export function securityEvents(options: SecurityEventsOptions): RequestHandler {
  assertCalled('securityEvents', CALLS.events, options)
  return handlerOf(createSecurityEventEndpoint(options))
}

const CALLS = {
  logout: 'app.post("/backchannel-logout", backchannelLogout({ denylist, issuer, clientId }))',
  events: 'app.post("/events", securityEvents({ denylist, issuer, audience, authenticate }))',
}

function handlerOf(endpoint: RevocationEndpoint): RequestHandler {
  const run = async (...[req, res, next]: Parameters<RequestHandler>): Promise<void> => {
    try {
      send(await endpoint.receive(new NodeRequestView(req, req), nodeBody(req, own(req, 'body'))), req, res)
    } catch (error) {
      next(asError(error))
    }
  }
  // `run` never rejects, because Express 4 ignores its promise.
  return (req, res, next) => void run(req, res, next)
}

// Uses Node's methods, because Express would add a charset and another entity tag.
function send(answer: RevocationResponse, req: Request, res: Response): void {
  // The rest of the body was not read, and may have no end.
  const isUnread = answer.status === 408 || answer.status === 413
  const ends = isUnread && req.httpVersionMajor < 2 ? { connection: 'close' } : {}
  sendNode(res, { ...answer, headers: { ...answer.headers, ...ends } })
}
