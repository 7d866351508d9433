import { asError, asRefusal, AuthError, reportNotAccepted } from '../errors/auth-error.ts'
import { emit, type EventListener } from '../model/events.ts'
import type { Clock } from '../model/runtime.ts'
import type { RequestView, VerifiedToken } from '../model/token.ts'
import { ignoreRejection, isObject, own, ownOptions, rejectedSoon } from '../model/values.ts'
import { isOptions, misconfigured } from '../options/option-rules.ts'
import type { Step, TokenContext, Verification } from './steps.ts'
import type { Remembered, TokenCache } from './token-cache.ts'

/** What one verification may depend on, besides the token and the options. */
export interface VerifyContext {
  /** Verifies as of this earlier time instead of now. */
  readonly asOf?: AsOf
  /** Members of `cnf` (RFC 7800) that the caller confirms itself. @defaultValue none */
  readonly confirmations?: readonly string[]
  /** The request with the token. Only verifiers with `dependsOnRequest` use it. */
  readonly view?: RequestView
}

/** A past time from a trusted record, such as when a job was queued. */
export interface AsOf {
  /** Seconds since the epoch. Never take it from the token or its sender. */
  readonly time: number
  /** How long ago it may be, in seconds. From 0. */
  readonly maxLag: number
}

/** What the steps run with. */
interface RunOptions {
  readonly clock: Clock
  readonly cache: TokenCache | undefined
  readonly onEvent: EventListener | undefined
}

/**
 * Runs the steps for each token, and reports the outcome to `onEvent`. With a cache, a token that was accepted before skips parsing and signature.
 * Refusals are not cached.
 */
export function tokenVerifier<C extends object>(
  steps: readonly Step<C>[],
  { clock, cache, onEvent }: RunOptions,
): (token: string, context?: VerifyContext) => Promise<VerifiedToken<C>> {
  /** Runs steps until one must be awaited. */
  const run = (state: Verification<C>): ReturnType<NonNullable<Step<C>['run']>> => {
    while (state.next < steps.length) {
      const step = steps[state.next]
      state.next += 1
      if (step?.skipIfRemembered && state.remembered !== undefined) continue
      const outcome = step?.run?.(state)
      if (outcome !== undefined) return outcome
    }
    return undefined
  }

  // Not async: each `await` would throw a refusal again.
  const finish = (state: Verification<C>, first: Promise<void>, begun: number): Promise<VerifiedToken<C>> =>
    new Promise((resolve, reject) => {
      const refuse = (error: unknown): void => reject(refused(error, state, begun))
      const go = (): void => {
        try {
          const outcome = run(state)
          if (outcome instanceof AuthError) refuse(outcome)
          else if (outcome !== undefined) outcome.then(go, refuse)
          else {
            if (onEvent !== undefined) accepted(onEvent, state, begun)
            resolve(state.result)
          }
        } catch (error) {
          refuse(error)
        }
      }
      first.then(go, refuse)
    })

  const accepted = (listener: EventListener, state: Verification<C> | undefined, begun: number): void => {
    const cached = state === undefined || state.remembered !== undefined
    emit(listener, { type: 'token.verified', duration: clock.monotonic() - begun, cached })
  }

  const refused = (thrown: unknown, state: Verification<C> | undefined, begun: number): Error => {
    try {
      const error = state === undefined ? asError(thrown) : refusalOf(state, thrown)
      if (onEvent !== undefined) reportNotAccepted(onEvent, error, clock.monotonic() - begun)
      return error
    } catch (unreadable) {
      return asError(unreadable)
    }
  }

  // Not async: an async function would rethrow each refusal, and throwing costs more than creating the error.
  return (token, given) => {
    // Without a listener, the clock is not read.
    const begun = onEvent === undefined ? 0 : clock.monotonic()
    let state: Verification<C> | undefined
    try {
      const context = contextOf(clock, given)
      const remembered = cache?.find(token)
      if (remembered === undefined || !isStillAccepted(remembered, context)) {
        state = initialState(token, context, remembered)
        const outcome = run(state)
        if (outcome instanceof AuthError) return rejectedSoon(refused(outcome, state, begun))
        if (outcome !== undefined) return finish(state, outcome, begun)
      }
      if (onEvent !== undefined) accepted(onEvent, state, begun)
      // Without a schema, C is the type of plain claims. With one, no cached token is accepted without its steps.
      return Promise.resolve(state === undefined ? (remembered?.signed as VerifiedToken<C>) : state.result)
    } catch (error) {
      return rejectedSoon(refused(error, state, begun))
    }
  }
}

/** Whether every step would accept a cached token again. Otherwise the steps decide. */
function isStillAccepted({ from, until, policy, signed, key }: Remembered, { now }: TokenContext): boolean {
  if (!(now > from && now < until)) return false
  const current = policy.keys.current?.(signed.header)
  if (current === key) return true
  // An async `current` returns a promise. The key step calls it again, and refuses it.
  ignoreRejection(current)
  return false
}

/** The state of a verification before its first step. */
export function initialState<C extends object>(
  token: string,
  context: TokenContext | undefined,
  remembered?: Remembered,
): Verification<C> {
  const signed = remembered?.signed
  // Every member is set from the start; otherwise Object.prototype could supply one. Steps fill in each value before any later step reads it.
  const state = {
    token,
    context,
    next: 0,
    remembered,
    parsed: undefined,
    subject: signed,
    policy: undefined,
    keyContext: undefined,
    candidates: undefined,
    key: undefined,
    signed,
    result: signed,
  }
  return state as unknown as Verification<C>
}

/** Whether a refusal means that the keys to decide about a token are currently unavailable. */
export function isKeysUnavailable(error: unknown): boolean {
  return asRefusal(error)?.code === 'keys_unavailable'
}

/**
 * The reason to refuse a token. If its keys are unavailable, its claims may give a better reason: a token that has expired, or is for
 * another API, is refused whatever its key. The claims are unverified, so they can only cause a refusal.
 */
function refusalOf<C extends object>(state: Verification<C>, error: unknown): Error {
  const { policy, subject, context }: Partial<Verification<C>> = state
  if (policy === undefined || subject === undefined || !isKeysUnavailable(error)) return asError(error)
  try {
    for (const claimCheck of policy.keylessChecks) claimCheck.check(subject, context)
    return asError(error)
  } catch (refusal) {
    return asError(refusal)
  }
}

/**
 * Reads the context of a verification.
 *
 * @throws TypeError for a context of the wrong form
 * @throws AuthError `verification_time`
 */
export function contextOf(clock: Clock, given: VerifyContext | undefined): TokenContext {
  const now = clock.now() / 1000
  if (given === undefined) return { now, confirmations: NONE }
  if (!isObject(given)) throw misconfigured(ACTION, 'the context must be an object, such as { asOf }', given)
  const confirmations = own(given, 'confirmations')
  if (confirmations !== undefined && !Array.isArray(confirmations))
    throw misconfigured(ACTION, '"confirmations" must be a list, such as ["jkt"]', confirmations)
  return {
    now: verificationTime(now, own(given, 'asOf')),
    confirmations: confirmations === undefined ? NONE : new Set(confirmations),
  }
}

const ACTION = 'verify token'
const NONE: ReadonlySet<string> = new Set()

function verificationTime(now: number, asOf: AsOf | undefined): number {
  if (asOf === undefined) return now
  if (!isOptions(asOf)) throw misconfigured(ACTION, '"asOf" must be an object { time, maxLag }', asOf)
  const { time, maxLag } = ownOptions(asOf, ['time', 'maxLag'])
  if (typeof maxLag !== 'number' || !(maxLag >= 0))
    throw misconfigured(ACTION, '"asOf.maxLag" must be a number of seconds from 0', maxLag)
  // This is a bug in the program. Refusing the token would make a worker discard every job.
  if (typeof time !== 'number' || !(time < FIRST_MILLISECONDS))
    throw misconfigured(ACTION, '"asOf.time" must be seconds since the epoch, such as Date.now() / 1000', time)
  if (!(time - now <= FORGIVEN && now - time <= maxLag))
    throw new AuthError('verification_time', {
      expected: `a time at most ${maxLag} s ago, and not in the future`,
      actual: time,
    })
  return Math.min(time, now)
}

// Verification times in seconds are always smaller; times in milliseconds are always larger.
const FIRST_MILLISECONDS = 1e11
// Seconds that the clock of a queue may be ahead.
const FORGIVEN = 5
