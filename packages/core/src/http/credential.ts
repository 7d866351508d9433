import { AuthError } from '../errors/auth-error.ts'
import type { Credential, OtherScheme, RequestView } from '../model/token.ts'
import { ACCESS_TOKEN, fieldValues, type TokenPlace } from './credential-sources.ts'

/** The one credential of a request, or `undefined` if it has none. */
export type Extracted = Credential | OtherScheme | undefined

/** The accepted authentication schemes by their names in lower case. */
export type Schemes = ReadonlyMap<string, string>

const BEARER: Schemes = new Map([['bearer', 'Bearer']])

/**
 * Extracts the one credential of a request from its possible places (RFC 6750 section 2). Empty values are ignored, and equal
 * tokens in several places are one. A credential with another scheme, such as `Basic`, is ignored if there is a token elsewhere.
 * Returns a promise only if a body must be read.
 *
 * @throws AuthError `credential_repeated`, `credential_malformed` (status 400)
 */
export function extractCredential(
  view: RequestView,
  sources: readonly TokenPlace[],
  schemes: Schemes = BEARER,
): Extracted | Promise<Extracted> {
  const [source] = sources
  if (source !== undefined && sources.length === 1 && source.from === 'authorization') {
    // The usual request: one field with "Bearer", a space and one word. Anything else is parsed below.
    const fields: unknown = view.header('authorization')
    const field: unknown = Array.isArray(fields) && fields.length === 1 ? fields[0] : undefined
    if (typeof field === 'string' && field.startsWith('Bearer ') && field.length > 7) {
      const token = field.slice(7)
      if (!token.includes(' ') && !token.includes(',')) return { scheme: 'Bearer', token }
    }
  }
  const found: Found[] = []
  for (const [index, each] of sources.entries()) {
    const values = fieldValues(view, each)
    if (!isList(values))
      return extractWithBody(view, { found, source: each, values, rest: sources.slice(index + 1), schemes })
    addTo(found, each, values)
  }
  return onlyCredential(found, schemes)
}

interface Found {
  readonly source: TokenPlace
  readonly text: string
}

interface Unfinished extends Pick<Found, 'source'> {
  readonly found: Found[]
  readonly values: Promise<readonly unknown[]>
  readonly rest: readonly TokenPlace[]
  readonly schemes: Schemes
}

async function extractWithBody(
  view: RequestView,
  { found, source, values, rest, schemes }: Unfinished,
): Promise<Extracted> {
  addTo(found, source, await values)
  for (const other of rest) addTo(found, other, await fieldValues(view, other))
  return onlyCredential(found, schemes)
}

// Checked by shape because an application may have replaced `Promise`.
function isList<T>(values: readonly T[] | Promise<readonly T[]>): values is readonly T[] {
  return Array.isArray(values)
}

function addTo(found: Found[], source: TokenPlace, values: readonly unknown[]): void {
  if (values.length > 1)
    throw new AuthError('credential_repeated', {
      expected: 'one value',
      actual: `${values.length} in the ${nameOf(source)}`,
    })
  const [value] = values
  if (values.length === 0 || value === '') return
  if (typeof value !== 'string') throw malformed(`one text in the ${nameOf(source)}`)
  if (!BLANK.test(value)) found.push({ source, text: value })
}

const BLANK = /^[ \t]*$/

function onlyCredential(found: readonly Found[], schemes: Schemes): Extracted {
  const [first, second] = found
  if (first === undefined) return undefined
  const credential = parse(first, schemes)
  if (second === undefined) return credential
  const others = found.slice(1).map((each) => ({ ...each, credential: parse(each, schemes) }))
  return others.reduce<Credential | OtherScheme>((only, other) => {
    if (isForeign(other.credential)) return only
    if (isForeign(only)) return other.credential
    if (isSame(only, other.credential)) return only
    throw new AuthError('credential_repeated', {
      expected: 'one credential',
      actual: `another in the ${nameOf(other.source)}`,
    })
  }, credential)
}

const isForeign = (credential: Credential | OtherScheme): boolean =>
  credential.scheme === undefined && !credential.mayBeToken

function isSame(one: Credential | OtherScheme, other: Credential | OtherScheme): boolean {
  return one.scheme !== undefined && one.scheme === other.scheme && one.token === other.token
}

function parse({ source, text }: Found, schemes: Schemes): Credential | OtherScheme {
  if (source.from === 'authorization') return parseAuthorization(text, schemes, source.bareToken)
  if (source.from !== 'header') return credentialOf('Bearer', text)
  if (source.scheme !== undefined) return parseAuthorization(text, BEARER)
  if (!/^bearer /i.test(text)) return credentialOf('Bearer', text)
  throw malformed('a token without a scheme', 'For a header with one, write scheme: "Bearer" beside its name')
}

function nameOf(source: TokenPlace): string {
  if (source.from === 'authorization') return 'Authorization header'
  if (source.from === 'extractToken') return source.from
  const name = source.name ?? ACCESS_TOKEN
  return `${source.from} "${name}"`
}

const B64TOKEN = /^[A-Za-z0-9._~+/-]+=*$/
// Fields that a runtime has joined: they contain a Bearer credential, or a token68 credential of another scheme followed by a comma.
// A single credential cannot contain either (RFC 9110 section 11.2).
const SEVERAL = /,\s*bearer |^\S+ +[A-Za-z0-9._~+/-]+=*[ \t]*,/i
const SCHEME = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?: |$)/

/**
 * Parses the value of an `Authorization` header: scheme in any case, one space, token (RFC 9110 section 11.4).
 *
 * @throws AuthError `credential_repeated`, `credential_malformed` (status 400)
 */
function parseAuthorization(
  field: string,
  schemes: Schemes,
  bareToken: 'accept' | 'refuse' = 'refuse',
): Credential | OtherScheme {
  const name = SCHEME.exec(field)?.[1]
  const scheme = schemes.get(name?.toLowerCase() ?? '')
  if (name !== undefined && scheme !== undefined) return credentialOf(scheme, field.slice(name.length + 1))
  if (SEVERAL.test(field)) throw joinedByComma()
  if (bareToken === 'accept' && B64TOKEN.test(field)) return credentialOf('Bearer', field)
  if (name === undefined) throw malformed('an authentication scheme and a token')
  return { scheme: undefined, name: knownScheme(name), mayBeToken: !isForeignScheme(field) }
}

/**
 * Makes a credential from a token without its scheme.
 *
 * @throws AuthError `credential_repeated`, `credential_malformed` (status 400)
 */
function credentialOf(scheme: string, token: string): Credential {
  if (token.includes(',')) throw joinedByComma()
  if (/^bearer /i.test(token)) throw malformed(A_TOKEN, 'The scheme is there twice: "Bearer Bearer"')
  if (token === '' || token.includes(' ')) throw malformed(A_TOKEN)
  return { scheme, token }
}

const A_TOKEN = 'one space and a token of the b64token characters (RFC 6750 section 2.1)'

/**
 * Returns `credential_malformed` if a credential has invalid characters. An extracted credential is one word, but checking every
 * character costs as much as the rest of extraction.
 */
export function b64TokenFlaw({ token }: Pick<Credential, 'token'>): AuthError | undefined {
  return B64TOKEN.test(token) ? undefined : malformed(A_TOKEN)
}

/** Like `b64TokenFlaw`, for a token that was refused. Padding in its parts is a flaw only if the policy refuses padding. */
export function flawOfRefused(token: string | undefined, { code }: Pick<AuthError, 'code'>): AuthError | undefined {
  if (token === undefined || (code !== 'token_encoding' && PADDED.test(token))) return undefined
  return b64TokenFlaw({ token })
}

const PADDED = /^(?:[\w-]+={0,2}\.){2}[\w-]+={0,2}$/

/** The refusal of an unsupported scheme: `credential_scheme` (status 401). */
export function unsupportedScheme({ name }: OtherScheme, schemes: Schemes): AuthError {
  return new AuthError('credential_scheme', {
    expected: [...schemes.values()].join(' or '),
    actual: name ?? 'an unknown scheme, a token without a scheme, or a scheme without a token',
    hint: 'Send "Authorization: Bearer <token>"',
  })
}

function malformed(expected: string, hint?: string): AuthError {
  return new AuthError('credential_malformed', { expected, ...(hint === undefined ? {} : { hint }) })
}

function joinedByComma(): AuthError {
  return new AuthError('credential_repeated', { expected: 'one credential', actual: 'several joined by a comma' })
}

// A scheme with a token68 or one parameter (RFC 9110 section 11.4). Several parameters contain a comma, which may have joined two fields.
const ONE_FOREIGN =
  /^[!#$%&'*+.^_`|~0-9A-Za-z-]+ +(?:[A-Za-z0-9._~+/-]+=*|[!#$%&'*+.^_`|~0-9A-Za-z-]+[ \t]*=[ \t]*(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+|"(?:[^"\\,]|\\[^,])*"))$/
// Bearer and DPoP carry access tokens. Three parts, or the start of an encoded JSON object, look like a JWT. A scheme at the end means
// that scheme and token were swapped.
const LIKE_A_TOKEN = /^dpop |\.[^.]*\.|(?:^|[ ="])eyJ| (?:bearer|dpop)$/i

function isForeignScheme(field: string): boolean {
  return ONE_FOREIGN.test(field) && !LIKE_A_TOKEN.test(field)
}

// The first word may be a token in the wrong order, so messages repeat only these.
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
