import { answeredWithin, asRefusal, assertBoolean, AuthError, type RequestView } from '../adapter.ts'
import { bodyOf, guardedList, mediaType, revocationEndpoint, type RevocationEndpoint } from './endpoint.ts'
import { eventTokenVerifier, revokeOnce } from './event-token.ts'
import { readEndpointOptions, SECURITY_EVENTS, type SecurityEventsOptions } from './options.ts'
import { eventSubject, revokedBy } from './subjects.ts'

/**
 * Creates the endpoint to which a transmitter pushes security event tokens (RFC 8417, RFC 8935). Adapters export it as `securityEvents`.
 *
 * The CAEP events `session-revoked` and `credential-change` revoke tokens. Other events are accepted and ignored, because the receiver of a
 * stream cannot choose all of them. The answer is 202 once revocations are stored, and for a token that was accepted before; 400 with `err`
 * for a request that is refused; 503 if keys, the denylist or `authenticate` are unavailable.
 *
 * @throws TypeError for options that are missing, contradict each other or are out of range
 */
export function createSecurityEventEndpoint(given: SecurityEventsOptions): RevocationEndpoint {
  const options = readEndpointOptions<SecurityEventsOptions, 'maxAge'>(ACTION, given, SECURITY_EVENTS)
  const { issuer, audience, authenticate, maxAge, clock, log, timeout, subjectIssuers = [issuer] } = options
  const list = guardedList(options.denylist, timeout, clock)
  const verify = eventTokenVerifier({ ...options, audience, tokenTypes: [TYPE], lifetime: maxAge })

  const isTransmitter = async (view: RequestView): Promise<boolean> => {
    if (authenticate === null) return true
    try {
      const answer: unknown = await answeredWithin({ late: '"authenticate"', seconds: timeout, clock }, () =>
        authenticate(view),
      )
      assertBoolean(answer, '"authenticate"')
      return answer
    } catch (thrown) {
      const refusal = asRefusal(thrown)
      if (refusal !== undefined && refusal.status !== 503) return false
      throw thrown
    }
  }

  return revocationEndpoint({
    clock,
    log,
    accepted: 202,
    // RFC 8935 section 2.3 requires it.
    refusalHeaders: { 'content-language': 'en' },
    refusal: ({ code }) => {
      const err = errOf(code)
      return { err, description: DESCRIPTIONS[err] }
    },
    accept: async (view, body) => {
      if (!(await isTransmitter(view)))
        throw new AuthError('credential_missing', { expected: 'a transmitter that "authenticate" accepts' })
      if (mediaType(view) !== `application/${TYPE}`)
        throw new AuthError('credential_malformed', { expected: `the content type application/${TYPE}` })
      const text = await bodyOf(body, clock)
      if (typeof text !== 'string') throw new AuthError('credential_malformed', { expected: 'a token as body' })
      const { claims, iat, once, event } = await verify(text.trim())
      const revoked = EVENTS.flatMap(([name, kind]) => {
        const payload = event(name)
        return payload === undefined ? [] : revokedBy(kind, eventSubject(claims, payload), { issuer, subjectIssuers })
      })
      try {
        await revokeOnce(list, once, async () => {
          for (const { kind, issuer: of, id } of revoked)
            await (kind === 'session' ? list.denySession(of, id) : list.denySubject(of, id, { issuedUpTo: iat }))
        })
      } catch (error) {
        // A transmitter that got no answer delivers again, and must learn that it has succeeded.
        if (asRefusal(error)?.code !== 'token_refused') throw error
      }
    },
  })
}

const ACTION = 'create endpoint of security events'
const TYPE = 'secevent+jwt'
const CAEP = 'https://schemas.openid.net/secevent/caep/event-type'
const EVENTS = [
  [`${CAEP}/session-revoked`, 'session'],
  [`${CAEP}/credential-change`, 'credential'],
] as const

// RFC 8935 section 2.4.
const DESCRIPTIONS = {
  invalid_request: 'The request does not carry a security event token that is accepted here',
  invalid_key: 'The token is not signed by a key of its issuer',
  invalid_issuer: 'The issuer of the token is not accepted here',
  invalid_audience: 'The token is meant for another receiver',
  authentication_failed: 'The transmitter was not authenticated',
  access_denied: 'The transmitter may not report events about this issuer',
} as const

function errOf(code: string): keyof typeof DESCRIPTIONS {
  if (code === 'credential_missing') return 'authentication_failed'
  if (code === 'claim_mismatch') return 'access_denied'
  if (code.startsWith('issuer_')) return 'invalid_issuer'
  if (code.startsWith('audience_')) return 'invalid_audience'
  return /^(?:key|signature|algorithm)_/.test(code) ? 'invalid_key' : 'invalid_request'
}
