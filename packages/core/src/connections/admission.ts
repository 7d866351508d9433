import {
  admitted,
  answeredWithin,
  asError,
  asRefusal,
  type Authenticated,
  type Authenticator,
  AuthError,
  bare,
  type Clock,
  own,
  type RefusalResponse,
  type RequestView,
  type Requirement,
  signedClaims,
  type VerifiedToken,
} from '../adapter.ts'

/** A connection that was refused, or a token that an open connection was given. */
export interface RefusedConnection {
  readonly kind: 'refused'
  /** Why, for the log: an `AuthError`, or what failed in the application. */
  readonly error: Error
  /** The response to an HTTP request that would open the connection. It contains fixed text only. */
  readonly response: RefusalResponse
}

/** What decides about every token of a connection. */
export interface Gatekeeper {
  readonly clock: Clock
  readonly requirement: Requirement | undefined
  /** Receives errors of the application. */
  readonly report: (error: Error) => void
}

/**
 * Authenticates the token of a connection that opens, or another one for an open connection. Never rejects.
 *
 * @param current the token of the open connection
 */
export async function admit<C extends object>(
  { clock, requirement, report }: Gatekeeper,
  authenticator: Authenticator<C>,
  view: RequestView,
  current?: VerifiedToken,
): Promise<Authenticated<C> | RefusedConnection> {
  try {
    // Every part has a deadline, except an application's own verifier.
    return await answeredWithin({ late: LATE, seconds: 30, clock }, async () => {
      const outcome = await authenticator.authenticate(view, requirement)
      if (outcome.kind === 'refused') return outcome
      const authenticated = admitted(outcome)
      const scheme = authenticated?.scheme
      const checked = await authenticator.authorize(authenticated?.token, continuing(current), scheme)
      return checked.kind === 'refused' || authenticated === undefined ? (checked as RefusedConnection) : authenticated
    })
  } catch (thrown) {
    report(asError(thrown))
    return failedConnection(thrown)
  }
}

/** The refusal of a connection because of a bug or, with status 503, a verifier that is late. */
export function failedConnection(thrown: unknown): RefusedConnection {
  const late = asRefusal(thrown)
  const headers = { 'cache-control': 'no-store', ...(late && { 'retry-after': '1' }) }
  const response = bare({ status: late?.status ?? 500, headers, body: '' })
  return bare({ kind: 'refused', error: asError(thrown), response })
}

/** A verifier that does not answer is an outage. */
export const LATE = (): Error => new AuthError('check_unavailable', { actual: 'the verifier' })

// A requirement, because its refusals become responses and are logged.
function continuing(current: VerifiedToken | undefined): Requirement {
  return bare<Requirement>({
    description: 'a token that has time left, for the subject of the connection',
    scopes: [],
    isMet: (token, { now }) => {
      if (!(now < expiryOf(token)))
        throw new AuthError('token_expired', {
          expected: 'time left',
          hint: 'The tolerance for clocks does not prolong a connection',
        })
      if (current === undefined || isSameSubject(current, token)) return true
      throw new AuthError('token_refused', { expected: 'the subject of the connection', actual: 'another subject' })
    },
  })
}

/** When a token expires, in seconds since the epoch. A token without `exp`, such as one that the authorization server was asked about, never does. */
export function expiryOf(token: VerifiedToken): number {
  const exp: unknown = own(signedClaims(token), 'exp') ?? Infinity
  return typeof exp === 'number' ? exp : Number.NaN
}

/** Whether two tokens are from the same issuer and for the same subject. Without subjects, for the same client. */
function isSameSubject(one: VerifiedToken, other: VerifiedToken): boolean {
  const [first, second] = [one, other].map(signedClaims)
  const isEqual = (name: string): boolean => textOf(first, name) === textOf(second, name)
  const names = textOf(first, 'sub') ?? textOf(second, 'sub')
  if (names !== undefined) return isEqual('iss') && isEqual('sub')
  return isEqual('iss') && textOf(first, 'client_id') !== undefined && isEqual('client_id')
}

function textOf(claims: object | undefined, name: string): string | undefined {
  const value = claims && own(claims, name)
  return typeof value === 'string' ? value : undefined
}
