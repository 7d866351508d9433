import {
  admitted,
  asError,
  type Authenticated,
  AuthError,
  type Authenticator,
  bare,
  type Clock,
  clockOf,
  givenRequirement,
  ignoreRejection,
  isThenable,
  type Outcome,
  own,
  type Refused,
  type RequestView,
  type Requirement,
  signedClaims,
  type VerifiedToken,
} from '../adapter.ts'
import { failedCall, type RefusedCall, refusedCall } from './refused-call.ts'

/** The sender of the calls in one request, connection or stream. */
export interface Caller<C extends object = object> {
  /**
   * The verified token, if it meets the requirement. The credential is read once for all calls. A call after the `exp` of the token is refused, or, if
   * that is later, 5 s after the credential was read.
   *
   * Rejects only with what the guard's function made of a `RefusedCall`: 400, 401, 403 or 503, and 500 for bugs. An anonymous caller is
   * refused, also with `optional: true`.
   */
  token(requirement?: Requirement): Promise<VerifiedToken<C>>
  /** Headers for the response: of bindings, and of all refusals so far, whose first eight different challenges are joined. Names are in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** What `onAuthenticated` returned; `undefined` before a call has a token. */
  readonly user: unknown
}

/** Seconds that a token accepted at its very end may still be used, so that the calls of one request get one answer. */
const GRACE = 5

interface Credentials<C extends object> {
  readonly outcome: Outcome<C>
  /** In seconds since the epoch. */
  readonly lasts: number
}

/** A caller, and what its stream needs. */
export interface OpenCaller<C extends object> {
  readonly caller: Caller<C>
  readonly clock: Clock
  /** The error of a stream whose token has expired. */
  readonly expired: () => Promise<unknown>
  /** The error of a bug. */
  readonly failed: (bug: unknown) => unknown
}

/** The caller of a request, and its errors. */
export function callerOf<C extends object>(
  authenticator: Authenticator<C>,
  view: RequestView,
  errorOf: (refused: RefusedCall) => unknown,
): OpenCaller<C> {
  const clock = clockOf(authenticator.verifier)
  const fields = new Map<string, Set<string>>()
  let asked: Promise<Credentials<C>> | undefined
  let admission: Authenticated<C> | undefined
  let failed: (() => Refused) | undefined

  const credentials = (): Promise<Credentials<C>> =>
    (asked ??= authenticate().catch((bug: unknown) => {
      tryAgain(() => {
        throw bug
      })
      throw bug
    }))

  // Another call may succeed once the keys can be fetched.
  const tryAgain = (failure: () => Refused): void => {
    asked = undefined
    failed = failure
  }

  const authenticate = async (): Promise<Credentials<C>> => {
    let outcome = await authenticator.authenticate(view)
    // The attempt that failed may have used up the proof of DPoP.
    if (failed !== undefined && outcome.kind === 'refused' && outcome.error.code === 'binding_failed')
      outcome = failed()
    if (outcome.kind === 'refused' && outcome.error.status === 503) {
      const outage = outcome
      tryAgain(() => outage)
    }
    admission = outcome.kind === 'refused' ? undefined : admitted(outcome)
    if (admission !== undefined) addTo(fields, admission.headers)
    const exp: unknown = admission && own(signedClaims(admission.token), 'exp')
    return { outcome, lasts: typeof exp === 'number' ? Math.max(exp, clock.now() / 1000 + GRACE) : Infinity }
  }

  const refusedFor = async (error: AuthError, scopes: readonly string[] = []): Promise<Outcome<C>> => {
    const isMet = (): never => {
      throw error
    }
    const requirement = bare<Requirement>({ description: 'a token for this call', scopes, isMet })
    return authenticator.authorize(admission?.token, requirement, admission?.scheme)
  }

  const outcomeFor = async (given: readonly [requirement?: Requirement]): Promise<Outcome<C>> => {
    const requirement = givenRequirement('authorize call', given)
    const { outcome, lasts } = await credentials()
    const isMissing = outcome.kind === 'refused' && outcome.error.code === 'credential_missing'
    // The challenge then names the scopes that this call needs.
    if (admission === undefined && (isMissing || outcome.kind !== 'refused'))
      return refusedFor(new AuthError('credential_missing'), requirement?.scopes)
    if (admission === undefined) return outcome
    if (clock.now() / 1000 >= lasts) return refusedFor(new AuthError('token_expired'))
    return requirement === undefined ? outcome : authenticator.authorize(admission.token, requirement, admission.scheme)
  }

  const errorFor = (refused: RefusedCall): unknown => {
    addTo(fields, refused.headers)
    try {
      const error = errorOf(refused)
      if (Object(error) === error && !isThenable(error)) return error
      // A function that is async by mistake. Frameworks read `undefined` and some strings as "continue".
      ignoreRejection(error)
      return new TypeError(NO_ERROR, { cause: refused })
    } catch (thrown) {
      return asError(thrown)
    }
  }

  const caller: Caller<C> = {
    token: async (...given: readonly [requirement?: Requirement]) => {
      let refused: RefusedCall
      try {
        const outcome = await outcomeFor(given)
        const token = outcome.kind === 'refused' ? undefined : admitted(outcome)?.token
        if (token !== undefined) return token
        refused = refusedCall(outcome as Refused)
      } catch (bug) {
        refused = failedCall(bug)
      }
      throw errorFor(refused)
    },
    get headers() {
      return bare(Object.fromEntries([...fields].map(([name, values]) => [name, [...values].join(', ')])))
    },
    get user() {
      return admission && own(admission, 'user')
    },
  }
  const expired = async (): Promise<unknown> => errorFor(await expiredCall())
  const expiredCall = async (): Promise<RefusedCall> => {
    try {
      return refusedCall((await refusedFor(new AuthError('token_expired'))) as Refused)
    } catch (bug) {
      return failedCall(bug)
    }
  }
  return { caller, clock, expired, failed: (bug) => errorFor(failedCall(bug)) }
}

const NO_ERROR =
  'Cannot refuse call: the function must return the error of the protocol, which is an object and not a promise'

// A field that lists values, and so has those of several calls.
const LISTS: ReadonlySet<string> = new Set(['www-authenticate', 'access-control-expose-headers'])

/** More challenges would be longer than the headers that proxies accept, and would fill the memory of a long connection. */
const MOST_VALUES = 8

function addTo(fields: Map<string, Set<string>>, added: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(added)) {
    const values = fields.get(name)
    if (values === undefined || !LISTS.has(name)) fields.set(name, new Set([value]))
    else if (values.size < MOST_VALUES) values.add(value)
  }
}
