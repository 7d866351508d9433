import type { AuthError } from '../errors/auth-error.ts'
import { wireDescriptions } from '../errors/catalogue.ts'
import { ignoreRejection, ownOptions } from '../model/values.ts'
import type { RefusalResponse, Refused } from './outcome.ts'

/** Makes the body of a refusal. Whatever it puts there goes to the caller: `status` and `error` are made for that, the rest is not. */
export type RefusalBody = (error: AuthError) => { readonly contentType: string; readonly body: string }

export interface RefusalRules {
  readonly realm: string
  readonly body: RefusalBody
  /** Lets scripts of other origins read the challenge. */
  readonly exposeChallenge: boolean
}

/** The answer to a refused request (RFC 6750 section 3, RFC 9110 section 15.5 and 15.6.4). */
export function refusalResponse(
  error: AuthError,
  { realm, body, exposeChallenge }: RefusalRules,
  neededScopes?: readonly string[],
): RefusalResponse {
  const content = contentOf(body, error)
  const headers: Record<string, string> = { 'cache-control': 'no-store', 'content-type': content.contentType }
  const value = challenge(error, realm, neededScopes)
  if (value !== undefined) {
    headers['www-authenticate'] = value
    if (exposeChallenge) headers['access-control-expose-headers'] = 'WWW-Authenticate'
  }
  if (error.retryAfter !== undefined) headers['retry-after'] = String(Math.max(1, Math.ceil(error.retryAfter)))
  return { status: error.status, headers, body: content.body }
}

// Whatever the application makes is looked at before it is sent: a promise, say, is a bug and must not end the program.
function contentOf(body: RefusalBody, error: AuthError): ReturnType<RefusalBody> {
  const content: unknown = body(error)
  const { contentType, body: text }: Partial<ReturnType<RefusalBody>> =
    typeof content === 'object' && content !== null ? ownOptions(content, ['contentType', 'body']) : {}
  if (typeof contentType === 'string' && typeof text === 'string') {
    // Frameworks would fail while sending it, some of them in a callback where nothing catches the error.
    if (FIELD_VALUE.test(contentType)) return { contentType, body: text }
    throw new TypeError('"refusalBody" must answer with a "contentType" that may stand in a header')
  }
  ignoreRejection(content)
  throw new TypeError('"refusalBody" must answer with { contentType, body }, both text, at once')
}

// RFC 9110 section 5.5, without obs-text.
const FIELD_VALUE = /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/

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

function detailOf({ status, error }: AuthError): string {
  return error === undefined ? details[status] : wireDescriptions[error]
}

/**
 * The value of `WWW-Authenticate` for a refusal (RFC 6750 section 3), or `undefined` where no token is at fault: status 408, 413 and 503.
 * Carries the configured realm, the configured scopes and fixed text, and nothing from the request or the token.
 *
 * @param needed - scopes of the requirement that a request without credentials would have had to meet
 */
export function challenge(error: AuthError, realm: string, needed: readonly string[] = []): string | undefined {
  if (NO_CHALLENGE.has(error.status)) return undefined
  const parameters = [`realm="${realm}"`]
  if (error.error !== undefined)
    parameters.push(`error="${error.error}"`, `error_description="${wireDescriptions[error.error]}"`)
  // Without credentials the challenge tells what to ask the authorization server for; afterwards the refusal itself knows.
  const scopes = (error.error === undefined ? needed : error.scopes).filter(isScope)
  if (scopes.length > 0) parameters.push(`scope="${scopes.join(' ')}"`)
  return `Bearer ${parameters.join(', ')}`
}

// Another token would not help (RFC 9110 sections 15.5.9, 15.5.14 and 15.6.4).
const NO_CHALLENGE: ReadonlySet<number> = new Set([408, 413, 503])

// RFC 6749 section 3.3. What a requirement or check of the application's own names may come from anywhere.
function isScope(scope: unknown): boolean {
  return typeof scope === 'string' && /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope)
}

/** Text that needs no escaping in a quoted string (RFC 9110 section 5.6.4), so that it cannot break out of one. */
export function isPlainText(text: unknown): text is string {
  return typeof text === 'string' && /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/.test(text)
}

/** A refusal as the error handlers of frameworks understand it. */
export interface RefusedError extends Error {
  readonly name: 'RefusedError'
  readonly status: number
  readonly statusCode: number
  /** The challenge and the like, without the type of a body that is not sent. */
  readonly headers: Readonly<Record<string, string>>
}

/**
 * An error with the status and the challenge of a refusal. What it says is fixed, for frameworks may send it; the `AuthError` with the
 * full story is its `cause`.
 */
export function refusedError({ error, response: { status, headers } }: Refused): RefusedError {
  return Object.assign(new Error('Request refused', { cause: error }), {
    name: 'RefusedError' as const,
    status,
    statusCode: status,
    headers: Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'content-type')),
  })
}
