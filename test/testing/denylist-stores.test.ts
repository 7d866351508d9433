import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { createMemoryDenylist } from '@claimgate/core/denylist'
import { createTestClock, denylistStoreCases, type DenylistStoreSubject } from '@claimgate/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { FLAWED_STORES, soundStore } from '../support/testing/flawed-stores.ts'
import { openSqliteDenylist } from '../support/testing/sqlite-denylist.ts'

const turning = (
  makeStore: (now: () => number, clock: ReturnType<typeof createTestClock>) => DenylistStoreSubject['store'],
) => {
  const clock = createTestClock()
  const now = (): number => clock.now() / 1000
  const pass = async (seconds: number): Promise<void> => clock.advanceAsync(seconds * 1000)
  return { store: makeStore(now, clock), now, pass }
}

describe.each<[string, () => DenylistStoreSubject]>([
  ['in memory', () => turning((_, clock) => createMemoryDenylist({ clock }))],
  ['in memory, and small', () => turning((_, clock) => createMemoryDenylist({ clock, maxEntries: 100 }))],
  ['of the parts of the flawed ones', () => turning(soundStore)],
])('a denylist store %s', (_, open) => {
  it.each(denylistStoreCases)('$name', async ({ run }) => {
    await expect(run(open())).resolves.toBeUndefined()
  })
})

describe('a denylist store in a file', () => {
  let folder: string
  let files = 0
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'denylist-'))
  })
  afterAll(async () => rm(folder, { recursive: true }))

  it.each(denylistStoreCases)('$name', async ({ run }) => {
    const path = join(folder, `${(files += 1)}.sqlite`)
    const opened: (() => void)[] = []
    const subject = turning((now) => {
      // Two handles on one file, like two servers: one writes, the other reads.
      const [writer, reader] = [openSqliteDenylist(path, now), openSqliteDenylist(path, now)]
      opened.push(writer.close, reader.close)
      return { find: reader.find, add: writer.add }
    })
    await expect(run(subject)).resolves.toBeUndefined()
    for (const close of opened) close()
  })
})

const failedCases = async (open: () => DenylistStoreSubject): Promise<readonly string[]> => {
  const outcomes = await Promise.allSettled(denylistStoreCases.map(async ({ run }) => run(open())))
  return denylistStoreCases.flatMap(({ name }, index) => (outcomes[index]?.status === 'rejected' ? [name] : []))
}

describe('the cases of the contract', () => {
  it.each(Object.entries(FLAWED_STORES))('detect a store that %s', async (_, makeStore) => {
    expect(await failedCases(() => turning(makeStore))).not.toEqual([])
  })

  it('have unique names, and need at most 4 seconds each', async () => {
    expect(new Set(denylistStoreCases.map(({ name }) => name)).size).toBe(denylistStoreCases.length)
    const passed: number[] = []
    for (const { run } of denylistStoreCases) {
      let sum = 0
      const subject = turning(soundStore)
      await run({
        ...subject,
        pass: async (seconds) => {
          sum += seconds
          await subject.pass(seconds)
        },
      })
      passed.push(sum)
    }
    expect(Math.max(...passed)).toBeLessThanOrEqual(4)
  })

  it('are each needed: each fails for a store with every flaw', async () => {
    const caught = await Promise.all(
      Object.values(FLAWED_STORES).map(async (makeStore) => failedCases(() => turning(makeStore))),
    )
    const never = denylistStoreCases.map(({ name }) => name).filter((name) => !caught.flat().includes(name))
    expect(never).toEqual([])
  })
})
