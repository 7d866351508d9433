import {
  type Authenticator,
  type AuthenticatorOptions,
  createAuthenticator,
  optionsFromEnv,
  type Requirement,
  type VerifiedToken,
  type Verifier,
} from '@claimgate/core'
import { misconfigured } from '@claimgate/core/extend'
import type { Request, RequestHandler } from 'express'
import { assertRequirement } from './assert-requirement.ts'
import { admissionOf, admit, withdraw } from './admission.ts'
import { getAuth } from './get-auth.ts'
import { type OnReject, rejectWith } from './reject.ts'
import { requestView } from './request-view.ts'

/** How to verify tokens, and how to answer refused requests. */
export type AuthenticateJwtOptions<C extends object = object> = AuthenticatorOptions<C> & {
  /** Answers refused requests. @defaultValue the status, challenge and problem document of the core */
  readonly onReject?: OnReject
  /**
   * What every token must grant. Unlike `requireScope`, which a request without credentials never reaches, it also names its scopes
   * in the challenge for those. @defaultValue nothing
   */
  readonly requirement?: Requirement
}

/** A middleware, with an accessor that knows the type of its claims. */
export interface AuthenticateJwt<C extends object = object> extends RequestHandler {
  /**
   * The verified token of a request that this very middleware was the last to let through.
   *
   * @throws TypeError where it was not
   * @throws AuthError `credential_missing` for an anonymous request
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
 * @param options - options, or a verifier or an authenticator made elsewhere; without any, `optionsFromEnv(process.env)`
 * @throws TypeError for wrong options; where they come from the environment, it names the variable
 */
export function authenticateJwt<C extends object = object>(
  options?: AuthenticateJwtOptions<C> | Verifier<C> | Authenticator<C>,
): AuthenticateJwt<C> {
  const { authenticator, onReject, requirement } = resolveOptions<C>(options === undefined ? environment<C>() : options)
  const reject = rejectWith(onReject)

  const run = async (...[req, res, next]: Parameters<RequestHandler>): Promise<void> => {
    withdraw(req)
    try {
      const outcome = await authenticator.authenticate(requestView(req), requirement)
      if (outcome.kind === 'refused') return reject(outcome, req, res, next)
      admit(req, { authenticator, token: outcome.kind === 'anonymous' ? undefined : outcome.token, reject })
    } catch (error) {
      return next(error)
    }
    return next()
  }

  // `run` never rejects: Express 4 would not look at its promise.
  const middleware: RequestHandler = (req, res, next) => void run(req, res, next)

  const ownAuth = (req: Request): VerifiedToken<C> => {
    if (admissionOf(req).authenticator === authenticator) return getAuth<C>(req)
    throw new TypeError('Cannot get auth: another authenticateJwt() has let the request through')
  }

  return Object.assign(middleware, { getAuth: ownAuth })
}

function environment<C extends object>(): AuthenticatorOptions<C> {
  return optionsFromEnv(process.env) as AuthenticatorOptions<C>
}

interface ResolvedOptions<C extends object> {
  readonly authenticator: Authenticator<C>
  readonly onReject?: OnReject | undefined
  readonly requirement?: Requirement | undefined
}

function resolveOptions<C extends object>(
  options: AuthenticateJwtOptions<C> | Verifier<C> | Authenticator<C>,
): ResolvedOptions<C> {
  if (typeof options !== 'object' || 'verify' in options || 'authenticate' in options)
    return { authenticator: createAuthenticator(options) }
  const { onReject, requirement, ...rest } = options
  if (requirement !== undefined) assertRequirement(requirement)
  if (onReject !== undefined && typeof onReject !== 'function')
    throw misconfigured('create middleware', '"onReject" must be a function', onReject)
  return { authenticator: createAuthenticator<C>(rest), onReject, requirement }
}
