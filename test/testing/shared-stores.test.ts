import { createMemoryJwkSetStore } from '@claimgate/core/adapter'
import { createMemoryReplayStore } from '@claimgate/core/dpop'
import {
  createTestClock,
  introspectionCacheStoreCases,
  jwkSetStoreCases,
  replayStoreCases,
  type StoreCase,
} from '@claimgate/testing'
import { describe, expect, it } from 'vitest'
import { memoryCache } from '../../packages/core/src/introspection/answer-cache.ts'
import {
  FLAWED_CACHE_STORES,
  FLAWED_JWK_SET_STORES,
  FLAWED_REPLAY_STORES,
  soundCacheStore,
  soundJwkSetStore,
  soundReplayStore,
} from '../support/testing/flawed-shared-stores.ts'

type Clock = ReturnType<typeof createTestClock>
type Now = () => number

const open = <Store>(make: (clock: Clock, now: Now) => Store) => {
  const clock = createTestClock()
  const store = make(clock, () => clock.monotonic() / 1000)
  return { store, pass: async (seconds: number): Promise<void> => clock.advanceAsync(seconds * 1000) }
}

describe('a replay store in memory', () => {
  it.each(replayStoreCases)('$name', async ({ run }) => {
    await expect(run(open((clock) => createMemoryReplayStore({ clock })))).resolves.toBeUndefined()
  })
})

describe('a small replay store in memory', () => {
  it.each(replayStoreCases)('$name', async ({ run }) => {
    await expect(run(open((clock) => createMemoryReplayStore({ clock, maxEntries: 400 })))).resolves.toBeUndefined()
  })
})

describe('a cache of introspection answers in memory', () => {
  it.each(introspectionCacheStoreCases)('$name', async ({ run }) => {
    await expect(run(open((clock) => memoryCache(1000, clock)))).resolves.toBeUndefined()
  })
})

describe('a store of key sets in memory', () => {
  it.each(jwkSetStoreCases)('$name', async ({ run }) => {
    await expect(run({ store: createMemoryJwkSetStore() })).resolves.toBeUndefined()
  })
})

/** Which cases fail for a store. */
async function failedCases<Subject extends object>(
  cases: readonly StoreCase<Subject>[],
  make: (now: Now) => unknown,
  processes: 'one' | 'two',
): Promise<readonly string[]> {
  const outcomes = await Promise.allSettled(
    cases.map(async ({ run }) => {
      const { store, pass } = open((_, now) => ({ one: make(now), other: make(now) }))
      const other = processes === 'two' ? { other: store.other } : {}
      await run({ store: store.one, ...other, pass } as unknown as Subject)
    }),
  )
  return cases.flatMap(({ name }, index) => (outcomes[index]?.status === 'rejected' ? [name] : []))
}

const CONTRACTS = [
  {
    kind: 'replay stores',
    failed: async (make: never, processes: 'one' | 'two') => failedCases(replayStoreCases, make, processes),
    cases: replayStoreCases,
    sound: soundReplayStore,
    flawed: FLAWED_REPLAY_STORES,
  },
  {
    kind: 'caches of introspection answers',
    failed: async (make: never, processes: 'one' | 'two') => failedCases(introspectionCacheStoreCases, make, processes),
    cases: introspectionCacheStoreCases,
    sound: soundCacheStore,
    flawed: FLAWED_CACHE_STORES,
  },
  {
    kind: 'stores of key sets',
    failed: async (make: never, processes: 'one' | 'two') => failedCases(jwkSetStoreCases, make, processes),
    cases: jwkSetStoreCases,
    sound: soundJwkSetStore,
    flawed: FLAWED_JWK_SET_STORES,
  },
]

describe.each(CONTRACTS)('the contract of $kind', ({ failed, cases, sound, flawed }) => {
  const processesOf = (flaw: string): 'one' | 'two' => (/not shared/.test(flaw) ? 'two' : 'one')

  it('passes for a sound store', async () => {
    expect(await failed(sound as never, 'one')).toEqual([])
  })

  it.each(Object.entries(flawed))('detects a store that %s', async (flaw, make) => {
    expect(await failed(make as never, processesOf(flaw))).not.toEqual([])
  })

  it('has unique names, and each case fails for a store with some flaw', async () => {
    const names = cases.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    const caught = await Promise.all(
      Object.entries(flawed).map(async ([flaw, make]) => failed(make as never, processesOf(flaw))),
    )
    expect(names.filter((name) => !caught.flat().includes(name))).toEqual([])
  })
})
