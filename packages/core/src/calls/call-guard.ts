import {
  assertCalled,
  type Authenticator,
  type AuthenticatorOptions,
  createAuthenticator,
  misconfigured,
  type RequestSource,
  type Verifier,
  viewOf,
} from '../adapter.ts'
import { type Caller, callerOf } from './caller.ts'
import type { RefusedCall } from './refused-call.ts'

/** Protects calls. */
export interface CallGuard<C extends object = object> {
  /** The caller of a request or connection. Create one for each of them. Reads nothing before a call needs a token. */
  callerOf(source: RequestSource): Caller<C>
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
    callerOf: (source) => callerOf(authenticator, viewOf(ACTION, source), errorOf).caller,
  }
}
