import type { AuthError } from '../errors/auth-error.ts'
import { wireDescriptions } from '../model/catalogue.ts'
import { checkedFields, type Fields, isFieldValue, isHttpToken, isPlainText, isScope } from '../model/http-text.ts'
import { ignoreRejection, isObject, ownOptions } from '../model/values.ts'
import type { RefusalResponse, Refused } from './outcome.ts'

/** Makes the body of a refusal. The caller receives this body: only `status` and `error` are safe to include. */
export type RefusalBody = (error: AuthError) => { readonly contentType: string; readonly body: string }

export interface RefusalRules {
  readonly realm: string
  readonly body: RefusalBody
  /** Lets scripts on other origins read the challenge. */
  readonly exposeChallenge: boolean
  /** Whether the scopes that a request needs are named without an error only, or also with `invalid_token`. */
  readonly scopesInChallenge: 'no_token' | 'invalid_token'
  /** One for each accepted scheme. */
  readonly challenges: readonly Challenge[]
}

/** What the response depends on, besides the error and the rules. */
export interface RefusedRequest {
  /** The scheme the request used, if that is clear. */
  readonly scheme?: string | undefined
  /** The scopes that the requirement needs. They are named if the request has no credentials, and as `scopesInChallenge` says. */
  readonly scopes?: readonly string[] | undefined
  /** What bindings have added before the refusal, such as a `DPoP-Nonce`. Names are in lower case. */
  readonly headers?: Fields | undefined
}

/** The response to a refused request (RFC 6750 section 3, RFC 9110 section 15.5 and 15.6.4). */
export function refusalResponse(error: AuthError, rules: RefusalRules, request: RefusedRequest = {}): RefusalResponse {
  const content = contentOf(rules.body, error)
  const headers: Record<string, string> = { 'cache-control': 'no-store', 'content-type': content.contentType }
  const value = challenge(error, rules, request)
  if (value !== undefined) headers['www-authenticate'] = value
  if (error.retryAfter !== undefined) headers['retry-after'] = String(Math.max(1, Math.ceil(error.retryAfter)))
  const added = { ...request.headers, ...error.headers }
  const names = Object.keys(added)
  if (names.length > 0) Object.assign(headers, { ...checkedFields(added, 'An AuthError'), ...headers })
  const exposed = [...(value === undefined ? [] : ['WWW-Authenticate']), ...names]
  if (rules.exposeChallenge && exposed.length > 0) headers['access-control-expose-headers'] = exposed.join(', ')
  return { status: error.status, headers, body: content.body }
}

// The application's body is checked before it is sent: a promise, for example, is a bug and must not crash the process.
function contentOf(body: RefusalBody, error: AuthError): ReturnType<RefusalBody> {
  const content: unknown = body(error)
  const { contentType, body: text }: Partial<ReturnType<RefusalBody>> = isObject(content)
    ? ownOptions(content, ['contentType', 'body'])
    : {}
  if (typeof contentType === 'string' && typeof text === 'string') {
    // Frameworks would throw while sending it, some of them in a callback where nothing catches the error.
    if (isFieldValue(contentType)) return { contentType, body: text }
    throw new TypeError('"refusalBody" must return a "contentType" that is a valid header value')
  }
  ignoreRejection(content)
  throw new TypeError('"refusalBody" must return { contentType, body }, both text, not a promise')
}

/** A problem document (RFC 9457) with fixed text. */
export const problemBody: RefusalBody = (error) => ({
  contentType: 'application/problem+json',
  body: JSON.stringify({
    type: 'about:blank',
    title: titles[error.status],
    status: error.status,
    detail: detailOf(error),
    ...(error.error === undefined ? {} : { error: error.error }),
  }),
})

const titles = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  408: 'Request Timeout',
  413: 'Content Too Large',
  503: 'Service Unavailable',
} as const

const NEEDS_TOKEN = 'This resource needs an access token'
const details = {
  400: NEEDS_TOKEN,
  401: NEEDS_TOKEN,
  403: NEEDS_TOKEN,
  408: 'The form did not arrive in time to look for an access token',
  413: 'The form is too large to look for an access token',
  503: 'Access tokens cannot be verified at the moment',
} as const

function detailOf({ status, error, description }: AuthError): string {
  return describe({ error, description }) ?? details[status]
}

function describe({ error, description }: Pick<AuthError, 'error' | 'description'>): string | undefined {
  if (error === undefined) return undefined
  return isPlainText(description) ? description : wireDescriptions[error]
}

/** A challenge of `WWW-Authenticate` (RFC 9110 section 11.6.1). Its parameters are data; `serialise` quotes them. */
export interface Challenge {
  readonly scheme: string
  readonly parameters: Readonly<Record<string, string>>
}

/**
 * The value of `WWW-Authenticate` for a refusal (RFC 6750 section 3): one challenge for each accepted scheme. `undefined` for status 408,
 * 413 and 503, where the token is not the cause. The error is in the challenge of the scheme that was used, or in all if that is unclear.
 * Contains only configured values and fixed text; nothing from the request or the token.
 */
export function challenge(
  error: AuthError,
  { realm, challenges, scopesInChallenge }: RefusalRules,
  { scheme: used, scopes: needed = [] }: RefusedRequest = {},
): string | undefined {
  if (NO_CHALLENGE.has(error.status)) return undefined
  const isClear = challenges.some(({ scheme }) => scheme === used)
  return challenges
    .map(({ scheme, parameters }) => {
      const all: Record<string, string> = { realm }
      if (error.error === undefined) nameScopes(all, needed)
      if (error.error === undefined || (isClear && scheme !== used)) return serialise(scheme, { ...all, ...parameters })
      all['error'] = error.error
      all['error_description'] = describe(error) ?? ''
      nameScopes(all, error.error === scopesInChallenge ? needed : error.scopes)
      // Spread twice: first for the order, last because nothing may replace its values.
      return serialise(scheme, { ...all, ...parameters, ...inLowerCase(error.parameters), ...all })
    })
    .join(', ')
}

// Names are case-insensitive and may occur once (RFC 9110 section 11.2).
function inLowerCase(parameters: Challenge['parameters']): Challenge['parameters'] {
  return Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name.toLowerCase(), value]))
}

function nameScopes(parameters: Record<string, string>, scopes: readonly string[]): void {
  // An application's own requirements and checks may supply anything.
  const valid = scopes.filter(isScope)
  if (valid.length > 0) parameters['scope'] = valid.join(' ')
}

// A quoted string cannot contain the characters that are dropped.
function serialise(scheme: string, parameters: Challenge['parameters']): string {
  const parts = Object.entries(parameters)
    .filter(([name, value]) => isHttpToken(name) && typeof value === 'string' && QUOTABLE.test(value))
    .map(([name, value]) => `${name}="${value.replaceAll(/["\\]/g, String.raw`\$&`)}"`)
  return `${scheme} ${parts.join(', ')}`
}

const QUOTABLE = /^[\x20-\x7e]+$/

// Another token would not help (RFC 9110 sections 15.5.9, 15.5.14 and 15.6.4).
const NO_CHALLENGE: ReadonlySet<number> = new Set([408, 413, 503])

/** A refusal in the shape that the error handlers of frameworks expect. */
export interface RefusedError extends Error {
  readonly name: 'RefusedError'
  readonly status: number
  readonly statusCode: number
  /** The challenge and related headers, without a `content-type` because no body is sent. */
  readonly headers: Readonly<Record<string, string>>
}

/**
 * An error with the status and the challenge of a refusal. Its message is fixed because frameworks may send it; `cause` is the
 * `AuthError` with the details.
 */
export function refusedError({ error, response: { status, headers } }: Refused): RefusedError {
  return Object.assign(new Error('Request refused', { cause: error }), {
    name: 'RefusedError' as const,
    status,
    statusCode: status,
    headers: Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'content-type')),
  })
}
