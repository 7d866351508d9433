import { AuthError } from '../errors/auth-error.ts'
import type { Claims } from '../model/token.ts'
import type { ClaimCheck, ClaimSubject } from './registered-claims.ts'

export interface TokenTypeRules {
  /** Accepted `typ` values in lower case without `application/`. */
  readonly types: ReadonlySet<string>
  readonly typeRequired: 'required' | 'optional'
  readonly idTokens: 'accept' | 'refuse'
}

/**
 * `typ` and the claims must identify an access token, not another kind of JWT that the same issuer signs
 * with the same key (RFC 8725 section 3.11, RFC 9068 section 4).
 */
export function tokenType({ types, typeRequired, idTokens }: TokenTypeRules): ClaimCheck {
  return {
    step: 'typ',
    answer: 'lasting',
    check: (subject) => {
      const { typ } = subject.header
      const name = typ === undefined || types.has(typ) ? typ : mediaTypeName(typ)
      if (name === undefined ? typeRequired === 'required' : !types.has(name)) {
        const hint = hintFor(name, subject)
        throw new AuthError('token_type', { expected: types, actual: typ, ...(hint === undefined ? {} : { hint }) })
      }
      if (subject.claims['events'] !== undefined)
        throw new AuthError('token_type', {
          expected: 'no "events" claim',
          actual: 'events',
          hint: 'This is a security event token or a logout token',
        })
      if (idTokens === 'refuse') assertNoIdTokenMarks(subject)
    },
    compare: ({ header }) => ({ expected: types, actual: header.typ }),
  }
}

/** Normalises a `typ`: `application/at+jwt` and `AT+JWT` become `at+jwt` (RFC 7515 section 4.1.9). */
export function mediaTypeName(typ: string): string {
  const name = typ.toLowerCase()
  return name.startsWith('application/') ? name.slice('application/'.length) : name
}

function assertNoIdTokenMarks({ claims }: ClaimSubject): void {
  const mark = idTokenMark(claims)
  if (mark === undefined) return
  throw new AuthError('token_type', {
    expected: 'an access token',
    actual: `a token with ${mark}`,
    hint: `${idTokenHint(mark, claims)}${mark === 'nonce' ? ACCEPT_NONCE : ''}`,
  })
}

// The most reliable sign first: some issuers put a nonce into access tokens, but none adds a hash.
function idTokenMark(claims: Claims): string | undefined {
  if (claims['at_hash'] !== undefined) return 'at_hash'
  if (claims['c_hash'] !== undefined) return 'c_hash'
  return claims['nonce'] === undefined || claims['nonce'] === null ? undefined : 'nonce'
}

function idTokenHint(mark: string, claims: Claims): string {
  const audienceIsClient = typeof claims.azp === 'string' && claims.azp === claims.aud
  const why = `${mark === 'at_hash' ? 'an' : 'a'} ${mark}${audienceIsClient ? ' and its aud is a client ID' : ''}`
  return `This ${mark === 'nonce' ? 'looks like' : 'is'} an ID token: it has ${why}. Send the access token instead`
}

const ACCEPT_NONCE =
  '. If this is the access token, because your issuer puts a nonce into it (Keycloak before 25, authentik), set "idTokens" to "accept"'

const OTHER_KINDS: ReadonlyMap<string, string> = new Map([
  ['dpop+jwt', 'This is a DPoP proof'],
  ['logout+jwt', 'This is a logout token'],
  ['secevent+jwt', 'This is a security event token'],
])

// ID tokens have no typ, or JWT. With any other typ, a nonce does not indicate an ID token.
function hintFor(name: string | undefined, { claims }: ClaimSubject): string | undefined {
  const mark = name === undefined || name === 'jwt' ? idTokenMark(claims) : undefined
  if (mark !== undefined) return idTokenHint(mark, claims)
  if (name === undefined) return 'The issuer must set typ to at+jwt (RFC 9068 section 2.1)'
  return OTHER_KINDS.get(name) ?? 'If this issuer gives its access tokens this typ, add it to "tokenTypes"'
}
