import type { Authenticator, Verifier } from '@claimgate/core'
import {
  type Clock,
  type MiddlewareAdapterOptions,
  type OptionTable,
  READY,
  type ReadAdapterOptions,
  readMiddlewareOptions,
  type RequirementOption,
  systemClock,
} from '@claimgate/core/adapter'
import { optionsFromEnv } from '@claimgate/core/providers'

/** How to verify tokens. If the options do not say it, `optionsFromEnv(process.env)` is used. */
export type LambdaOptions<C extends object = object> = MiddlewareAdapterOptions<C> & RequirementOption

/** The options of a function, as it takes them. */
export type Given<C extends object, T extends object = RequirementOption> =
  | (MiddlewareAdapterOptions<C> & T)
  | Verifier<C>
  | Authenticator<C>

/**
 * Resolves the options of a function.
 *
 * @throws TypeError
 */
export function resolveOptions<C extends object, T extends RequirementOption>(
  given: object,
  action: string,
  table: OptionTable = {},
): ReadAdapterOptions<C, T> {
  return readMiddlewareOptions<C, T>(given, {
    action,
    table: { ...READY, ...table },
    environment: process.env,
    readProvider: optionsFromEnv,
    clock: lambdaClock(),
  })
}

/**
 * A clock for verifiers in Lambda. Lambda freezes the process between invocations, and its monotonic clock may stop, so keys would seem younger
 * than they are. This clock then advances by the wall clock. The functions of this package use it, unless the options have a `clock`. For your own
 * verifier write `createVerifier({ …, clock: lambdaClock() })`.
 */
export function lambdaClock(clock: Clock = systemClock): Clock {
  let [wall, monotonic, elapsed] = [clock.now(), clock.monotonic(), 0]
  return {
    now: () => clock.now(),
    monotonic: () => {
      const [before, then] = [wall, monotonic]
      ;[wall, monotonic] = [clock.now(), clock.monotonic()]
      elapsed += Math.max(wall - before, monotonic - then, 0)
      return elapsed
    },
    setTimeout: (callback, milliseconds) => clock.setTimeout(callback, milliseconds),
  }
}
