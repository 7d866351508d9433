import type { Authenticator, Refused, ResourceResponse, VerifiedToken, Verifier } from '@claimgate/core'
import {
  addFields,
  type Admission,
  admitted,
  asError,
  assertCalled,
  createAdmissions,
  isWebResponse,
  own,
  requestView,
} from '@claimgate/core/adapter'
import type { Context, MiddlewareHandler } from 'hono'
import { type AuthenticateJwtOptions, type Given, type OnReject, settingsOf, type TokensOnly } from './options.ts'

/** The type of `c.get('auth')`: write `new Hono<AuthEnv>()`, or `new Hono().use(authenticateJwt())`. */
export interface AuthEnv<C extends object = object> {
  Variables: {
    /** The verified token. */
    auth: VerifiedToken<C>
  }
}

/** Like `AuthEnv`, with `optional: true`. */
export interface OptionalAuthEnv<C extends object = object> {
  Variables: {
    /** The verified token; `undefined` for anonymous requests. */
    auth: VerifiedToken<C> | undefined
  }
}

/** A middleware that authenticates requests. */
export interface AuthenticateJwt<
  C extends object,
  E extends AuthEnv<C> | OptionalAuthEnv<C>,
> extends MiddlewareHandler<E> {
  /** The verifier, for `ready()` at start-up and `close()`. Throws in a worker that reads its bindings, until a request has arrived. */
  readonly verifier: Verifier<C>
}

interface HonoAdmission extends Admission {
  readonly onReject: OnReject | undefined
}

const admissions = createAdmissions<HonoAdmission>()

/**
 * Admits requests with a valid access token, and sets the variable `auth`. It is `undefined` for anonymous requests, which are admitted only
 * with `optional: true`. Refuses all other requests with status 400, 401 or 503 and a challenge (RFC 6750 section 3). HEAD and OPTIONS are
 * treated like any other method. If it runs twice for a request, the later run wins.
 *
 * With `onAuthenticated`, the variable `user` has what that function returned.
 *
 * Routes and mounted apps that are added before `app.use(authenticateJwt())` are open. With the option `resource`, it also answers requests
 * for the metadata of the resource, without a token.
 *
 * A token in a form body (RFC 6750 section 2.2) is read from a clone, so put the middleware before anything that reads the body.
 *
 * @param options - options, or an existing verifier or authenticator. If they do not say how to verify tokens, the environment does:
 * `process.env`, or in a worker its bindings
 * @throws TypeError for wrong options; if they come from the environment, it names the variable
 */
export function authenticateJwt<C extends object = object>(
  options?: TokensOnly<C> | Verifier<C>,
): AuthenticateJwt<C, AuthEnv<C>>
export function authenticateJwt<C extends object = object>(
  options: AuthenticateJwtOptions<C> | Authenticator<C>,
): AuthenticateJwt<C, OptionalAuthEnv<C>>
export function authenticateJwt<C extends object = object>(
  options?: Given<C>,
): AuthenticateJwt<C, AuthEnv<C>> | AuthenticateJwt<C, OptionalAuthEnv<C>> {
  assertCalled('authenticateJwt', 'app.use(authenticateJwt())', options)
  const settings = settingsOf<C>(options)
  const middleware: MiddlewareHandler = async (c, next) => {
    let added: Readonly<Record<string, string>>
    try {
      // First, so that an earlier admission is gone if this middleware refuses the request.
      admissions.set(c, undefined)
      c.set('auth', undefined)
      const { authenticator, requirement, onReject } = settings(c)
      const findsUser = own(authenticator, 'findsUser') === true
      if (findsUser) c.set('user', undefined)
      const view = requestView(c.req.raw)
      const metadata = await own(authenticator, 'resource')?.answer(view)
      if (metadata !== undefined) return send(c, metadata)
      const outcome = await authenticator.authenticate(view, requirement)
      if (outcome.kind === 'refused') return await reject(c, outcome, onReject)
      const authenticated = admitted(outcome)
      const { token, scheme, headers } = authenticated ?? ANONYMOUS
      c.set('auth', token)
      if (findsUser) c.set('user', authenticated && own(authenticated, 'user'))
      admissions.set(c, { authenticator, token, scheme, onReject })
      added = headers
    } catch (thrown) {
      throw failure(thrown)
    }
    await next()
    // Afterwards, because Hono adds earlier headers only to responses that its context has made.
    addFields(added, {
      getHeader: (name) => c.res.headers.get(name),
      setHeader: (name, value) => c.header(name, value),
    })
    return undefined
  }
  return Object.defineProperty(middleware, 'verifier', { get: () => settings().authenticator.verifier }) as never
}

const ANONYMOUS = { token: undefined, scheme: undefined, headers: {} } as const

/**
 * The latest admission of the request.
 *
 * @throws TypeError if no `authenticateJwt` has admitted the request
 */
export function admissionOf(c: Context): HonoAdmission {
  const admission = admissions.of(c)
  if (admission !== undefined) return admission
  throw new TypeError(
    'Cannot authorize request: no authenticateJwt() has let it through. Put app.use(authenticateJwt()) before the route',
  )
}

/** Keeps the token of a fresh answer. */
export function renewAdmission(c: Context, token: VerifiedToken): void {
  const admission = admissionOf(c)
  if (admission.token === token) return
  c.set('auth', token)
  admissions.set(c, { ...admission, token })
}

/** What to throw instead of a value. Hono gives only errors to `app.onError`, and none of another realm. */
export function failure(thrown: unknown): Error {
  const error = asError(thrown)
  return error instanceof Error ? error : new Error('Cannot authenticate request', { cause: error })
}

/** Answers a refused request. */
export async function reject(c: Context, refusal: Refused, onReject: OnReject | undefined): Promise<Response> {
  const answer = await onReject?.(refusal, c)
  if (!isWebResponse(answer)) return send(c, refusal.response)
  c.res = answer
  return c.res
}

function send(c: Context, { status, headers, body }: ResourceResponse): Response {
  // One by one: headers that were set before stay, such as those of CORS, and none of them replaces one of the answer.
  for (const [name, value] of Object.entries(headers)) c.header(name, value)
  c.res = c.newResponse(c.req.method === 'HEAD' || body === '' ? null : body, status as 401)
  return c.res
}
