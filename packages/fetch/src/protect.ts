import type { Authenticator, AuthenticatorOptions, Requirement, VerifiedToken, Verifier } from '@claimgate/core'
import { asError, misconfigured, own } from '@claimgate/core/extend'
import { assertCalled } from './assert-called.ts'
import { createGate, type Gate, type GateOptions, type OptionalGate } from './create-gate.ts'
import { givenRequirement } from './given-requirement.ts'

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
 * @throws TypeError for wrong options. What it returns rejects with one where a gate of your own gives anything else than `createGate`'s
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
  ...given: readonly [requirement?: Requirement]
): FetchHandler<Q, R> {
  assertCalled('protect', 'protect(gate, handler)', options)
  if (typeof handler !== 'function') throw misconfigured('protect handler', 'give a handler', typeof handler)
  const requirement = givenRequirement(given)
  const gate = typeof options === 'function' ? options : createGate(options as AuthenticatorOptions)
  return async (request, ...rest) => {
    let auth: unknown
    try {
      auth = await gate(request, ...given)
    } catch (thrown) {
      // A gate of the application may reject with undefined, which a router may read as "go on".
      throw asError(thrown)
    }
    if (isResponse(auth)) return auth
    if (isToken(auth) || (auth === undefined && requirement === undefined))
      return handler(request, auth as never, ...rest)
    throw new TypeError('Cannot call handler: the gate has let the request through without a verified token')
  }
}

// By their shape, because a runtime may have several `Response` classes: of a polyfill, of a test environment, of another realm.
function isResponse(value: unknown): value is Response {
  return has(value, 'status', 'number') && has(value, 'headers', 'object')
}

function isToken(value: unknown): boolean {
  return has(value, 'claims', 'object') && has(value, 'scopes', 'object')
}

function has(value: unknown, name: string, type: 'number' | 'object'): boolean {
  if (typeof value !== 'object' || value === null) return false
  const member = own(value, name)
  return typeof member === type && member !== null
}
