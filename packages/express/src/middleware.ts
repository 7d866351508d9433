import {
  anyScope,
  type Authenticator,
  claim,
  type ClaimCondition,
  type ClaimPath,
  type RequestView,
  type Requirement,
  scope,
  type VerifiedToken,
  type Verifier,
} from '@claimgate/core'
import { admittedToken, asError, nodeFieldValues } from '@claimgate/core/extend'
import type { Request, RequestHandler } from 'express'
import { admissionOf, admit, getAuth, withdraw } from './admission.ts'
import { assertCalled, assertRequirement, type AuthenticateJwtOptions, rejectWith, resolveOptions } from './options.ts'

/** The core's view of an Express request. The target is the original URL, also inside mounted routers. */
function requestView(req: Request): RequestView {
  return {
    method: req.method,
    target: req.originalUrl,
    header: (name) => nodeFieldValues(req.headers, req.rawHeaders, name),
    form: () => Promise.resolve(req.body as Record<string, unknown> | undefined),
  }
}

/** A middleware with a `getAuth` that returns typed claims. */
export interface AuthenticateJwt<C extends object = object> extends RequestHandler {
  /**
   * The verified token of a request, if this middleware was the last one to admit it.
   *
   * @throws TypeError if it was not
   * @throws Error with status 401 for an anonymous request
   */
  getAuth(req: Request): VerifiedToken<C>
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
export function authenticateJwt<C extends object = object>(
  options?: AuthenticateJwtOptions<C> | Verifier<C> | Authenticator<C>,
): AuthenticateJwt<C> {
  assertCalled('authenticateJwt', 'app.use(authenticateJwt())', options)
  const { authenticator, onReject, requirement } = resolveOptions<C>(options)
  const reject = rejectWith(onReject)

  const run = async (...[req, res, next]: Parameters<RequestHandler>): Promise<void> => {
    try {
      withdraw(req)
      const outcome = await authenticator.authenticate(requestView(req), requirement)
      if (outcome.kind === 'refused') return reject(outcome, req, res, next)
      admit(req, { authenticator, token: admittedToken(outcome), reject })
    } catch (error) {
      // Express would continue on a thrown undefined, 'route' or 'router'.
      return next(asError(error))
    }
    return next()
  }

  // `run` never rejects, because Express 4 ignores its promise.
  const middleware: RequestHandler = (req, res, next) => void run(req, res, next)

  const ownAuth = (req: Request): VerifiedToken<C> => {
    if (admissionOf(req).authenticator === authenticator) return getAuth<C>(req)
    throw new TypeError('Cannot get auth: another authenticateJwt() has let the request through')
  }

  return Object.assign(middleware, { getAuth: ownAuth })
}

/**
 * Admits only requests whose token meets the requirement. Put it after `authenticateJwt`: it uses the realm and `onReject` of that
 * middleware, and fails with a `TypeError` without it. Refuses anonymous requests with status 401, others with 403.
 *
 * @throws TypeError for anything but a requirement
 */
export function authorize(requirement: Requirement): RequestHandler {
  assertCalled('authorize', 'authorize(scope("orders:read"))', requirement)
  assertRequirement(requirement)
  return (req, res, next) => {
    try {
      const { authenticator, token, reject } = admissionOf(req)
      const outcome = authenticator.authorize(token, requirement)
      if (outcome.kind === 'refused') return reject(outcome, req, res, next)
      if (admittedToken(outcome) === undefined) throw new TypeError('Cannot authorize request: it is anonymous')
    } catch (error) {
      return next(asError(error))
    }
    return next()
  }
}

/**
 * Admits only requests whose token grants all of these scopes. See `authorize`.
 *
 * @throws TypeError if no scope is given, or a text is not exactly one scope
 */
export function requireScope(...all: readonly string[]): RequestHandler {
  assertCalled('requireScope', 'requireScope("orders:read")', all[0])
  return authorize(scope(...all))
}

/**
 * Admits only requests whose token grants at least one of these scopes. See `authorize`.
 *
 * @throws TypeError if no scope is given, or a text is not exactly one scope
 */
export function requireAnyScope(...some: readonly string[]): RequestHandler {
  assertCalled('requireAnyScope', 'requireAnyScope("orders:read", "orders:write")', some[0])
  return authorize(anyScope(...some))
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
