import { isHttpToken } from '../model/http-text.ts'
import type { RequestView } from '../model/token.ts'
import { bare, isObject, own } from '../model/values.ts'
import { anything, misconfigured, oneOf, type OptionRule, type OptionTable, required } from '../options/option-rules.ts'
import { readOptions } from '../options/read-options.ts'

/**
 * A place where a request may carry its access token (RFC 6750 section 2). The same token in several places is one credential. Two
 * different tokens are refused with status 400. Empty values are ignored.
 */
export type CredentialSource = AuthorizationSource | HeaderSource | CookieSource | QuerySource | FormSource

/** The `Authorization` header with the `Bearer` scheme (RFC 6750 section 2.1). */
export interface AuthorizationSource {
  readonly from: 'authorization'
  /** `accept` also accepts a token without a scheme, as some older services send it. @defaultValue 'refuse' */
  readonly bareToken?: 'accept' | 'refuse'
}

/** A custom header that contains only the token. */
export interface HeaderSource {
  readonly from: 'header'
  /** The name of the header. Case is ignored. */
  readonly name: string
  /** `Bearer` if the scheme precedes the token, as in `X-Forwarded-Authorization: Bearer …`. @defaultValue no scheme */
  readonly scheme?: 'Bearer'
}

/** A cookie that contains only the token. Protect such routes against cross-site request forgery. */
export interface CookieSource {
  readonly from: 'cookie'
  /** The name of the cookie. */
  readonly name: string
}

/** A query parameter (RFC 6750 section 2.3). It ends up in logs and histories, so use it only as a last resort. */
export interface QuerySource {
  readonly from: 'query'
  /** The name of the parameter. @defaultValue 'access_token' */
  readonly name?: string
}

/**
 * A field of an `application/x-www-form-urlencoded` body (RFC 6750 section 2.2), ignored for GET and HEAD. `@claimgate/fetch` refuses a
 * body of more than 64 KiB or 1,000 fields with status 413, and one that takes longer than 5 s with 408.
 */
export interface FormSource {
  readonly from: 'form'
  /** The name of the field. @defaultValue 'access_token' */
  readonly name?: string
}

/** A function of the application that reads the token. */
interface HookSource {
  readonly from: 'extractToken'
  /** A list of one value, or an empty one. */
  read(view: RequestView): Promise<readonly unknown[]>
}

/** A place that a request is searched for a token in. */
export type TokenPlace = CredentialSource | HookSource

/** The `Authorization` header alone. */
export const DEFAULT_SOURCES: readonly CredentialSource[] = Object.freeze([
  Object.freeze(bare<CredentialSource>({ from: 'authorization', bareToken: 'refuse' })),
])

/**
 * Checks and copies credential sources. Later changes have no effect.
 *
 * @param action - the action that a wrong source makes fail
 * @throws TypeError for an unknown kind of source, an invalid name, and a duplicate source
 */
export function resolveSources(action: string, list: unknown): readonly CredentialSource[] {
  if (!Array.isArray(list) || list.length === 0)
    throw misconfigured(action, '"credentials" must list at least one place, such as { from: "authorization" }')
  const places = new Set<string>()
  return Object.freeze(
    Array.from(list as readonly unknown[], (given) => {
      const source = resolveSource(action, given)
      const name = source.from === 'authorization' ? '' : (source.name ?? '')
      const place = `${source.from} ${source.from === 'header' ? name.toLowerCase() : name}`.trimEnd()
      if (places.has(place)) throw misconfigured(action, '"credentials" names the same place twice', place)
      places.add(place)
      return source
    }),
  )
}

function resolveSource(action: string, given: unknown): CredentialSource {
  if (!isObject(given))
    throw misconfigured(
      action,
      'each of "credentials" must be an object, such as { from: "cookie", name: "token" }',
      given,
    )
  const from = own(given, 'from')
  if (typeof from !== 'string' || !isPlace(from))
    throw misconfigured(action, 'a place in "credentials" is authorization, header, cookie, query or form', from)
  return readOptions(action, given, SOURCES[from], { path: 'credentials.' }) as CredentialSource
}

function isPlace(from: string): from is CredentialSource['from'] {
  return Object.hasOwn(SOURCES, from)
}

/** The default name of a query parameter or a form field that contains the token (RFC 6750 sections 2.2 and 2.3). */
export const ACCESS_TOKEN = 'access_token'

const nameOf = (what: string): OptionRule => ({ be: `the name of a ${what}`, fits: isHttpToken })

const SOURCES: Readonly<Record<CredentialSource['from'], OptionTable>> = {
  authorization: { from: anything, bareToken: { ...oneOf('accept', 'refuse'), default: 'refuse' } },
  header: { from: anything, name: { ...required(nameOf('header')), read: customHeader }, scheme: oneOf('Bearer') },
  cookie: { from: anything, name: required(nameOf('cookie')) },
  query: { from: anything, name: { ...nameOf('query parameter'), default: ACCESS_TOKEN } },
  form: { from: anything, name: { ...nameOf('form field'), default: ACCESS_TOKEN } },
}

function customHeader(action: string, name: string): string {
  if (name.toLowerCase() !== 'authorization') return name
  throw misconfigured(
    action,
    'for the Authorization header write { from: "authorization" }, with bareToken: "accept" if it has no scheme',
  )
}

/**
 * Every value the request has in one place, in order. The caller must refuse several values, and values that are not text. Returns a
 * promise only for a body.
 */
export function fieldValues(view: RequestView, source: TokenPlace): readonly unknown[] | Promise<readonly unknown[]> {
  switch (source.from) {
    case 'authorization':
      return view.header('authorization')
    case 'header':
      return view.header(source.name.toLowerCase())
    case 'cookie':
      return cookieValues(view, source.name)
    case 'query':
      return queryValues(view.target, source.name ?? ACCESS_TOKEN)
    case 'form':
      return formValues(view, source.name ?? ACCESS_TOKEN)
    case 'extractToken':
      return source.read(view)
  }
}

/** Every value of a cookie. RFC 6265 section 4.2.1: pairs separated by a semicolon; HTTP/2 may send them as several fields. */
export function cookieValues(view: Pick<RequestView, 'header'>, name: string): readonly unknown[] {
  return (view.header('cookie') as readonly unknown[]).flatMap((field): readonly unknown[] =>
    typeof field === 'string' ? pairValues(field, name) : [field],
  )
}

function pairValues(field: string, name: string): readonly string[] {
  return field
    .split(';')
    .map(withoutSpace)
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => unquoted(pair.slice(name.length + 1)))
}

// RFC 9110 section 5.6.3. Not `trim`: it strips characters that browsers keep in a name. `\xA0__Host-token` is another cookie.
function withoutSpace(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isSpace(text[start])) start += 1
  while (end > start && isSpace(text[end - 1])) end -= 1
  return text.slice(start, end)
}

const isSpace = (character: string | undefined): boolean => character === ' ' || character === '\t'

function unquoted(value: string): string {
  return value.length >= 2 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value
}

function queryValues(target: string, name: string): readonly string[] {
  const start = target.indexOf('?')
  if (start < 0) return []
  const [query = ''] = target.slice(start + 1).split('#', 1)
  // The constructor strips a leading question mark, but here it is part of the first name.
  return new URLSearchParams(`&${query}`).getAll(name)
}

async function formValues(view: RequestView, name: string): Promise<readonly unknown[]> {
  const method = view.method.toUpperCase()
  if (method === 'GET' || method === 'HEAD' || own(view, 'form') === undefined) return []
  const [contentType]: readonly unknown[] = view.header('content-type')
  if (typeof contentType !== 'string') return []
  const [type = ''] = contentType.split(';', 1)
  if (withoutSpace(type).toLowerCase() !== 'application/x-www-form-urlencoded') return []
  // Some body parsers return null for an empty body.
  const fields: unknown = await view.form?.(name)
  if (fields instanceof URLSearchParams) return fields.getAll(name)
  if (!isObject(fields) || !Object.hasOwn(fields, name)) return []
  // A body parser may build lists and objects from names with brackets.
  const value = (fields as Readonly<Record<string, unknown>>)[name]
  return Array.isArray(value) ? (value as readonly unknown[]) : [value]
}
