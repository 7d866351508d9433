import { assertKnownOptions } from '../errors/known-options.ts'
import { misconfigured } from '../errors/misconfigured.ts'
import { bare, own } from '../model/own.ts'
import { type CredentialSource, DEFAULT_CREDENTIAL_SOURCES } from './credential-source.ts'
import { ACCESS_TOKEN } from './field-values.ts'

/**
 * The places to look for a token in, checked and copied, so that later changes have no effect.
 *
 * @param action - what fails where one is wrong
 * @throws TypeError for a place that does not exist, a name that is none, and the same place twice
 */
export function resolveSources(
  action: string,
  sources: readonly CredentialSource[] = DEFAULT_CREDENTIAL_SOURCES,
): readonly CredentialSource[] {
  const list: unknown = sources
  if (!Array.isArray(list) || list.length === 0)
    throw misconfigured(action, '"credentials" must list at least one place, such as { from: "authorization" }')
  const places = new Set<string>()
  const resolved = Array.from(list as readonly unknown[], (source) => {
    const { from, name = '', ...rest } = bare(resolveSource(action, source))
    const place = `${from} ${from === 'header' ? name.toLowerCase() : name}`.trimEnd()
    if (places.has(place)) throw misconfigured(action, '"credentials" names the same place twice', place)
    places.add(place)
    return Object.freeze({ from, ...(from === 'authorization' ? {} : { name }), ...rest }) as CredentialSource
  })
  return Object.freeze(resolved)
}

interface ResolvedSource {
  readonly from: CredentialSource['from']
  readonly name?: string
  readonly bareToken?: 'accept' | 'refuse'
  readonly scheme?: 'Bearer' | undefined
}

const MEMBERS: Readonly<Record<CredentialSource['from'], readonly string[]>> = {
  authorization: ['from', 'bareToken'],
  header: ['from', 'name', 'scheme'],
  cookie: ['from', 'name'],
  query: ['from', 'name'],
  form: ['from', 'name'],
}

// The result has every member itself, so that nothing on Object.prototype stands in for one at a request.
function resolveSource(action: string, source: unknown): ResolvedSource {
  if (typeof source !== 'object' || source === null)
    throw misconfigured(
      action,
      'each of "credentials" must be an object, such as { from: "cookie", name: "token" }',
      source,
    )
  const from = own(source, 'from')
  if (!isPlace(from))
    throw misconfigured(action, 'a place in "credentials" is authorization, header, cookie, query or form', from)
  assertKnownOptions(action, source, MEMBERS[from])
  if (from === 'authorization') return { from, bareToken: resolveBareToken(action, own(source, 'bareToken')) }
  const name = resolveName(action, from, own(source, 'name'))
  return from === 'header' ? { from, name, scheme: resolveScheme(action, own(source, 'scheme')) } : { from, name }
}

function isPlace(from: unknown): from is CredentialSource['from'] {
  return typeof from === 'string' && Object.hasOwn(MEMBERS, from)
}

function resolveBareToken(action: string, bareToken: unknown = 'refuse'): 'accept' | 'refuse' {
  if (bareToken === 'accept' || bareToken === 'refuse') return bareToken
  throw misconfigured(action, '"bareToken" must be "accept" or "refuse"', bareToken)
}

function resolveScheme(action: string, scheme: unknown): 'Bearer' | undefined {
  if (scheme === undefined || scheme === 'Bearer') return scheme
  throw misconfigured(action, 'the "scheme" of a header in "credentials" must be "Bearer"', scheme)
}

function resolveName(action: string, from: 'header' | 'cookie' | 'query' | 'form', name: unknown): string {
  const isNamed = from === 'header' || from === 'cookie'
  if (!isNamed && name === undefined) return ACCESS_TOKEN
  if (!isToken(name))
    throw isNamed
      ? misconfigured(action, `a ${from} in "credentials" needs its "name"`, name)
      : misconfigured(action, `the "name" of a ${from} in "credentials" must be a name`, name)
  if (from === 'header' && name.toLowerCase() === 'authorization')
    throw misconfigured(
      action,
      'for the Authorization header write { from: "authorization" }, with bareToken: "accept" if it has no scheme',
    )
  return name
}

// RFC 9110 section 5.6.2.
function isToken(name: unknown): name is string {
  return typeof name === 'string' && /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)
}
