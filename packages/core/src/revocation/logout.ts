import { AuthError, isObject, own, type RequestView } from '../adapter.ts'
import { bodyOf, guardedList, mediaType, revocationEndpoint, type RevocationEndpoint } from './endpoint.ts'
import { eventTokenVerifier, malformed, revokeOnce, textClaim } from './event-token.ts'
import { type BackchannelLogoutOptions, LOGOUT, readEndpointOptions } from './options.ts'

/**
 * Creates the endpoint to which an OpenID provider sends logout tokens (OpenID Connect Back-Channel Logout 1.0). Adapters export it as
 * `backchannelLogout`.
 *
 * A logout token with `sid` revokes the tokens of that session, one without it all tokens that were issued to `sub` up to its `iat`. The answer
 * is 200 once this is stored, 400 for a token that is refused or was accepted before, and 503 if keys or the denylist are unavailable. Of two
 * copies that arrive at the same moment, both may get 200, because they revoke the same.
 *
 * @throws TypeError for options that are missing, contradict each other or are out of range
 */
export function createLogoutEndpoint(given: BackchannelLogoutOptions): RevocationEndpoint {
  const options = readEndpointOptions<BackchannelLogoutOptions, 'tokenTypes' | 'revokes'>(ACTION, given, LOGOUT)
  const { issuer, clientId, tokenTypes, maxAge, revokes, clock, log } = options
  const list = guardedList(options.denylist, options.timeout, clock)
  const verify = eventTokenVerifier({ ...options, audience: clientId, tokenTypes, lifetime: maxAge })

  return revocationEndpoint({
    clock,
    log,
    accepted: 200,
    refusal: ({ code }) => ({
      error: 'invalid_request',
      error_description: code === 'token_refused' ? REPEATED : NOT_ACCEPTED,
    }),
    accept: async (view, body) => {
      const { claims, iat, once, event } = await verify(logoutToken(view, await bodyOf(body, clock)))
      if (event(LOGOUT_EVENT) === undefined)
        throw new AuthError('token_type', { expected: `the event ${LOGOUT_EVENT}`, actual: 'other events' })
      const [sid, sub] = [textClaim(claims, 'sid'), textClaim(claims, 'sub')]
      if (sid === undefined && sub === undefined) throw malformed('"sub" or "sid"', 'neither')
      if (revokes === 'subject' && sub === undefined) throw malformed('"sub", because of "revokes"', 'only "sid"')
      await revokeOnce(list, once, async () => {
        if (sid !== undefined && revokes === 'session') await list.denySession(issuer, sid)
        else if (sub !== undefined) await list.denySubject(issuer, sub, { issuedUpTo: iat })
      })
    },
  })
}

const ACTION = 'create back-channel logout'
const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout'
const REPEATED = 'The logout token was accepted before'
const NOT_ACCEPTED = 'The request does not carry exactly one logout token that is accepted here'

/** The one `logout_token` of a form (section 2.5). Other parameters are ignored. */
function logoutToken(view: RequestView, body: unknown): string {
  if (mediaType(view) !== 'application/x-www-form-urlencoded')
    throw new AuthError('credential_malformed', { expected: 'the content type application/x-www-form-urlencoded' })
  const given = typeof body === 'string' ? new URLSearchParams(`&${body}`).getAll(NAME) : parsedField(body)
  const [token] = given
  if (given.length === 1 && typeof token === 'string' && token !== '') return token
  throw new AuthError('credential_malformed', { expected: 'exactly one "logout_token", as text' })
}

const NAME = 'logout_token'

// Parsers of forms give an array for a repeated field, which is no text.
function parsedField(body: unknown): readonly unknown[] {
  return isObject(body) ? [own(body, NAME)] : []
}
