import {
  type Authenticator,
  type AuthenticatorOptions,
  createAuthenticator,
  type Requirement,
  type VerifiedToken,
  type Verifier,
} from '@claimgate/core'
import { admittedToken, asError, bare, has, isRequirement, misconfigured, own } from '@claimgate/core/extend'
import { requestView } from './request-view.ts'

/**
 * Fails with a sentence where a function that makes a handler was passed uncalled, so that the runtime calls it with a request.
 *
 * @param name - the function
 * @param call - how to write it
 * @throws TypeError
 */
function assertCalled(name: string, call: string, firstArgument: unknown): void {
  if (typeof firstArgument !== 'object' || firstArgument === null) return
  if (has(firstArgument, 'headers') && has(firstArgument, 'method'))
    throw new TypeError(`${name} was passed uncalled: write ${call}`)
}

/**
 * The requirement among the last arguments of a function, if one was passed.
 *
 * @throws TypeError for anything else, such as the name of a scope, and for `undefined` that was passed: a misspelled name must not open
 * what it should narrow
 */
function givenRequirement(given: readonly unknown[]): Requirement | undefined {
  if (given.length === 0) return undefined
  const [requirement] = given
  if (isRequirement(requirement)) return requirement
  throw requirement === undefined
    ? misconfigured(ACTION, 'the requirement must not be undefined: leave it out, or check the name of what was passed')
    : misconfigured(ACTION, 'give a requirement such as scope("orders:read")', requirement)
}

const ACTION = 'authorize request'

/**
 * The verified token of a request, or the response that refuses it. Rejects with bugs only, such as text for a requirement, and always with
 * an `Error`.
 */
export type Gate<C extends object = object> = (
  request: Request,
  requirement?: Requirement,
) => Promise<VerifiedToken<C> | Response>

/** As `Gate`; `undefined` is an anonymous request, which a gate with a requirement refuses. */
export type OptionalGate<C extends object = object> = (
  request: Request,
  requirement?: Requirement,
) => Promise<VerifiedToken<C> | Response | undefined>

/** Options of a gate that knows no anonymous requests. */
export type GateOptions<C extends object = object> = AuthenticatorOptions<C> & { readonly optional?: false }

/**
 * Makes the gate in front of a protected resource. Make one, and keep it: it holds the keys.
 *
 * Reads the environment of no runtime: in a worker write `createGate(optionsFromEnv(env))`. A token in a form body (RFC 6750
 * section 2.2) is read from a copy, so the request can still be read afterwards, but not before. A form of more than 64 KiB or 1,000
 * fields is refused with status 413, and one that takes longer than 5 s with 408.
 *
 * @param options - options, or a verifier or an authenticator made elsewhere
 * @throws TypeError for options that are missing, contradict each other or are out of range
 */
export function createGate<C extends object = object>(options: GateOptions<C> | Verifier<C>): Gate<C>
export function createGate<C extends object = object>(
  options: AuthenticatorOptions<C> | Authenticator<C>,
): OptionalGate<C>
// Once more, because `ReturnType<typeof createGate>` means the last one.
export function createGate<C extends object = object>(options: GateOptions<C> | Verifier<C>): Gate<C>
export function createGate<C extends object = object>(
  options: AuthenticatorOptions<C> | Verifier<C> | Authenticator<C>,
): OptionalGate<C> {
  assertCalled('createGate', 'const gate = createGate({ issuer, audience })', options)
  const authenticator = createAuthenticator(options)
  return async (request, ...given) => {
    try {
      const outcome = await authenticator.authenticate(requestView(request), givenRequirement(given))
      if (outcome.kind !== 'refused') return admittedToken(outcome)
      const { status, headers, body } = outcome.response
      return new Response(request.method === 'HEAD' ? null : body, bare<ResponseInit>({ status, headers }))
    } catch (thrown) {
      // A router may read a rejection with undefined as "go on".
      throw asError(thrown)
    }
  }
}

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
  return hasMember(value, 'status', 'number') && hasMember(value, 'headers', 'object')
}

function isToken(value: unknown): boolean {
  return hasMember(value, 'claims', 'object') && hasMember(value, 'scopes', 'object')
}

function hasMember(value: unknown, name: string, type: 'number' | 'object'): boolean {
  if (typeof value !== 'object' || value === null) return false
  const member = own(value, name)
  return typeof member === type && member !== null
}
