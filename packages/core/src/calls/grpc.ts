import {
  type Authenticator,
  type AuthenticatorOptions,
  createAuthenticator,
  ignoreRejection,
  isOptions,
  isRequirement,
  misconfigured,
  onExpiry,
  type Requirement,
  type VerifiedToken,
  type Verifier,
} from '../adapter.ts'
import { type Caller, callerOf } from './caller.ts'
import type { RefusedCall } from './refused-call.ts'

/** What the interceptor needs of `@grpc/grpc-js`: `import * as grpc from '@grpc/grpc-js'`. */
export interface GrpcLibrary<I> {
  readonly ServerInterceptingCall: new (call: never, responder: never) => I
  readonly Metadata: { fromHttp2Headers(headers: Record<string, string>): object }
}

/** What each method needs, by its path such as `/shop.Orders/Get`: a requirement, any valid `token`, or `nothing`. Methods that are not listed are refused. */
export type GrpcMethods = Readonly<Record<string, Requirement | 'token' | 'nothing'>>

/** A call as interceptors of `@grpc/grpc-js` receive it. */
export interface GrpcCall {
  start(listener: never): void
  sendStatus(status: never): void
}

/** The interceptor of a server, and what handlers call. */
export interface GrpcAuthentication<C extends object, I> {
  /** For `new Server({ interceptors: [interceptor] })`. Put it first. */
  readonly interceptor: (method: { readonly path: string }, call: GrpcCall) => I
  /**
   * The verified token of a call.
   *
   * @throws TypeError for a call of a method that needs nothing, and for anything else
   */
  getAuth(call: { readonly metadata: object }): VerifiedToken<C>
  /** The verifier, for `ready()` at start-up and `close()`. */
  readonly verifier: Verifier<C>
}

const ACTION = 'authenticate calls of gRPC'

/**
 * Creates an interceptor that authenticates calls of a gRPC server by their metadata `authorization`, before any message is read. It ends streams at
 * the `exp` of their token.
 *
 * Refuses with UNAUTHENTICATED, PERMISSION_DENIED, INVALID_ARGUMENT or UNAVAILABLE, and with INTERNAL for bugs. The challenge is in the
 * metadata `www-authenticate` of the status.
 *
 * @param options - options of an authenticator, or an existing verifier or authenticator
 * @param grpc - the library, whose version is then your choice
 * @param methods - what each method needs
 * @throws TypeError for options that are missing, contradict each other or are out of range
 */
export function grpcAuthentication<C extends object = object, I = unknown>(
  options: AuthenticatorOptions<C> | Verifier<C> | Authenticator<C>,
  grpc: GrpcLibrary<I>,
  methods: GrpcMethods,
): GrpcAuthentication<C, I> {
  const authenticator = createAuthenticator(options)
  const needs = readMethods(methods)
  const tokens = new WeakMap<object, VerifiedToken<C>>()

  const statusOf = ({ grpcCode, message, headers }: RefusedCall): Status => {
    return { code: grpcCode, details: message, metadata: grpc.Metadata.fromHttp2Headers({ ...headers }) }
  }

  const intercept = ({ path }: { readonly path: string }, call: Call): I => {
    let close = (): void => {}
    let cancel = (): void => {}
    const end = (status: Status): void => {
      call.sendStatus(status)
      // The library itself tells the handler only once the client has read everything, which it may never do.
      cancel()
    }
    const onReceiveMetadata: Receiver<GrpcMetadata> = (metadata, next) => {
      const need = needs.get(path)
      if (need === undefined) return end({ code: 13, details: 'This method has no requirement', metadata: null })
      if (need === 'nothing') return next(metadata)
      const view = { method: 'POST', target: path, header: (name: string) => metadata.get(name) }
      const admit = (token: VerifiedToken<C>): void => {
        tokens.set(metadata, token)
        next(metadata)
      }
      close = openStream(callerOf(authenticator, view, statusOf), { admit, end }, need === 'token' ? [] : [need])
    }
    const responder = {
      start: (next: (listener: object) => void) => next({ onReceiveMetadata, onCancel: () => close() }),
      sendStatus: (status: Status, next: (status: Status) => void) => {
        close()
        next(status)
      },
    }
    const intercepting = new grpc.ServerInterceptingCall(call as never, responder as never)
    const started = intercepting as Call
    const start = started.start.bind(started)
    started.start = (listener) => {
      let isCancelled = false
      cancel = () => {
        if (isCancelled) return
        isCancelled = true
        listener.onCancel()
      }
      start({
        onReceiveMetadata: (metadata) => listener.onReceiveMetadata(metadata),
        onReceiveMessage: (message) => listener.onReceiveMessage(message),
        onReceiveHalfClose: () => listener.onReceiveHalfClose(),
        onCancel: cancel,
      })
    }
    return intercepting
  }

  return {
    verifier: authenticator.verifier,
    interceptor: (method, call) => intercept(method, call),
    getAuth: ({ metadata }) => {
      const token = tokens.get(metadata)
      if (token !== undefined) return token
      throw new TypeError('Cannot get auth: the interceptor has not admitted this call with a token')
    },
  }
}

interface Call {
  start(listener: Listener): void
  sendStatus(status: Status): void
}

interface Listener {
  onReceiveMetadata(metadata: GrpcMetadata): void
  onReceiveMessage(message: unknown): void
  onReceiveHalfClose(): void
  onCancel(): void
}

interface Status {
  readonly code: number
  readonly details: string
  readonly metadata: object | null
}

interface GrpcMetadata {
  get(name: string): readonly string[]
}

type Receiver<T> = (value: T, next: (value: T) => void) => void

function readMethods(methods: GrpcMethods): ReadonlyMap<string, GrpcMethods[string]> {
  const example = 'give what each method needs, such as { "/shop.Orders/Get": scope("orders:read") }'
  if (!isOptions(methods)) throw misconfigured(ACTION, example, methods)
  const needs = new Map(Object.entries(methods))
  for (const [path, need] of needs) {
    if (!/^\/[^/]+\/[^/]+$/.test(path)) throw misconfigured(ACTION, `${example}, with a slash before each part`, path)
    if (need !== 'token' && need !== 'nothing' && !isRequirement(need))
      throw misconfigured(ACTION, `"${path}" must need a requirement, "token" or "nothing"`, need)
  }
  return needs
}

interface Stream<C extends object> {
  /** Starts the stream. If it throws, the stream ends with an error. */
  readonly admit: (token: VerifiedToken<C>) => void
  /** Ends the stream. What it throws is ignored. */
  readonly end: (error: never) => void
}

/**
 * Calls `admit` once if a caller meets the requirement, and `end` once if it does not, or at the `exp` of its token. Never before this function
 * has returned.
 *
 * @returns a function to call when the stream is over. Neither function is called afterwards
 */
function openStream<C extends object>(
  { caller, expired, failed, clock }: ReturnType<typeof callerOf<C>>,
  stream: Stream<C>,
  requirement: Parameters<Caller<C>['token']>,
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
      stream.end(error as never)
    } catch {}
  }
  const admit = (token: VerifiedToken<C>): void => {
    if (isOver) return
    cancel = onExpiry(token, async () => end(await expired()), clock)
    try {
      stream.admit(token)
    } catch (bug) {
      end(failed(bug))
    }
  }
  ignoreRejection(caller.token(...requirement).then(admit, end))
  return close
}
