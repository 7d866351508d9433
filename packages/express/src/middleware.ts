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

/** What the core sees of an Express request: the target as received, whatever router it is mounted at. */
function requestView(req: Request): RequestView {
  return {
    method: req.method,
    target: req.originalUrl,
    header: (name) => nodeFieldValues(req.headers, req.rawHeaders, name),
    form: () => Promise.resolve(req.body as Record<string, unknown> | undefined),
  }
}

/** A middleware, with an accessor that knows the type of its claims. */
export interface AuthenticateJwt<C extends object = object> extends RequestHandler {
  /**
   * The verified token of a request that this very middleware was the last to let through.
   *
   * @throws TypeError where it was not
   * @throws Error with status 401 for an anonymous request
   */
  getAuth(req: Request): VerifiedToken<C>
}

/**
 * Lets requests with a good access token through and sets `req.auth`, which is `undefined` for anonymous requests (only with
 * `optional: true`). Refuses every other request with status 400, 401 or 503 and a challenge (RFC 6750 section 3). HEAD and
 * OPTIONS are requests like any other. Where it runs twice for a request, the later one counts.
 *
 * Tokens in a form body (RFC 6750 section 2.2) are seen if `express.urlencoded()` runs before.
 *
 * @param options - options, or a verifier or an authenticator made elsewhere. Where they say nothing about verifying,
 * `optionsFromEnv(process.env)` does
 * @throws TypeError for wrong options; where they come from the environment, it names the variable
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
      // Express reads undefined, 'route' and 'router' as "go on".
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
 * Lets requests through whose token meets the requirement; goes after `authenticateJwt`, whose realm and `onReject` it uses, and
 * without which it fails with a `TypeError`. Anonymous requests are refused with status 401, others with 403.
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
 * Lets requests through whose token grants every one of these scopes. See `authorize`.
 *
 * @throws TypeError for no scope, or for text that is not one scope
 */
export function requireScope(...all: readonly string[]): RequestHandler {
  assertCalled('requireScope', 'requireScope("orders:read")', all[0])
  return authorize(scope(...all))
}

/**
 * Lets requests through whose token grants at least one of these scopes. See `authorize`.
 *
 * @throws TypeError for no scope, or for text that is not one scope
 */
export function requireAnyScope(...some: readonly string[]): RequestHandler {
  assertCalled('requireAnyScope', 'requireAnyScope("orders:read", "orders:write")', some[0])
  return authorize(anyScope(...some))
}

/**
 * Lets requests through whose token has a claim that meets the condition. See `authorize`.
 *
 * @param path the name, or a list of names for a claim within others: `requireClaim(['realm_access', 'roles'], 'admin')`
 * @throws TypeError for a condition of another type
 */
export function requireClaim(path: ClaimPath, condition: ClaimCondition): RequestHandler {
  assertCalled('requireClaim', 'requireClaim("tenant", "acme")', path)
  return authorize(claim(path, condition))
}
