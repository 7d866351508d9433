import type { AuthError } from '../errors/auth-error.ts'
import { wireDescriptions } from '../errors/catalogue.ts'
import { ignoreRejection, ownOptions } from '../model/values.ts'
import type { RefusalResponse, Refused } from './outcome.ts'

/** Makes the body of a refusal. The caller receives this body: only `status` and `error` are safe to include. */
export type RefusalBody = (error: AuthError) => { readonly contentType: string; readonly body: string }

export interface RefusalRules {
  readonly realm: string
  readonly body: RefusalBody
  /** Lets scripts on other origins read the challenge. */
  readonly exposeChallenge: boolean
}

/** The response to a refused request (RFC 6750 section 3, RFC 9110 section 15.5 and 15.6.4). */
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

// The application's body is checked before it is sent: a promise, for example, is a bug and must not crash the process.
function contentOf(body: RefusalBody, error: AuthError): ReturnType<RefusalBody> {
  const content: unknown = body(error)
  const { contentType, body: text }: Partial<ReturnType<RefusalBody>> =
    typeof content === 'object' && content !== null ? ownOptions(content, ['contentType', 'body']) : {}
  if (typeof contentType === 'string' && typeof text === 'string') {
    // Frameworks would throw while sending it, some of them in a callback where nothing catches the error.
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
 * The value of `WWW-Authenticate` for a refusal (RFC 6750 section 3). `undefined` for status 408, 413 and 503, where the token is not the
 * cause. Contains only the configured realm, the configured scopes and fixed text; nothing from the request or the token.
 *
 * @param needed - scopes that the requirement asks for, named if the request has no credentials
 */
export function challenge(error: AuthError, realm: string, needed: readonly string[] = []): string | undefined {
  if (NO_CHALLENGE.has(error.status)) return undefined
  const parameters = [`realm="${realm}"`]
  if (error.error !== undefined)
    parameters.push(`error="${error.error}"`, `error_description="${wireDescriptions[error.error]}"`)
  // Without credentials, name the scopes to request from the authorization server; otherwise the error has them.
  const scopes = (error.error === undefined ? needed : error.scopes).filter(isScope)
  if (scopes.length > 0) parameters.push(`scope="${scopes.join(' ')}"`)
  return `Bearer ${parameters.join(', ')}`
}

// Another token would not help (RFC 9110 sections 15.5.9, 15.5.14 and 15.6.4).
const NO_CHALLENGE: ReadonlySet<number> = new Set([408, 413, 503])

// RFC 6749 section 3.3. An application's own requirements and checks may supply anything as a scope.
function isScope(scope: unknown): boolean {
  return typeof scope === 'string' && /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope)
}

/** Whether a text needs no escaping in a quoted string (RFC 9110 section 5.6.4), so it cannot break out of one. */
export function isPlainText(text: unknown): text is string {
  return typeof text === 'string' && /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/.test(text)
}

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
