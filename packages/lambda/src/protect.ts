import type { Authenticator, VerifiedToken, Verifier } from '@claimgate/core'
import { type Admission, admitted, asError, createAdmissions, misconfigured, own } from '@claimgate/core/adapter'
import { eventResponse, eventView, type LambdaResponse, withHeaders } from './event.ts'
import { type Given, type LambdaOptions, resolveOptions } from './options.ts'

/** Handles the event of an accepted request. `rest` has the other arguments of the runtime: the context of the invocation. */
export type ProtectedHandler<E, A, R extends readonly unknown[], T> = (event: E, auth: A, ...rest: R) => T | Promise<T>

/** Options that admit no anonymous requests. */
type TokensOnly<C extends object> = LambdaOptions<C> & { readonly optional?: false; readonly authenticator?: never }

/** What a function decides about an event. */
type Decision =
  | { readonly kind: 'answered'; readonly response: LambdaResponse }
  | {
      readonly kind: 'admitted'
      readonly token: VerifiedToken | undefined
      readonly headers: Readonly<Record<string, string>>
    }

/**
 * Protects the handler of a function behind a REST API, an HTTP API, a function URL or a load balancer. It is called with the verified token
 * after the event, or with `undefined` for an anonymous request (`optional: true`). Create it once, outside the handler: warm invocations use
 * the same keys.
 *
 * @param options - options, or an existing verifier or authenticator. If they do not say how to verify tokens, `optionsFromEnv(process.env)`
 * is used
 * @throws TypeError for wrong options. The returned handler rejects only for bugs, and with what your handler throws
 */
export function protect<E, R extends readonly unknown[], T, C extends object = object>(
  handler: ProtectedHandler<E, VerifiedToken<C>, R, T>,
  options?: TokensOnly<C> | Verifier<C>,
): (event: E, ...rest: R) => Promise<T | LambdaResponse>
export function protect<E, R extends readonly unknown[], T, C extends object = object>(
  handler: ProtectedHandler<E, VerifiedToken<C> | undefined, R, T>,
  options: LambdaOptions<C> | Authenticator<C>,
): (event: E, ...rest: R) => Promise<T | LambdaResponse>
export function protect<E, R extends readonly unknown[], T>(
  handler: (event: E, auth: never, ...rest: R) => T | Promise<T>,
  options: Given<object> = {},
): (event: E, ...rest: R) => Promise<T | LambdaResponse> {
  if (typeof handler !== 'function')
    throw misconfigured('protect handler', 'write protect(handler, options)', typeof handler)
  const decide = decider(options, 'protect handler')
  return async (event, ...rest) => {
    const decision = await decide(event)
    if (decision.kind === 'answered') return decision.response
    const result = await handler(event, decision.token as never, ...rest)
    return withHeaders(event, result, decision.headers) as T
  }
}

/** What is known of an event that was let through. */
interface LambdaAdmission extends Admission {
  readonly headers: Readonly<Record<string, string>>
  /** What `onAuthenticated` has returned. */
  readonly user: unknown
}

const admissions = createAdmissions<LambdaAdmission>()

function decider(options: Given<object>, action: string): (event: unknown) => Promise<Decision> {
  const { authenticator, requirement } = resolveOptions(options, action)
  return async (event) => {
    try {
      const view = eventView(event)
      admissions.set(event as object, undefined)
      const metadata = await own(authenticator, 'resource')?.answer(view)
      if (metadata !== undefined) return { kind: 'answered', response: eventResponse(event, metadata) }
      const outcome = await authenticator.authenticate(view, requirement)
      if (outcome.kind === 'refused') return { kind: 'answered', response: eventResponse(event, outcome.response) }
      const authenticated = admitted(outcome)
      const { token, scheme, headers } = authenticated ?? ANONYMOUS
      const user = authenticated && own(authenticated, 'user')
      admissions.set(event as object, { authenticator, token, scheme, headers, user })
      return { kind: 'admitted', token, headers }
    } catch (thrown) {
      // The runtime of Lambda reports only errors well.
      throw asError(thrown)
    }
  }
}

const ANONYMOUS = { token: undefined, scheme: undefined, headers: {} } as const

/** What is used of a request of middy. */
interface MiddyRequest {
  readonly event: unknown
  response?: unknown
}

/** A middleware for middy 5 to 7. */
export interface MiddyMiddleware {
  before(request: MiddyRequest): Promise<LambdaResponse | undefined>
  after(request: MiddyRequest): void
}

/**
 * Creates a middleware for middy: `middy(handler).use(authenticateJwt())`. Handlers get the token with `getAuth(event)`. A refused request ends
 * with its response; no later middleware and no handler runs. Put it before parsers of the body, unless tokens may be in a form.
 *
 * @param options - as for `protect`
 * @throws TypeError for wrong options
 */
export function authenticateJwt<C extends object = object>(options: Given<C> = {}): MiddyMiddleware {
  const decide = decider(options, 'create middleware')
  return {
    before: async ({ event }) => {
      const decision = await decide(event)
      return decision.kind === 'answered' ? decision.response : undefined
    },
    after: (request) => {
      const headers = admissions.of(request.event as object)?.headers
      if (headers !== undefined) request.response = withHeaders(request.event, request.response, headers)
    },
  }
}

/**
 * The verified token of an event that `protect` or `authenticateJwt` has admitted; `undefined` for an anonymous one. The type of the claims is
 * not checked.
 *
 * @throws TypeError for any other event
 */
export function getAuth<C extends object = object>(event: object): VerifiedToken<C> | undefined {
  const admission = admissions.of(event)
  if (admission !== undefined) return admission.token as VerifiedToken<C> | undefined
  throw new TypeError(
    'Cannot get auth: nothing has let this event through. Use protect() or authenticateJwt(), and pass the same event',
  )
}

/**
 * What `onAuthenticated` has returned for an event that `protect` or `authenticateJwt` has admitted.
 *
 * @throws TypeError for any other event, and without `onAuthenticated`
 */
export function getUser(event: object): unknown {
  const user = admissions.of(event)?.user
  if (user !== undefined) return user
  throw new TypeError('Cannot get user: nothing with "onAuthenticated" has admitted this event with a token')
}
