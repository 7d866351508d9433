import { assertCalled, requestView, webResponse } from '@claimgate/core/adapter'
import {
  type BackchannelLogoutOptions,
  createLogoutEndpoint,
  createSecurityEventEndpoint,
  type RequestBody,
  type RevocationEndpoint,
  type SecurityEventsOptions,
} from '@claimgate/core/revocation'
import type { FetchHandler } from './gate.ts'

/**
 * Creates the handler for the logout tokens of an OpenID provider (OpenID Connect Back-Channel Logout 1.0). It revokes tokens on the denylist.
 * The URL of its route is the client's `backchannel_logout_uri`. It reads the body of the request, so call it before anything else does.
 *
 * Answers 200 once the revocation is stored, 400 for a request that is refused, and 503 if keys or the denylist are unavailable.
 *
 * @throws TypeError for options that are missing, contradict each other or are out of range
 */
export function backchannelLogout(options: BackchannelLogoutOptions): FetchHandler<Request, readonly unknown[]> {
  assertCalled('backchannelLogout', 'backchannelLogout({ denylist, issuer, clientId })', options)
  return handlerOf(createLogoutEndpoint(options))
}

/**
 * Creates the handler for security event tokens (RFC 8417) that a transmitter pushes (RFC 8935). It revokes tokens on the denylist.
 *
 * Answers 202 once revocations are stored, 400 with `err` for a request that is refused, and 503 if keys, the denylist or `authenticate`
 * are unavailable.
 *
 * @throws TypeError for options that are missing, contradict each other or are out of range
 */
export function securityEvents(options: SecurityEventsOptions): FetchHandler<Request, readonly unknown[]> {
  assertCalled('securityEvents', 'securityEvents({ denylist, issuer, audience, authenticate })', options)
  return handlerOf(createSecurityEventEndpoint(options))
}

function handlerOf(endpoint: RevocationEndpoint): FetchHandler<Request, readonly unknown[]> {
  return async (request) => {
    const isRead = request.bodyUsed || request.body?.locked === true
    const reader = isRead ? undefined : request.body?.getReader()
    const body: RequestBody = reader === undefined ? { parsed: isRead ? undefined : '' } : { next: () => reader.read() }
    const answer = await endpoint.receive(requestView(request), body)
    // Ends an upload whose rest is not needed. Not awaited, because a stream may never end its cancellation.
    reader?.cancel().catch(() => {})
    return webResponse(request, answer)
  }
}
