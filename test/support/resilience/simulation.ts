import {
  createMemoryJwkSetStore,
  remoteKeySet,
  type KeyContext,
  type RemoteKeySetOptions,
} from '@claimgate/core/extend'
import { createRandom, createTestClock, type TestClock } from '@claimgate/testing'

import { createEndpoint, type EndpointMode, type SeenFetch } from './endpoint.ts'
import type { Action, Schedule } from './schedule.ts'
import { verdict } from './verdict.ts'

/** One request and its result. Times are monotonic seconds. */
export interface SeenRequest {
  readonly kid: string
  /** When its token was issued, in true time. */
  readonly issuedAt: number
  /** Seconds by which the verifier's clock was ahead of the issuer's. */
  readonly ahead: number
  readonly askedAt: number
  readonly answeredAt: number
  readonly verdict: string
}

/** One key, and when it was published and withdrawn. */
export interface Publication {
  readonly kid: string
  readonly from: number
  /** `Infinity` if it is still published. */
  readonly until: number
}

/** Everything that happened in one schedule. */
export interface History {
  readonly schedule: Schedule
  readonly requests: readonly SeenRequest[]
  readonly fetches: readonly SeenFetch[]
  readonly publications: readonly Publication[]
  /** The states of the endpoint, with their start times. */
  readonly modes: readonly { readonly mode: EndpointMode; readonly since: number }[]
  readonly mostInFlight: number
  /** Its duration. */
  readonly seconds: number
}

/** The parts of a key set that a schedule needs. */
export interface SimulatedKeySet {
  resolve(header: { readonly alg: string; readonly kid: string }, token?: KeyContext): Promise<CryptoKey>
  resolveAgain?(
    header: { readonly alg: string; readonly kid: string },
    failed: CryptoKey,
  ): Promise<CryptoKey | undefined>
  close?(): void
}

export type KeySetUnderTest = (uri: string, options: RemoteKeySetOptions) => SimulatedKeySet

/** Tolerated seconds between two clocks. */
export const TOLERANCE = 60

const URI = 'https://issuer.example/keys'

/** Runs a schedule with a key set, in simulated time. */
export async function play(schedule: Schedule, makeKeySet: KeySetUnderTest = remoteKeySet): Promise<History> {
  const clock = createTestClock()
  const seconds = (): number => clock.monotonic() / 1000
  const random = createRandom(schedule.jitter)
  const endpoint = createEndpoint(clock, random.next)
  const keys = makeKeySet(URI, {
    clock,
    fetch: endpoint.fetch,
    random: random.next,
    sharing: schedule.sharing,
    ...(schedule.store === 'memory' && { store: createMemoryJwkSetStore() }),
  })
  const publications: { kid: string; from: number; until: number }[] = []
  const modes: { mode: EndpointMode; since: number }[] = []
  const requests: SeenRequest[] = []
  const open = new Set<Promise<void>>()
  let unknown = 0
  let stepped = 0
  const start = clock.now() / 1000

  const publish = (): void => {
    publications.push({ kid: `key-${publications.length}`, from: seconds(), until: Infinity })
    tell()
  }
  const published = (): string[] => publications.filter(({ until }) => until === Infinity).map(({ kid }) => kid)
  const tell = (): void => endpoint.publish(published())
  const behave = (mode: EndpointMode): void => {
    modes.push({ mode, since: seconds() })
    endpoint.behave(mode)
  }
  const ask = (kid: string, age: number): void => {
    const askedAt = seconds()
    const issuedAt = askedAt - age
    // The verifier adds the clock tolerance.
    const issuedBefore = Math.floor(start + issuedAt + schedule.skew) + TOLERANCE
    const asked = verdict(keys.resolve({ alg: 'ES256', kid }, { issuedBefore })).then((outcome) => {
      const ahead = stepped - schedule.skew
      requests.push({ kid, issuedAt, ahead, askedAt, answeredAt: seconds(), verdict: outcome })
    })
    open.add(asked)
    void asked.finally(() => open.delete(asked))
  }
  // A token that names a known key and was not signed with it.
  const forge = (kid: string): void => {
    const header = { alg: 'ES256', kid }
    const asked = keys.resolve(header).then(
      async (key) => keys.resolveAgain?.(header, key).then(() => undefined),
      () => undefined,
    )
    open.add(asked)
    void asked.finally(() => open.delete(asked))
  }
  const recent = (back: number): string => publications.at(-1 - back)?.kid ?? publications[0]?.kid ?? 'key-0'

  const act = async (action: Action): Promise<void> => {
    switch (action.kind) {
      case 'request':
        return ask(recent(action.key), action.age)
      case 'forge':
        return forge(recent(action.key))
      case 'publish':
        return publish()
      case 'withdraw': {
        const oldest = publications.find(({ until }) => until === Infinity)
        if (oldest && published().length > 1) oldest.until = seconds()
        return tell()
      }
      case 'endpoint':
        return behave(action.mode)
      case 'step':
        stepped += action.seconds
        return clock.stepWall(action.seconds * 1000)
      default: {
        // New unknown key IDs arrive all the time, together with earlier ones.
        for (let count = 0; count < action.times; count += 1) {
          unknown += 1
          ask(`unknown-${unknown}`, unknown % 2 === 0 ? 0 : 3000)
          ask(recent(count % 3), 0)
          await clock.advanceAsync(action.every * 1000)
        }
      }
    }
  }

  publish()
  behave({ kind: 'well', latency: 0.1 })
  for (const { after, action } of schedule.steps) {
    await clock.advanceAsync(after * 1000)
    await act(action)
  }
  await quiet(clock, open)
  keys.close?.()
  return {
    schedule,
    requests,
    fetches: endpoint.fetches,
    publications,
    modes,
    mostInFlight: endpoint.mostInFlight(),
    seconds: seconds(),
  }
}

/** Advances time until every request has its answer. */
async function quiet(clock: TestClock, open: ReadonlySet<unknown>): Promise<void> {
  for (let waited = 0; open.size > 0 && waited < 60; waited += 1) await clock.advanceAsync(1000)
  if (open.size > 0) throw new Error(`${open.size} requests have no answer after a minute`)
}
