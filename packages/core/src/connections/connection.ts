import {
  answeredWithin,
  asError,
  asRefusal,
  assertVerified,
  type Authenticated,
  AuthError,
  bare,
  isThenable,
  LONGEST_WAIT,
  own,
  timeLeft,
  timeOf,
  type VerifiedToken,
  type Verifier,
  type VerifyContext,
} from '../adapter.ts'
import { expiryOf, type Gatekeeper, LATE, type RefusedConnection } from './admission.ts'

/** An open connection. It ends when its token expires, is refused later, or is replaced by one that is refused. */
export interface Connection<C extends object = object> {
  /** The verified token. `undefined` once the connection has ended: then ignore what the client sends. */
  readonly token: VerifiedToken<C> | undefined
  /** What `onAuthenticated` returned for the token. `undefined` once the connection has ended. */
  readonly user: unknown
  /** When the token expires, in milliseconds since the epoch. `Infinity` for a token without `exp`. */
  readonly expiresAt: number
  /**
   * Calls back once when the connection ends, and starts the timer for that. Close the socket there. Not called after `close()`. What the
   * function throws is logged.
   */
  onEnd(listener: (end: ConnectionEnd) => void): void
  /**
   * Replaces the token by another one of the same issuer and subject, which also meets the requirement. If it is refused, the connection ends.
   * If it cannot be verified now (status 503), the connection keeps its token. Only one token can be verified at a time: another one meanwhile
   * ends the connection. Never rejects.
   *
   * @param token - as the client sent it
   */
  authenticate(token: unknown): Promise<Reauthentication>
  /** Stops the timer. Call it when the socket has closed. */
  close(): void
}

/** Why a connection ended, in fixed text that may be sent to the client. */
export interface ConnectionEnd {
  /** The HTTP status that means the same: 400, 401, 403, 500 or 503. */
  readonly status: number
  /** The close code of a WebSocket: 3000 (unauthorized), 3003 (forbidden), 1008 (malformed), 1011 (failed) or 1013 (try again later). */
  readonly code: number
  /** `token_expired`, the `error` of RFC 6750, `no_token`, `unavailable` or `failed`. */
  readonly reason: string
}

/** What became of another token for a connection: accepted (status 200), to be sent again later (503), or else the connection has ended. */
export interface Reauthentication {
  readonly status: number
  /** As that of the connection. */
  readonly expiresAt: number
}

/** What a connection shares with others, and how it is authenticated again. */
export interface ConnectionParts<C extends object> extends Gatekeeper {
  readonly verifier: Verifier<C>
  readonly context: VerifyContext
  /** Seconds. */
  readonly verifyEvery: number
  readonly admit: (token: unknown, current: VerifiedToken<C>) => Promise<Authenticated<C> | RefusedConnection>
}

const LONGEST_WITHOUT_EXP = 3_600_000

/** Creates a connection for an accepted token. Its members are on its class, so that JSON of it is empty. */
export class OpenConnection<C extends object> implements Connection<C> {
  readonly #parts: ConnectionParts<C>
  readonly #listeners: ((end: ConnectionEnd) => void)[] = []
  #authenticated: Authenticated<C>
  #end: ConnectionEnd | undefined
  #isClosed = false
  #isAuthenticating = false
  /** By the monotonic clock, in milliseconds. */
  #verifiedAt = 0
  #left: () => number = () => 0
  #cancel = (): void => {}

  constructor(parts: ConnectionParts<C>, authenticated: Authenticated<C>) {
    this.#parts = parts
    this.#authenticated = authenticated
    this.#take(authenticated)
  }

  get token(): VerifiedToken<C> | undefined {
    return this.#isOpen() ? this.#authenticated.token : undefined
  }

  get user(): unknown {
    return this.#isOpen() ? own(this.#authenticated, 'user') : undefined
  }

  get expiresAt(): number {
    return expiryOf(this.#authenticated.token) * 1000
  }

  onEnd(listener: (end: ConnectionEnd) => void): void {
    if (this.#isClosed) return
    if (this.#end === undefined) this.#listeners.push(listener)
    else this.#tell(listener, this.#end)
    this.#wait()
  }

  async authenticate(token: unknown): Promise<Reauthentication> {
    const { token: current } = this
    if (current === undefined) return this.#answer(this.#end?.status ?? UNAUTHORIZED)
    if (this.#isAuthenticating) {
      this.#finish(new AuthError('credential_repeated', { expected: 'one token at a time' }), 'report')
      return this.#answer(400)
    }
    this.#isAuthenticating = true
    const outcome = await this.#parts.admit(token, current)
    this.#isAuthenticating = false
    if (!this.#isOpen()) return this.#answer(this.#end?.status ?? UNAUTHORIZED)
    if (outcome.kind === 'authenticated') this.#take(outcome)
    else if (outcome.response.status !== UNAVAILABLE) this.#finish(outcome.error)
    return this.#answer(outcome.kind === 'authenticated' ? 200 : outcome.response.status)
  }

  close(): void {
    this.#isClosed = true
    this.#cancel()
    this.#listeners.length = 0
  }

  #answer(status: number): Reauthentication {
    return bare({ status, expiresAt: this.expiresAt })
  }

  #take(authenticated: Authenticated<C>): void {
    this.#authenticated = authenticated
    this.#setDeadline()
    if (this.#listeners.length > 0) this.#wait()
  }

  #setDeadline(): void {
    const { clock, verifier } = this.#parts
    const clocks = { now: () => timeOf(verifier) * 1000, monotonic: () => clock.monotonic() }
    this.#verifiedAt = clock.monotonic()
    this.#left = timeLeft(this.expiresAt, clocks, this.expiresAt === Infinity ? LONGEST_WITHOUT_EXP : Infinity)
  }

  /** Asks the clock itself, because the timer of a busy or suspended process is late. */
  #isOpen(): boolean {
    if (this.#end !== undefined || this.#isClosed) return false
    if (this.#left() > 0) return true
    this.#finish(new AuthError('token_expired'))
    return false
  }

  #wait(): void {
    this.#cancel()
    if (this.#listeners.length === 0 || !this.#isOpen()) return
    const { clock, verifyEvery } = this.#parts
    const untilVerified = this.#verifiedAt + verifyEvery * 1000 - clock.monotonic()
    const wait = Math.min(this.#left(), Math.max(untilVerified, 1), LONGEST_WAIT)
    this.#cancel = clock.setTimeout(() => {
      if (!this.#isOpen()) return
      if (clock.monotonic() >= this.#verifiedAt + verifyEvery * 1000) void this.#verifyAgain()
      this.#wait()
    }, Math.ceil(wait))
  }

  async #verifyAgain(): Promise<void> {
    const { clock, context, verifier } = this.#parts
    const { token } = this.#authenticated
    this.#verifiedAt = clock.monotonic()
    try {
      const text: unknown = own(token, 'token')
      if (typeof text !== 'string') return
      assertVerified(await answeredWithin({ late: LATE, seconds: 30, clock }, () => verifier.verify(text, context)))
      if (token === this.#authenticated.token && expiryOf(token) === Infinity) this.#setDeadline()
    } catch (thrown) {
      const isCurrent = token === this.#authenticated.token && this.#isOpen()
      // An outage says nothing about the token.
      if (isCurrent && asRefusal(thrown)?.status !== UNAVAILABLE) this.#finish(asError(thrown), 'report')
    }
  }

  #finish(error: Error, ...[report]: readonly 'report'[]): void {
    this.#cancel()
    this.#end = endOf(error)
    if (report !== undefined) this.#parts.report(error)
    for (const listener of this.#listeners.splice(0)) this.#tell(listener, this.#end)
  }

  #tell(listener: (end: ConnectionEnd) => unknown, end: ConnectionEnd): void {
    const { report } = this.#parts
    try {
      const told = listener(end)
      if (isThenable(told)) Promise.resolve(told).catch((thrown: unknown) => report(asError(thrown)))
    } catch (thrown) {
      report(asError(thrown))
    }
  }
}

const UNAUTHORIZED = 401
const UNAVAILABLE = 503

// RFC 6455 section 7.4, and the registry of close codes.
const CODES: Readonly<Record<number, number>> = bare({ 401: 3000, 403: 3003, 500: 1011, 503: 1013 })

/** How to tell a client why its connection was refused or has ended. */
export function endOf(error: Error): ConnectionEnd {
  const refusal = asRefusal(error)
  const status = refusal?.status ?? 500
  return Object.freeze(bare({ status, code: own(CODES, status) ?? 1008, reason: reasonOf(refusal) }))
}

function reasonOf(refusal: AuthError | undefined): string {
  if (refusal === undefined) return 'failed'
  if (refusal.code === 'token_expired') return refusal.code
  return refusal.error ?? (refusal.status === UNAUTHORIZED ? 'no_token' : 'unavailable')
}
