import {
  assertCalled,
  type Authenticator,
  type AuthenticatorOptions,
  createAuthenticator,
  has,
  misconfigured,
  type NodeRequest,
  nodeRequestView,
  own,
  requestView,
  type RequestView,
  type Verifier,
} from '../adapter.ts'
import { type Caller, callerOf } from './caller.ts'
import type { RefusedCall } from './refused-call.ts'

/**
 * What the calls arrive in: a request of Node, of the Fetch API, of Express, of Fastify or of Hono, or a view. Prefer the request of Node if there is
 * one: it alone shows a repeated field.
 */
export type CallSource = OriginalRequest | { readonly raw: OriginalRequest } | RequestView

type OriginalRequest = NodeRequest | Pick<Request, 'method' | 'url' | 'headers'>

/** Protects calls. */
export interface CallGuard<C extends object = object> {
  /** The caller of a request or connection. Create one for each of them. Reads nothing before a call needs a token. */
  callerOf(source: CallSource): Caller<C>
  /** The verifier, for `ready()` at start-up and `close()`. */
  readonly verifier: Verifier<C>
}

const ACTION = 'authorize call'

/**
 * Creates the guard of an API whose requests or connections carry several calls, such as tRPC, GraphQL and gRPC.
 *
 * @param options - options of an authenticator, or an existing verifier or authenticator
 * @param errorOf - makes the error of your protocol, such as `(refused) => new TRPCError({ code: refused.trpcCode, message: refused.message })`.
 * @defaultValue the `RefusedCall`
 * @throws TypeError for options that are missing, contradict each other or are out of range
 */
export function createCallGuard<C extends object = object>(
  options: AuthenticatorOptions<C> | Verifier<C> | Authenticator<C>,
  errorOf: (refused: RefusedCall) => unknown = (refused) => refused,
): CallGuard<C> {
  assertCalled('createCallGuard', 'createCallGuard({ issuer, audience })', options)
  if (typeof errorOf !== 'function')
    throw misconfigured('create call guard', 'give a function that makes the error of a refused call', errorOf)
  const authenticator = createAuthenticator(options)
  return {
    verifier: authenticator.verifier,
    callerOf: (source) => callerOf(authenticator, viewOf(source), errorOf).caller,
  }
}

function viewOf(source: CallSource): RequestView {
  const given: object = typeof source === 'object' && source !== null ? source : {}
  // Before `header`, which is also a method of the requests of Express.
  if (has(given, 'rawHeaders')) return nodeRequestView(source as NodeRequest)
  // The requests of Fastify and Hono keep the original one. Those of others, such as hapi, have something else there.
  const raw = own(given, 'raw')
  if (typeof raw === 'object' && raw !== null && has(raw, 'headers')) return viewOf(raw as OriginalRequest)
  if (typeof own(given, 'header') === 'function') return source as RequestView
  const headers = own(given, 'headers')
  if (typeof headers !== 'object' || headers === null)
    throw misconfigured(ACTION, 'give the request, or { method, target, header }', source)
  if (typeof own(headers as Partial<Headers>, 'get') === 'function') return requestView(source as Request)
  return nodeRequestView(source as NodeRequest)
}
