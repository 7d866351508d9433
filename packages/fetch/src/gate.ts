import {
  type Authenticator,
  type AuthenticatorOptions,
  createAuthenticator,
  type ProtectedResource,
  type Requirement,
  type VerifiedToken,
  type Verifier,
} from '@claimgate/core'
import {
  addFields,
  admitted,
  asError,
  assertCalled,
  assertCanAsk,
  givenRequirement,
  isWebResponse,
  metadataAnswer,
  misconfigured,
  own,
  requestView,
  resourceList,
  webResponse,
} from '@claimgate/core/adapter'

const ACTION = 'authorize request'

/**
 * Resolves with the verified token of a request, or with the response that refuses it. It rejects only for bugs, such as a string
 * instead of a requirement, and always with an `Error`.
 */
export type Gate<C extends object = object> = (
  request: Request,
  requirement?: Requirement,
) => Promise<VerifiedToken<C> | Response>

/** A gate that `createGate` made. */
export interface HasVerifier<C extends object = object> {
  /** The verifier, for `ready()` at start-up and `close()`. */
  readonly verifier: Verifier<C>
}

/** Like `Gate`, but resolves with `undefined` for an anonymous request. With a requirement, it refuses anonymous requests. */
export type OptionalGate<C extends object = object> = (
  request: Request,
  requirement?: Requirement,
) => Promise<VerifiedToken<C> | Response | undefined>

/** Options of a gate that admits no anonymous requests. */
export type GateOptions<C extends object = object> = AuthenticatorOptions<C> & { readonly optional?: false }

/**
 * Creates the gate that protects a resource. Create it once and reuse it, because it caches the keys.
 *
 * It does not read environment variables: in a worker, write `createGate(optionsFromEnv(env))`. A token in a form body (RFC 6750
 * section 2.2) is read from a clone, so you can read the body after the gate, but not before. A form of more than 64 KiB or 1,000
 * fields is refused with status 413, and one that takes longer than 5 s with 408.
 *
 * With the option `resource`, it also answers requests for the metadata of the resource, without a token.
 *
 * @param options - options, or an existing verifier or authenticator
 * @throws TypeError for options that are missing, contradict each other or are out of range
 */
export function createGate<C extends object = object>(options: GateOptions<C> | Verifier<C>): Gate<C> & HasVerifier<C>
export function createGate<C extends object = object>(
  options: AuthenticatorOptions<C> | Authenticator<C>,
): OptionalGate<C> & HasVerifier<C>
// Repeated, because `ReturnType<typeof createGate>` uses the last overload.
export function createGate<C extends object = object>(options: GateOptions<C> | Verifier<C>): Gate<C> & HasVerifier<C>
export function createGate<C extends object = object>(
  options: AuthenticatorOptions<C> | Verifier<C> | Authenticator<C>,
): OptionalGate<C> & HasVerifier<C> {
  assertCalled('createGate', 'const gate = createGate({ issuer, audience })', options)
  const authenticator = createAuthenticator(options)
  const resource = own(authenticator, 'resource')
  const findsUser = own(authenticator, 'findsUser') === true
  const gate: OptionalGate<C> = async (request, ...given) => {
    try {
      const view = requestView(request)
      const metadata = resource?.answer(view)
      if (metadata !== undefined) return webResponse(request, await metadata)
      const outcome = await authenticator.authenticate(view, givenRequirement(ACTION, given))
      if (outcome.kind !== 'refused') {
        const authenticated = admitted(outcome)
        const { token, headers } = authenticated ?? NO_TOKEN
        if (findsUser && authenticated !== undefined) users.set(request, own(authenticated, 'user'))
        if (Object.keys(headers).length > 0) fieldsOf.set(request, { ...fieldsOf.get(request), ...headers })
        return token
      }
      return webResponse(request, outcome.response)
    } catch (thrown) {
      // A router may continue on a rejection with undefined.
      throw asError(thrown)
    }
  }
  if (resource !== undefined) resourceOf.set(gate, resource)
  return Object.assign(gate, { verifier: authenticator.verifier })
}

// For the scopes of handlers that share a gate.
const resourceOf = new WeakMap<object, ProtectedResource>()

/**
 * Serves the metadata of protected resources (RFC 9728) to everyone, without a token. Needed only if no gate has the option `resource`, because
 * such a gate serves it itself.
 *
 * @param resources - one or more, made by `protectedResource` of `@claimgate/core/metadata`
 * @returns a function from a request to the metadata, or to `undefined` for every other request
 * @throws TypeError for anything else
 */
export function resourceMetadata(
  ...resources: readonly ProtectedResource[]
): (request: Request) => Promise<Response | undefined> {
  assertCalled('resourceMetadata', 'const metadata = resourceMetadata(resource)', resources[0])
  const served = resourceList(resources)
  return async (request) => {
    const answer = metadataAnswer(served, requestView(request))
    return answer === undefined ? undefined : webResponse(request, await answer)
  }
}

const NO_TOKEN = { token: undefined, headers: {} } as const

// An entry only for the few requests whose response has such headers.
const fieldsOf = new WeakMap<Request, Readonly<Record<string, string>>>()

// An entry only with `onAuthenticated`.
const users = new WeakMap<Request, unknown>()

/**
 * What `onAuthenticated` returned for a request that a gate has admitted. Pass the same `Request` object.
 *
 * @throws TypeError if no gate with `onAuthenticated` has admitted the request with a token
 */
export function getUser(request: Request): unknown {
  const user = users.get(request)
  if (user !== undefined) return user
  throw new TypeError('Cannot get user: no gate with "onAuthenticated" has admitted this request with a token')
}

/**
 * Adds the headers that a gate has for the response to an admitted request, such as a `DPoP-Nonce`. `protect` does it by itself. Call it
 * if your handler calls a gate and the options have `bindings`.
 *
 * @returns the response, or a copy of it if it has no body or its headers cannot be changed. A response that can be neither changed nor
 * copied, such as `Response.error()`, is returned unchanged
 */
export function withFields(request: Request, response: Response): Response {
  const fields = fieldsOf.get(request)
  if (fields === undefined || !isWebResponse(response)) return response
  const inPlace = (): Response => added(fields, response)
  const copied = (): Response => added(fields, new Response(response.body, response))
  // A handler may return one response without a body to many requests. The response of another fetch has headers that cannot be changed.
  for (const add of response.body === null ? [copied, inPlace] : [inPlace, copied])
    try {
      return add()
    } catch {}
  return response
}

function added(fields: Readonly<Record<string, string>>, response: Response): Response {
  const { headers } = response
  addFields(fields, { getHeader: (name) => headers.get(name), setHeader: (name, value) => headers.set(name, value) })
  return response
}

/** Handles an admitted request. `rest` contains the other arguments of the runtime or router, such as `env`. */
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
 * Protects a handler with a gate. The handler is called with the verified token, or with `undefined` for an anonymous request.
 *
 * @param options - a gate shared with other handlers, or the options of `createGate`
 * @param requirement - what a token must grant; if given, anonymous requests are refused
 * @throws TypeError for wrong options. The returned handler rejects with a TypeError if your own gate resolves with a value that a gate
 * of `createGate` cannot return
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
  const requirement = givenRequirement(ACTION, given)
  const gate = typeof options === 'function' ? options : createGate(options as AuthenticatorOptions)
  if (requirement !== undefined) resourceOf.get(gate)?.learn({ scopes: requirement.scopes })
  // An application's own gate has no verifier to check.
  const verifier = own(gate as Partial<HasVerifier>, 'verifier')
  if (requirement !== undefined && verifier !== undefined) assertCanAsk(ACTION, requirement, verifier)
  return async (request, ...rest) => {
    let auth: unknown
    try {
      auth = await gate(request, ...given)
    } catch (thrown) {
      // An application's own gate may reject with undefined; a router may then continue.
      throw asError(thrown)
    }
    if (isWebResponse(auth)) return auth
    if (isToken(auth) || (auth === undefined && requirement === undefined)) {
      const response = handler(request, auth as never, ...rest)
      return fieldsOf.has(request) ? withFields(request, await response) : response
    }
    throw new TypeError('Cannot call handler: the gate has let the request through without a verified token')
  }
}

function isToken(value: unknown): boolean {
  return hasObject(value, 'claims') && hasObject(value, 'scopes')
}

function hasObject(value: unknown, name: string): boolean {
  if (typeof value !== 'object' || value === null) return false
  const member = own(value, name)
  return typeof member === 'object' && member !== null
}
