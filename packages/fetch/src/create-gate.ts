import {
  type Authenticator,
  type AuthenticatorOptions,
  createAuthenticator,
  type Requirement,
  type VerifiedToken,
  type Verifier,
} from '@claimgate/core'
import { admittedToken, asError, bare } from '@claimgate/core/extend'
import { assertCalled } from './assert-called.ts'
import { givenRequirement } from './given-requirement.ts'
import { requestView } from './request-view.ts'

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
