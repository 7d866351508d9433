import { AuthError } from '../errors/auth-error.ts'
import type { Credential } from '../model/credential.ts'
import type { RequestView } from '../model/request-view.ts'
import type { AuthorizationSource, CredentialSource } from './credential-source.ts'
import { fieldValues } from './field-values.ts'

/**
 * Extracts the one credential of a request from the places it may be in (RFC 6750 section 2), or `undefined` where it carries none.
 * A promise only where a body has to be read.
 *
 * @throws AuthError `credential_repeated`, `credential_malformed` (status 400), `credential_scheme` (status 401)
 */
export function extractCredential(
  view: RequestView,
  sources: readonly CredentialSource[],
): Credential | undefined | Promise<Credential | undefined> {
  const found: Found[] = []
  for (const [index, source] of sources.entries()) {
    const texts = fieldValues(view, source)
    if (texts instanceof Promise) return extractLater(view, { found, source, texts, rest: sources.slice(index + 1) })
    for (const text of texts) found.push({ source, text })
  }
  return theOnly(found)
}

interface Found {
  readonly source: CredentialSource
  readonly text: string
}

interface Unfinished extends Pick<Found, 'source'> {
  readonly found: Found[]
  readonly texts: Promise<readonly string[]>
  readonly rest: readonly CredentialSource[]
}

async function extractLater(
  view: RequestView,
  { found, source, texts, rest }: Unfinished,
): Promise<Credential | undefined> {
  for (const text of await texts) found.push({ source, text })
  for (const other of rest) for (const text of await fieldValues(view, other)) found.push({ source: other, text })
  return theOnly(found)
}

function theOnly(found: readonly Found[]): Credential | undefined {
  const [first, second] = found
  if (first === undefined) return undefined
  if (second !== undefined)
    throw new AuthError('credential_repeated', { expected: 'one credential', actual: `${found.length} credentials` })
  return first.source.from === 'authorization' ? parseAuthorization(first.text, first.source) : bearer(first.text)
}

const B64TOKEN = /^[A-Za-z0-9._~+/-]+=*$/
// Fields that a runtime has joined: a Bearer credential among them, or a token68 credential of another scheme and then a comma,
// which no single credential has (RFC 9110 section 11.2).
const SEVERAL = /,\s*bearer |^\S+ +[A-Za-z0-9._~+/-]+=*[ \t]*,/i
const SCHEME = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?: |$)/

// RFC 9110 section 11.4: scheme, one space, credentials; the scheme in any case.
function parseAuthorization(field: string, { bareToken }: AuthorizationSource): Credential {
  const scheme = SCHEME.exec(field)?.[1]
  if (scheme?.toLowerCase() === 'bearer') return bearer(field.slice(scheme.length + 1))
  if (SEVERAL.test(field))
    throw new AuthError('credential_repeated', { expected: 'one credential', actual: 'several joined by a comma' })
  if (bareToken === 'accept' && B64TOKEN.test(field)) return bearer(field)
  if (scheme === undefined) throw malformed('an authentication scheme and a token')
  throw new AuthError('credential_scheme', {
    expected: 'Bearer',
    actual: field.includes(' ') ? scheme : 'a token without a scheme, or a scheme without a token',
    hint: 'Send "Authorization: Bearer <token>"',
  })
}

function bearer(token: string): Credential {
  if (token.includes(','))
    throw new AuthError('credential_repeated', { expected: 'one credential', actual: 'several joined by a comma' })
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

function malformed(expected: string): AuthError {
  return new AuthError('credential_malformed', { expected })
}
