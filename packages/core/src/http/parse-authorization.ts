import { AuthError } from '../errors/auth-error.ts'
import type { Credential, OtherScheme } from '../model/credential.ts'

const B64TOKEN = /^[A-Za-z0-9._~+/-]+=*$/
// Fields that a runtime has joined: a Bearer credential among them, or a token68 credential of another scheme and then a comma,
// which no single credential has (RFC 9110 section 11.2).
const SEVERAL = /,\s*bearer |^\S+ +[A-Za-z0-9._~+/-]+=*[ \t]*,/i
const SCHEME = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?: |$)/

/**
 * The credential in the value of an `Authorization` header: scheme in any case, one space, token (RFC 9110 section 11.4).
 *
 * @throws AuthError `credential_repeated`, `credential_malformed` (status 400)
 */
export function parseAuthorization(field: string, bareToken: 'accept' | 'refuse'): Credential | OtherScheme {
  const scheme = SCHEME.exec(field)?.[1]
  if (scheme?.toLowerCase() === 'bearer') return bearer(field.slice(scheme.length + 1))
  if (SEVERAL.test(field)) throw joined()
  if (bareToken === 'accept' && B64TOKEN.test(field)) return bearer(field)
  if (scheme === undefined) throw malformed('an authentication scheme and a token')
  return { scheme: 'other', name: knownScheme(scheme), mayBeToken: !isForeign(field) }
}

/**
 * A credential of a token without a scheme.
 *
 * @throws AuthError `credential_repeated`, `credential_malformed` (status 400)
 */
export function bearer(token: string): Credential {
  if (token.includes(',')) throw joined()
  if (/^bearer /i.test(token)) throw malformed(A_TOKEN, 'The scheme is there twice: "Bearer Bearer"')
  if (token === '' || token.includes(' ')) throw malformed(A_TOKEN)
  return { scheme: 'Bearer', token }
}

const A_TOKEN = 'one space and a token of the b64token characters (RFC 6750 section 2.1)'

/**
 * What is wrong with the characters of a credential, if anything: `credential_malformed`. As it is extracted it is one word; to look at
 * each character costs as much as all the rest of extracting.
 */
export function b64TokenFlaw({ token }: Credential): AuthError | undefined {
  return B64TOKEN.test(token) ? undefined : malformed(A_TOKEN)
}

/** As `b64TokenFlaw`, of a token that was refused. One with padding in its parts is a flaw only where a policy refuses padding. */
export function flawOfRefused(credential: Credential, { code }: AuthError): AuthError | undefined {
  return code !== 'token_encoding' && PADDED.test(credential.token) ? undefined : b64TokenFlaw(credential)
}

const PADDED = /^(?:[\w-]+={0,2}\.){2}[\w-]+={0,2}$/

/** The refusal of a credential whose scheme is not supported: `credential_scheme` (status 401). */
export function unsupportedScheme({ name }: OtherScheme): AuthError {
  return new AuthError('credential_scheme', {
    expected: 'Bearer',
    actual: name ?? 'an unknown scheme, a token without a scheme, or a scheme without a token',
    hint: 'Send "Authorization: Bearer <token>"',
  })
}

export function malformed(expected: string, hint?: string): AuthError {
  return new AuthError('credential_malformed', { expected, ...(hint === undefined ? {} : { hint }) })
}

function joined(): AuthError {
  return new AuthError('credential_repeated', { expected: 'one credential', actual: 'several joined by a comma' })
}

// A scheme with a token68 or one parameter (RFC 9110 section 11.4). Several parameters have a comma, which may have joined two fields.
const ONE_FOREIGN =
  /^[!#$%&'*+.^_`|~0-9A-Za-z-]+ +(?:[A-Za-z0-9._~+/-]+=*|[!#$%&'*+.^_`|~0-9A-Za-z-]+[ \t]*=[ \t]*(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+|"(?:[^"\\,]|\\[^,])*"))$/
// Bearer and DPoP carry access tokens. Three parts, or the beginning of an encoded JSON object, are those of a JWT; a scheme at the end
// is one in the wrong order.
const LIKE_A_TOKEN = /^dpop |\.[^.]*\.|(?:^|[ ="])eyJ| (?:bearer|dpop)$/i

function isForeign(field: string): boolean {
  return ONE_FOREIGN.test(field) && !LIKE_A_TOKEN.test(field)
}

// A word before a space may be a token in the wrong order, so only these are repeated in messages.
const KNOWN_SCHEMES = [
  'ApiKey',
  'AWS4-HMAC-SHA256',
  'Basic',
  'Digest',
  'DPoP',
  'GNAP',
  'Hawk',
  'HOBA',
  'JWT',
  'MAC',
  'Mutual',
  'Negotiate',
  'NTLM',
  'OAuth',
  'PrivateToken',
  'SCRAM-SHA-1',
  'SCRAM-SHA-256',
  'Token',
  'vapid',
]

function knownScheme(scheme: string): string | undefined {
  const name = scheme.toLowerCase()
  return KNOWN_SCHEMES.find((known) => known.toLowerCase() === name)
}
