import {
  assertCalled,
  type Authenticator,
  type AuthenticatorOptions,
  createAuthenticator,
  ignoreRejection,
  misconfigured,
  type NodeRequest,
  nodeRequestView,
  onExpiry,
  own,
  requestView,
  type RequestView,
  type Requirement,
  type VerifiedToken,
  type Verifier,
} from '../adapter.ts'
import { type Caller, callerOf, type OpenCaller } from './caller.ts'
import type { RefusedCall } from './refused-call.ts'

/** What the calls arrive in. Prefer the request of Node if there is one: it alone shows a repeated field. */
export type CallSource = NodeRequest | Pick<Request, 'method' | 'url' | 'headers'> | RequestView

/** Protects calls. */
export interface CallGuard<C extends object = object> {
  /** The caller of a request, connection or stream. Create one for each of them. Reads nothing before a call needs a token. */
  callerOf(source: CallSource): Caller<C>
  /**
   * Opens a stream: calls `admit` once if its token meets the requirement, and `end` once if it does not, or at the `exp` of the token. Never before
   * this function has returned. The stream of a token without `exp` is not ended.
   *
   * @returns a function to call when the stream is over. Neither function is called afterwards
   */
  openStream(source: CallSource, stream: Stream<C>, requirement?: Requirement): () => void
  /** The verifier, for `ready()` at start-up and `close()`. */
  readonly verifier: Verifier<C>
}

/** What to do with a stream. */
export interface Stream<C extends object = object> {
  /** Starts the stream. If it throws, the stream ends with an error of status 500. */
  admit(token: VerifiedToken<C>, caller: Caller<C>): unknown
  /** Ends the stream, with what the guard's function made of a `RefusedCall`. What it throws is ignored. */
  end(error: unknown): unknown
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
  const opened = (source: CallSource): OpenCaller<C> => callerOf(authenticator, viewOf(source), errorOf)
  return {
    verifier: authenticator.verifier,
    callerOf: (source) => opened(source).caller,
    openStream: (source, stream, ...given: readonly [requirement?: Requirement]) =>
      openStream(opened(source), stream, given),
  }
}

function openStream<C extends object>(
  { caller, expired, failed, clock }: OpenCaller<C>,
  stream: Stream<C>,
  given: readonly [requirement?: Requirement],
): () => void {
  let isOver = false
  let cancel = (): void => {}
  const close = (): void => {
    isOver = true
    cancel()
  }
  const end = (error: unknown): void => {
    if (isOver) return
    close()
    try {
      ignoreRejection(stream.end(error))
    } catch {}
  }
  const admit = async (token: VerifiedToken<C>): Promise<void> => {
    if (isOver) return
    cancel = onExpiry(token, async () => end(await expired()), clock)
    try {
      await stream.admit(token, caller)
    } catch (bug) {
      end(failed(bug))
    }
  }
  void caller.token(...given).then(admit, end)
  return close
}

function viewOf(source: CallSource): RequestView {
  const given: { readonly header?: unknown; readonly headers?: unknown } =
    typeof source === 'object' && source !== null ? source : {}
  if (typeof own(given, 'header') === 'function') return source as RequestView
  const headers = own(given, 'headers')
  if (typeof headers !== 'object' || headers === null)
    throw misconfigured(ACTION, 'give the request, or { method, target, header }', source)
  if (typeof own(headers as Partial<Headers>, 'get') === 'function') return requestView(source as Request)
  return nodeRequestView(source as NodeRequest)
}
