import type { AuthError } from '../errors/auth-error.ts'
import { wireDescriptions } from '../errors/catalogue.ts'
import { ignoreRejection } from '../model/ignore-rejection.ts'
import { ownOptions } from '../model/own.ts'
import { challenge } from './challenge.ts'
import type { RefusalResponse } from './outcome.ts'

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
