import type { Authenticator, VerifiedToken, Verifier } from '@claimgate/core'
import { admittedToken, asError } from '@claimgate/core/extend'
import type { Request, RequestHandler } from 'express'
import { admissionOf, admit, withdraw } from './admission.ts'
import { assertCalled } from './assert-called.ts'
import type { AuthenticateJwtOptions } from './authenticate-jwt-options.ts'
import { getAuth } from './get-auth.ts'
import { rejectWith } from './reject.ts'
import { requestView } from './request-view.ts'
import { resolveOptions } from './resolve-options.ts'

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
