import { AuthError, FetchError, retrySeconds, systemCode } from '../adapter.ts'

/** Why there is no usable answer. Contains no token and no secret, so it may be logged. */
export class IntrospectionError extends Error {
  override readonly name: string = 'IntrospectionError'
  readonly reason: FetchError['reason'] | 'client_refused' | 'answer'
  readonly status: number | undefined
  /** Seconds from the server's `Retry-After`. */
  readonly retryAfter: number | undefined
  /** Whether the endpoint fails, or only the answer about one token. */
  readonly scope: 'endpoint' | 'token'

  constructor(message: string, details: Pick<IntrospectionError, 'reason' | 'scope'> & Partial<IntrospectionError>) {
    super(message)
    this.reason = details.reason
    this.scope = details.scope
    this.status = details.status
    this.retryAfter = details.retryAfter
  }
}

/** An answer that must not be trusted. */
export function badAnswer(message: string): IntrospectionError {
  return new IntrospectionError(message, { reason: 'answer', scope: 'token', status: undefined, retryAfter: undefined })
}

/** The failure of a function of the application that does not answer in time. */
export function tooLate(who: string, scope: IntrospectionError['scope']): IntrospectionError {
  const details = { reason: 'timeout', scope, status: undefined, retryAfter: undefined } as const
  return new IntrospectionError(`${who} has not answered in time`, details)
}

// What a server may answer because of the token. An attacker must not be able to stop requests for other tokens.
const BECAUSE_OF_TOKEN: readonly (number | undefined)[] = [400, 413, 414, 422, 431]

/** Any failure of a request as an `IntrospectionError`. Drops the cause, which may contain the token or the secret. */
export function failureOf(error: unknown): IntrospectionError {
  if (error instanceof IntrospectionError) return error
  if (!(error instanceof FetchError)) {
    const { code } = error instanceof AuthError ? error : { code: systemCode(error) }
    return new IntrospectionError(`The request could not be made${code === undefined ? '' : ` (${code})`}`, {
      reason: 'network',
      scope: 'endpoint',
      status: undefined,
      retryAfter: undefined,
    })
  }
  const { reason, status, retryAfter, message } = error
  if (status === 401 || status === 403)
    return new IntrospectionError(`The endpoint refused the credentials of this API with status ${status}`, {
      reason: 'client_refused',
      scope: 'endpoint',
      status,
      retryAfter,
    })
  const isAnswer = reason === 'too_large' || reason === 'malformed' || BECAUSE_OF_TOKEN.includes(status)
  const scope = isAnswer ? 'token' : 'endpoint'
  const text = reason === 'too_large' ? 'The answer is too large' : message
  return new IntrospectionError(text, { reason, scope, status, retryAfter })
}

/** The refusal of a request while there is no answer. */
export function unavailable(cause: IntrospectionError, milliseconds: number): AuthError {
  const { reason, status } = cause
  return new AuthError('check_unavailable', {
    actual: `introspection: ${status === undefined ? reason : `${reason}, status ${status}`}`,
    hint:
      reason === 'client_refused'
        ? 'The authorization server refused the credentials of this API: check "client"'
        : undefined,
    retryAfter: retrySeconds(milliseconds),
    cause,
  })
}
