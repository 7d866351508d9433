/** The expected answers, written out: adapters and core are compared with them. */
export interface Expected {
  readonly status: number
  /** `undefined` if the framework creates the body, and not an adapter. */
  readonly body: string | undefined
  /** The compared fields that must be present; `unchecked` if neither core nor an adapter creates the answer. */
  readonly headers: Readonly<Partial<Record<ComparedField, string | RegExp>>> | 'unchecked'
  readonly reaches: 'service' | 'nothing'
}

export const COMPARED_FIELDS = [
  'www-authenticate',
  'content-type',
  'cache-control',
  'retry-after',
  'access-control-expose-headers',
  'dpop-nonce',
] as const

export type ComparedField = (typeof COMPARED_FIELDS)[number]

const PROBLEM = { 'content-type': 'application/problem+json', 'cache-control': 'no-store' }

const DESCRIPTIONS = {
  invalid_request: 'The request does not carry exactly one well-formed access token',
  invalid_token: 'The access token is malformed, expired, revoked or not meant for this resource',
  insufficient_scope: 'The access token does not grant what this request needs',
  invalid_dpop_proof: 'The DPoP proof is missing, malformed or does not fit this request',
  use_dpop_nonce: 'The DPoP proof must contain the nonce of this resource',
  insufficient_user_authentication: 'The user must authenticate in a stronger or more recent way',
  insufficient_authorization: 'The access token does not authorize this request',
}

/** Reaches the service, which answers with a greeting. */
export const served = (body: string): Expected => ({
  status: 200,
  body,
  headers: { 'content-type': /^text\/plain/ },
  reaches: 'service',
})

/** No credentials: a bare challenge (RFC 6750 section 3.1). */
export const unauthenticated = (scopes?: string): Expected =>
  refused(401, 'Unauthorized', 'This resource needs an access token', { scopes })

export const badRequest: Expected = refused(400, 'Bad Request', DESCRIPTIONS.invalid_request, {
  error: 'invalid_request',
})

export const badToken: Expected = refused(401, 'Unauthorized', DESCRIPTIONS.invalid_token, { error: 'invalid_token' })

/** An insufficient proof of possession. */
export const badProof = (error: 'invalid_dpop_proof' | 'use_dpop_nonce'): Expected =>
  refused(401, 'Unauthorized', DESCRIPTIONS[error], { error })

/** A valid token that is not sufficient. */
export const forbidden = (scopes?: string): Expected =>
  refused(403, 'Forbidden', DESCRIPTIONS.insufficient_scope, { error: 'insufficient_scope', scopes })

/** A valid token that another authentication or another authorization would make sufficient. */
export const remediable = (
  error: 'insufficient_user_authentication' | 'insufficient_authorization',
  scopes?: string,
): Expected => refused(401, 'Unauthorized', DESCRIPTIONS[error], { error, scopes })

export const undecided = (retryAfter: string | RegExp): Expected => ({
  status: 503,
  body: JSON.stringify({
    type: 'about:blank',
    title: 'Service Unavailable',
    status: 503,
    detail: 'Access tokens cannot be verified at the moment',
  }),
  headers: { ...PROBLEM, 'retry-after': retryAfter },
  reaches: 'nothing',
})

/** The HTTP server of Node answers before the framework receives the request. */
export const refusedByServer = (status: number): Expected => ({
  status,
  body: undefined,
  headers: 'unchecked',
  reaches: 'nothing',
})

/** A bug: the framework answers. */
export const failed: Expected = { status: 500, body: 'bug', headers: 'unchecked', reaches: 'nothing' }

/** The same answer to a HEAD request. */
export const withoutBody = (expected: Expected): Expected => ({ ...expected, body: '' })

/** The same answer, except that a bare challenge names no scopes. */
export function withoutScopes(expected: Expected): Expected {
  return expected.status === 401
    ? challenging(expected, (challenge) =>
        challenge.includes('error=') ? challenge : challenge.replaceAll(/, scope="[^"]*"/g, ''),
      )
    : expected
}

/** The same answer with some fields added or replaced. */
export const withHeaders = (expected: Expected, headers: Exclude<Expected['headers'], 'unchecked'>): Expected => ({
  ...expected,
  headers: { ...(expected.headers === 'unchecked' ? {} : expected.headers), ...headers },
})

/** The same answer with another value of `WWW-Authenticate`, made from its Bearer challenge. */
export const challenging = (expected: Expected, change: (bearer: string) => string): Expected =>
  expected.headers === 'unchecked'
    ? expected
    : withHeaders(expected, { 'www-authenticate': change(String(expected.headers['www-authenticate'])) })

interface ChallengeParts {
  readonly error?: keyof typeof DESCRIPTIONS
  readonly scopes?: string | undefined
}

function refused(status: number, title: string, detail: string, { error, scopes }: ChallengeParts): Expected {
  const parameters = [
    'realm="api"',
    ...(error === undefined ? [] : [`error="${error}"`, `error_description="${detail}"`]),
    ...(scopes === undefined ? [] : [`scope="${scopes}"`]),
  ]
  return {
    status,
    body: JSON.stringify({ type: 'about:blank', title, status, detail, ...(error === undefined ? {} : { error }) }),
    headers: { ...PROBLEM, 'www-authenticate': `Bearer ${parameters.join(', ')}` },
    reaches: 'nothing',
  }
}
