import { AuthError, bare, type Claims, createJwtVerifier, isOptions, own, verifiedToken } from '../adapter.ts'
import { type RevocationList, type TokenRules, tokenRules } from './options.ts'

/** A verified token that reports events: a logout token or a security event token (RFC 8417). */
export interface EventToken {
  /** The claims as signed. */
  readonly claims: Claims
  readonly iat: number
  /** The claims under which it is remembered. */
  readonly once: Claims
  /** The payload of an event; `undefined` if the token does not report it. */
  event(name: string): object | undefined
}

interface EventTokenRules extends TokenRules {
  readonly issuer: string
  readonly audience: string | readonly string[]
  readonly tokenTypes: readonly string[]
  /** Seconds after `iat` that a token without `exp` is accepted. `undefined` requires `exp`. */
  readonly lifetime: number | undefined
}

/** Verifies a token that reports events. @throws AuthError */
export type VerifyEventToken = (token: string) => Promise<EventToken>

/**
 * A verifier of tokens that report events. They pass every step of an access token but one: `events` is required instead of refused.
 *
 * @throws TypeError for wrong options
 */
export function eventTokenVerifier(rules: EventTokenRules): VerifyEventToken {
  const { issuer, audience, tokenTypes, lifetime } = rules
  const signed = new WeakMap<Claims, Claims>()
  const verifier = createJwtVerifier(
    bare({ ...tokenRules(rules), issuer, audience, tokenTypes, requiredClaims: ['iat', 'jti'] }),
    (claims) => {
      const { events: _, ...rest } = claims
      const { exp, iat }: Claims = bare(rest)
      const end = exp === undefined && lifetime !== undefined && typeof iat === 'number' ? iat + lifetime : exp
      const completed = bare({ ...rest, ...(end !== undefined && { exp: end }) })
      signed.set(completed, claims)
      return completed
    },
  )
  return async (token) => {
    const { header, claims: checked } = await verifier.verify(token)
    const claims = signed.get(checked) ?? bare({})
    const events = eventsOf(claims)
    // A number and a text, because the verifier has checked them.
    const [iat, jti, exp] = [Number(checked.iat), String(checked.jti), Number(checked.exp)]
    if (jti === '') throw malformed('jti: a string', 'an empty one')
    // The type keeps its IDs apart from those of access tokens.
    const once = bare({ iss: issuer, jti: `${kindOf(header?.typ)} ${jti}`, iat, exp })
    return { claims, iat, once, event: (name) => own(events, name) as object | undefined }
  }
}

const kindOf = (typ: string | undefined): string => (typ?.toLowerCase().endsWith('secevent+jwt') ? 'event' : 'logout')

function eventsOf(claims: Claims): object {
  // The verifier refuses any other value.
  if (own(claims, 'nonce') !== undefined)
    throw new AuthError('token_type', { expected: 'no "nonce"', actual: 'a token with nonce' })
  const events = own(claims, 'events')
  const payloads: readonly unknown[] = isOptions(events) ? Object.values(events) : []
  if (!isOptions(events) || payloads.length === 0 || !payloads.every(isOptions))
    throw new AuthError('token_type', {
      expected: 'an "events" claim with an object for each event',
      actual: events === undefined ? 'a token without it' : 'something else',
      hint: 'This may be an access token or an ID token',
    })
  return events
}

/** The refusal of a claim that cannot be used. */
export function malformed(expected: string, actual: unknown): AuthError {
  return new AuthError('claim_malformed', { expected, actual })
}

/** A claim that must be a string, if it is present. @throws AuthError */
export function textClaim(claims: object, name: string): string | undefined {
  const value = own(claims, name)
  if (value === undefined || (typeof value === 'string' && value !== '')) return value
  throw malformed(`${name}: a string`, value === '' ? 'an empty one' : typeof value)
}

/** Revokes what a token reports, once. @throws AuthError `token_refused` for a token that was accepted before */
export async function revokeOnce(list: RevocationList, once: Claims, revoke: () => Promise<void>): Promise<void> {
  try {
    await list.check(verifiedToken('', { claims: once, header: undefined, scopes: new Set() }))
  } catch (error) {
    if (!(error instanceof AuthError) || error.code !== 'token_refused') throw error
    throw new AuthError('token_refused', { expected: 'a token that was not accepted before', actual: 'a repeated one' })
  }
  await revoke()
  // Last, because a token whose revocation was not stored must be accepted again. To revoke twice changes nothing.
  await list.denyToken({ claims: once })
}
