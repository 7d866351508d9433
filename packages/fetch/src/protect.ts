import type { Authenticator, AuthenticatorOptions, Requirement, VerifiedToken, Verifier } from '@claimgate/core'
import { createGate, type Gate, type GateOptions, type OptionalGate } from './create-gate.ts'

/** Answers a request that has been let through; `rest` is whatever the runtime or router passes on, such as `env`. */
export type ProtectedHandler<Q extends Request, A, R extends readonly unknown[]> = (
  request: Q,
  auth: A,
  ...rest: R
) => Response | Promise<Response>

/** A handler as runtimes and routers call it. */
export type FetchHandler<Q extends Request, R extends readonly unknown[]> = (
  request: Q,
  ...rest: R
) => Promise<Response>

/**
 * Puts a gate in front of a handler, which is called with the verified token, or with `undefined` for an anonymous request.
 *
 * @param options - a gate shared with other handlers, or what `createGate` takes
 * @param requirement - what a token must grant; anonymous requests are refused then
 * @throws TypeError for wrong options
 */
export function protect<Q extends Request, R extends readonly unknown[], C extends object = object>(
  options: Gate<C> | GateOptions<C> | Verifier<C>,
  handler: ProtectedHandler<Q, VerifiedToken<C>, R>,
  requirement?: Requirement,
): FetchHandler<Q, R>
export function protect<Q extends Request, R extends readonly unknown[], C extends object = object>(
  options: OptionalGate<C> | AuthenticatorOptions<C> | Authenticator<C>,
  handler: ProtectedHandler<Q, VerifiedToken<C> | undefined, R>,
  requirement?: Requirement,
): FetchHandler<Q, R>
export function protect<Q extends Request, R extends readonly unknown[]>(
  options: OptionalGate | AuthenticatorOptions | Verifier | Authenticator,
  handler: (request: Q, auth: never, ...rest: R) => Response | Promise<Response>,
  requirement?: Requirement,
): FetchHandler<Q, R> {
  const gate = typeof options === 'function' ? options : createGate(options as AuthenticatorOptions)
  return async (request, ...rest) => {
    const auth = await gate(request, requirement)
    return auth instanceof Response ? auth : handler(request, auth as never, ...rest)
  }
}
