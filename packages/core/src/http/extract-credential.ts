import { AuthError } from '../errors/auth-error.ts'
import type { Credential, OtherScheme } from '../model/credential.ts'
import type { RequestView } from '../model/request-view.ts'
import type { CredentialSource } from './credential-source.ts'
import { ACCESS_TOKEN, fieldValues } from './field-values.ts'
import { bearer, malformed, parseAuthorization } from './parse-authorization.ts'

/** The one credential of a request; `undefined` where it carries none. */
export type Extracted = Credential | OtherScheme | undefined

/**
 * Extracts the one credential of a request from the places it may be in (RFC 6750 section 2). An empty value is no credential, and equal
 * tokens in several places are one. A credential of a foreign scheme, such as `Basic`, gives way to a token in another place. A promise
 * only where a body has to be read.
 *
 * @throws AuthError `credential_repeated`, `credential_malformed` (status 400)
 */
export function extractCredential(
  view: RequestView,
  sources: readonly CredentialSource[],
): Extracted | Promise<Extracted> {
  const found: Found[] = []
  for (const [index, source] of sources.entries()) {
    const values = fieldValues(view, source)
    if (!isList(values)) return extractLater(view, { found, source, values, rest: sources.slice(index + 1) })
    addTo(found, source, values)
  }
  return theOnly(found)
}

interface Found {
  readonly source: CredentialSource
  readonly text: string
}

interface Unfinished extends Pick<Found, 'source'> {
  readonly found: Found[]
  readonly values: Promise<readonly unknown[]>
  readonly rest: readonly CredentialSource[]
}

async function extractLater(view: RequestView, { found, source, values, rest }: Unfinished): Promise<Extracted> {
  addTo(found, source, await values)
  for (const other of rest) addTo(found, other, await fieldValues(view, other))
  return theOnly(found)
}

// By its shape, because an application may have replaced `Promise`.
function isList<T>(values: readonly T[] | Promise<readonly T[]>): values is readonly T[] {
  return Array.isArray(values)
}

function addTo(found: Found[], source: CredentialSource, values: readonly unknown[]): void {
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

function theOnly(found: readonly Found[]): Extracted {
  const [first, second] = found
  if (first === undefined) return undefined
  const credential = parse(first)
  if (second === undefined) return credential
  const others = found.slice(1).map((each) => ({ ...each, credential: parse(each) }))
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
  credential.scheme === 'other' && !credential.mayBeToken

function isSame(one: Credential | OtherScheme, other: Credential | OtherScheme): boolean {
  return one.scheme !== 'other' && one.scheme === other.scheme && one.token === other.token
}

function parse({ source, text }: Found): Credential | OtherScheme {
  if (source.from === 'authorization') return parseAuthorization(text, source.bareToken ?? 'refuse')
  if (source.from !== 'header') return bearer(text)
  if (source.scheme !== undefined) return parseAuthorization(text, 'refuse')
  if (!/^bearer /i.test(text)) return bearer(text)
  throw malformed('a token without a scheme', 'For a header with one, write scheme: "Bearer" beside its name')
}

function nameOf(source: CredentialSource): string {
  if (source.from === 'authorization') return 'Authorization header'
  const name = source.name ?? ACCESS_TOKEN
  return `${source.from} "${name}"`
}
