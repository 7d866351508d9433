import {
  anyRole,
  anyScope,
  type Authenticator,
  claim,
  type ClaimCondition,
  type ClaimPath,
  type Outcome,
  type RequestView,
  type Requirement,
  role,
  scope,
  type VerifiedToken,
  type Verifier,
} from '@claimgate/core'
import {
  addFields,
  type Admission,
  admitted,
  asError,
  assertCalled,
  createAdmissions,
  ignoreRejection,
  isRequirementRule,
  isThenable,
  NodeRequestView,
  noRequirement,
  own,
  refusedError,
  requirementFor,
  type RequirementRule,
  setProperty,
  userOrToken,
} from '@claimgate/core/adapter'
import type { Request, RequestHandler } from 'express'
import { type AuthenticateJwtOptions, type Reject, rejectWith, resolveOptions } from './options.ts'

interface ExpressAdmission extends Admission {
  /** What `onAuthenticated` has returned. */
  readonly user: unknown
  /** The property of the request that also has the token. */
  readonly property: string | undefined
  readonly reject: Reject
}

const admissions = createAdmissions<ExpressAdmission>()

/** Keeps the token of a fresh answer, so that `getAuth` returns it. */
function renewAdmission(req: Request, token: VerifiedToken): void {
  const admission = admissionOf(req)
  if (admission.token === token) return
  ;(req as { auth?: unknown }).auth = token
  if (admission.property !== undefined) setProperty(req, admission.property, token)
  admissions.set(req, { ...admission, token })
}

/**
 * The latest admission of the request.
 *
 * @throws TypeError if no `authenticateJwt` has admitted the request
 */
function admissionOf(req: Request): ExpressAdmission {
  const admission = admissions.of(req)
  if (admission !== undefined) return admission
  throw new TypeError(
    'Cannot authorize request: no authenticateJwt() has let it through. Put app.use(authenticateJwt()) before the route',
  )
}

/** Gives `getUser` its type. */
interface FindsUser<U> {
  readonly onAuthenticated?: (token: VerifiedToken, view: RequestView) => U | Promise<U>
}

/** A middleware with a `getAuth` that returns typed claims. */
export interface AuthenticateJwt<C extends object = object, U = unknown> extends RequestHandler {
  /**
   * The verified token of a request, if this middleware was the last one to admit it.
   *
   * @throws TypeError if it was not
   * @throws Error with status 401 for an anonymous request
   */
  getAuth(req: Request): VerifiedToken<C>
  /** What `onAuthenticated` returned for a request. Throws like `getAuth`, and a TypeError without that option. */
  getUser(req: Request): Exclude<U, undefined | null | false>
  /** The verifier, for `ready()` at start-up and `close()`. */
  readonly verifier: Verifier<C>
}

/**
 * Admits requests with a valid access token and sets `req.auth`. It is `undefined` for anonymous requests, which are admitted only
 * with `optional: true`. Refuses all other requests with status 400, 401 or 503 and a challenge (RFC 6750 section 3). HEAD and
 * OPTIONS are treated like any other method. If it runs twice for a request, the later run wins.
 *
 * To read tokens from a form body (RFC 6750 section 2.2), run `express.urlencoded()` first.
 *
 * @param options - options, or an existing verifier or authenticator. If they do not say how to verify tokens,
 * `optionsFromEnv(process.env)` is used
 * @throws TypeError for wrong options; if they come from the environment, it names the variable
 */
export function authenticateJwt<C extends object = object, U = unknown>(
  options?: (AuthenticateJwtOptions<C> & FindsUser<U>) | Verifier<C> | Authenticator<C>,
): AuthenticateJwt<C, U> {
  assertCalled('authenticateJwt', 'app.use(authenticateJwt())', options)
  const { authenticator, onReject, requirement, property: named } = resolveOptions<C>(options)
  const property = named ?? (own(authenticator, 'findsUser') === true ? 'user' : undefined)
  const reject = rejectWith(onReject)

  const run = async (...[req, res, next]: Parameters<RequestHandler>): Promise<void> => {
    try {
      // First, so that an earlier admission is gone if this middleware refuses the request.
      admissions.set(req, undefined)
      ;(req as { auth?: unknown }).auth = undefined
      if (property !== undefined) setProperty(req, property, undefined)
      const outcome = await authenticator.authenticate(new NodeRequestView(req, req), requirement)
      if (outcome.kind === 'refused') return reject(outcome, req, res, next)
      const authenticated = admitted(outcome)
      const { token, scheme, headers } = authenticated ?? ANONYMOUS
      if (Object.keys(headers).length > 0 && !res.headersSent) addFields(headers, res)
      ;(req as { auth?: unknown }).auth = token
      if (property !== undefined) setProperty(req, property, userOrToken(authenticated))
      const user = authenticated && own(authenticated, 'user')
      const copy = user === undefined ? property : undefined
      admissions.set(req, { authenticator, token, scheme, user, property: copy, reject })
    } catch (error) {
      // Express would continue on a thrown undefined, 'route' or 'router'.
      return next(asError(error))
    }
    return next()
  }

  // `run` never rejects, because Express 4 ignores its promise.
  const middleware: RequestHandler = (req, res, next) => void run(req, res, next)

  const admittedHere =
    <T>(get: (req: Request) => T): ((req: Request) => T) =>
    (req) => {
      if (admissionOf(req).authenticator === authenticator) return get(req)
      throw new TypeError('Cannot get auth: another authenticateJwt() has let the request through')
    }
  const accessors: Pick<AuthenticateJwt<C, U>, 'getAuth' | 'getUser'> = {
    getAuth: admittedHere(getAuth<C>),
    getUser: admittedHere(getUser as (req: Request) => Exclude<U, undefined | null | false>),
  }

  return Object.assign(middleware, { ...accessors, verifier: authenticator.verifier })
}

const ANONYMOUS = { token: undefined, scheme: undefined, headers: {} } as const

/**
 * The verified token of a request.
 *
 * The type of the claims is not checked. The `getAuth` of the middleware that `authenticateJwt` returns has the right type.
 *
 * @throws TypeError if no `authenticateJwt` has admitted the request
 * @throws Error for an anonymous request. Its `status` and `headers` make Express respond with 401 and a challenge; its `cause` is an
 * `AuthError` `credential_missing`
 */
export function getAuth<C extends object = object>(req: Request): VerifiedToken<C> {
  const { authenticator, token } = admissionOf(req)
  if (token !== undefined) return token as VerifiedToken<C>
  throw refusalOfAnonymous(authenticator)
}

/**
 * What `onAuthenticated` returned for a request. Unlike a property of the request, no other middleware can overwrite it. The `getUser` of the middleware has the right type.
 *
 * @throws TypeError if no `authenticateJwt` has admitted the request, or it has no `onAuthenticated`
 * @throws Error with status 401 for an anonymous request, as `getAuth` does
 */
export function getUser(req: Request): unknown {
  const { authenticator, token, user } = admissionOf(req)
  if (token === undefined) throw refusalOfAnonymous(authenticator)
  if (user !== undefined) return user
  throw new TypeError('Cannot get user: give authenticateJwt() the option "onAuthenticated"')
}

function refusalOfAnonymous(authenticator: Authenticator): Error {
  try {
    const outcome = authenticator.authorize(undefined, ANY_TOKEN)
    ignoreRejection(outcome)
    return !isThenable(outcome) && outcome.kind === 'refused'
      ? refusedError(outcome)
      : new TypeError('Cannot get auth: the request is anonymous')
  } catch (error) {
    return asError(error)
  }
}

const ANY_TOKEN: Requirement = { description: 'a token', scopes: [], isMet: () => true }

/**
 * Admits only requests whose token meets the requirement. Put it after `authenticateJwt`: it uses the realm and `onReject` of that
 * middleware, and fails with a `TypeError` without it. Refuses anonymous requests with status 401, others with 403, unless the
 * requirement says otherwise.
 *
 * @param requirement - a requirement, or a function that returns the requirement of a request
 * @throws TypeError for anything else; at request time, for a function that does not return a requirement
 */
export function authorize(requirement: RequirementRule<Request>): RequestHandler {
  assertCalled('authorize', 'authorize(scope("orders:read"))', requirement)
  if (!isRequirementRule<Request>(requirement)) throw noRequirement('authorize request', requirement)
  return (req, res, next) => {
    const fail = (thrown: unknown): void => next(asError(thrown))
    const decide = (outcome: Outcome): void => {
      try {
        if (outcome.kind === 'refused') return admissionOf(req).reject(outcome, req, res, next)
        const authorized = admitted(outcome)
        if (authorized === undefined) throw new TypeError('Cannot authorize request: it is anonymous')
        renewAdmission(req, authorized.token)
      } catch (error) {
        return fail(error)
      }
      return next()
    }
    let outcome: ReturnType<Authenticator['authorize']>
    try {
      const { authenticator, token, scheme } = admissionOf(req)
      outcome = authenticator.authorize(token, requirementFor(requirement, req), scheme)
    } catch (error) {
      return fail(error)
    }
    // Without a promise, the handler runs at once.
    return isThenable(outcome) ? void Promise.resolve(outcome).then(decide, fail) : decide(outcome)
  }
}

/**
 * Admits only requests whose token grants all of these scopes. See `authorize`.
 *
 * @throws TypeError if no scope is given, or a string is not exactly one scope
 */
export function requireScope(...all: readonly string[]): RequestHandler {
  assertCalled('requireScope', 'requireScope("orders:read")', all[0])
  return authorize(scope(...all))
}

/**
 * Admits only requests whose token grants at least one of these scopes. See `authorize`.
 *
 * @throws TypeError if no scope is given, or a string is not exactly one scope
 */
export function requireAnyScope(...some: readonly string[]): RequestHandler {
  assertCalled('requireAnyScope', 'requireAnyScope("orders:read", "orders:write")', some[0])
  return authorize(anyScope(...some))
}

/**
 * Admits only requests whose token has all of these roles, as the `roleSource` of its issuer gives them. See `authorize`.
 *
 * @throws TypeError if no role is given, or an empty one
 */
export function requireRole(...all: readonly string[]): RequestHandler {
  assertCalled('requireRole', 'requireRole("admin")', all[0])
  return authorize(role(...all))
}

/**
 * Admits only requests whose token has at least one of these roles. See `authorize`.
 *
 * @throws TypeError if no role is given, or an empty one
 */
export function requireAnyRole(...some: readonly string[]): RequestHandler {
  assertCalled('requireAnyRole', 'requireAnyRole("admin", "editor")', some[0])
  return authorize(anyRole(...some))
}

/**
 * Admits only requests whose token has a claim that meets the condition. See `authorize`.
 *
 * @param path the name of the claim, or a list of names for a nested claim: `requireClaim(['realm_access', 'roles'], 'admin')`
 * @throws TypeError for a condition of another type
 */
export function requireClaim(path: ClaimPath, condition: ClaimCondition): RequestHandler {
  assertCalled('requireClaim', 'requireClaim("tenant", "acme")', path)
  return authorize(claim(path, condition))
}
