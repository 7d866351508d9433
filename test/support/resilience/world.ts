import { AuthError, type VerifierEvent } from '@claimgate/core'
import { remoteKeySet, type RemoteKeySet, type RemoteKeySetOptions } from '@claimgate/core/extend'
import { createTestKeys, startFaultyJwksServer, type FaultyJwksServer } from '@claimgate/testing'

import { shiftedClock, type ShiftedClock } from './shifted-clock.ts'
import { verdict } from './verdict.ts'

/** A key set, its endpoint on a real socket, and a clock that can be advanced. */
export interface World {
  readonly server: FaultyJwksServer
  readonly clock: ShiftedClock
  readonly keys: RemoteKeySet
  readonly events: readonly VerifierEvent[]
  /** Resolves the key of a token issued this many seconds ago; if omitted, of a token without `iat`. */
  ask(kid: string, secondsAgo?: number): Promise<string>
  /** Tries until it is verified, some minutes apart, because on a busy machine even a good answer may miss a short deadline. */
  untilVerified(kid: string): Promise<string>
  /** `network`, `timeout` …: why keys are unavailable. */
  whyNot(): Promise<string | undefined>
  close(): Promise<void>
}

export const publicJwks = await Promise.all(
  ['a', 'b', 'c'].map(async (kid) => (await createTestKeys('ES256', { kid })).publicJwk),
)
export const [a, b] = publicJwks

/** Deadlines short enough for tests, in the proportions of the defaults. */
export const quick: RemoteKeySetOptions = { timeout: 0.3, softWait: 0.06 }

/** Starts an endpoint that publishes the key `a`, and a key set that has not fetched it yet. */
export async function startWorld(options: RemoteKeySetOptions = {}): Promise<World> {
  const clock = shiftedClock()
  const server = await startFaultyJwksServer({ jwks: { keys: publicJwks.slice(0, 1) }, now: clock.monotonic })
  const events: VerifierEvent[] = []
  const keys = remoteKeySet(server.url, { clock, onEvent: (event) => void events.push(event), ...options })
  const ask = async (kid: string, secondsAgo?: number): Promise<string> => {
    const token = secondsAgo === undefined ? {} : { issuedBefore: clock.now() / 1000 - secondsAgo + 60 }
    return verdict(keys.resolve({ alg: 'ES256', kid }, token))
  }
  const untilVerified = async (kid: string, tries = 5): Promise<string> => {
    const outcome = await ask(kid)
    if (outcome === 'verified' || tries === 1) return outcome
    clock.pass(301)
    return untilVerified(kid, tries - 1)
  }
  return {
    server,
    clock,
    keys,
    events,
    ask,
    untilVerified: async (kid) => untilVerified(kid),
    whyNot: async () =>
      keys.ready().then(
        () => undefined,
        (error: unknown) => causeOf(error).reason,
      ),
    close: async () => {
      keys.close()
      await server.close()
    },
  }
}

/** Why keys are unavailable, according to the cause of the refusal. */
export function causeOf(error: unknown): { readonly reason?: string; readonly cause?: unknown } {
  if (!(error instanceof AuthError)) throw error
  return error.cause ?? {}
}
