import { describe, expect, it, onTestFinished, vi } from 'vitest'

import { FetchError } from '../../../../packages/core/src/keys/fetch/fetch-error.ts'
import { defaultSharing, type Sharing } from '../../../../packages/core/src/model/runtime.ts'
import {
  type FetchResult,
  type SharedFetch,
  startTimer,
  waitForFetch,
} from '../../../../packages/core/src/keys/remote/shared-fetch.ts'
import { manualClock, settle } from '../../../support/core/manual-clock.ts'

function fetching(aliveFor = 1e9) {
  const clock = manualClock()
  const startedAt = clock.monotonic()
  let resolveSettled: () => void = () => undefined
  const settled = new Promise<void>((resolve) => {
    resolveSettled = resolve
  })
  const controller = new AbortController()
  const shared: SharedFetch = { startedAt, controller, settled, result: undefined, aliveUntil: startedAt + aliveFor }
  const finish = (result: FetchResult): void => {
    shared.result = result
    resolveSettled()
  }
  const wait = (by: Sharing, longest: number) => {
    let outcome: unknown = 'waiting'
    void waitForFetch(shared, { clock, by, until: startedAt + longest }).then((result) => {
      outcome = result?.kind
    })
    return () => outcome
  }
  return { clock, shared, finish, wait }
}

describe.each(['promise', 'poll'] as const)('waiting for a shared fetch by %s', (by) => {
  it('ends with its result', async () => {
    const { clock, finish, wait } = fetching()
    const outcome = wait(by, Infinity)
    await clock.pass(100)
    expect(outcome()).toBe('waiting')
    finish({ kind: 'fetched', attempts: 1 })
    await clock.pass(0.02)
    expect(outcome()).toBe('fetched')
    expect(clock.timers()).toBe(0)
  })

  it('takes no time if the result is available', async () => {
    const { clock, finish, wait } = fetching()
    finish({ kind: 'failed', error: new FetchError('network', 'x') })
    const outcome = wait(by, Infinity)
    await settle()
    expect(outcome()).toBe('failed')
    expect(clock.timers()).toBe(0)
  })

  it('ends without a result after too long', async () => {
    const { clock, wait } = fetching()
    const outcome = wait(by, 1000)
    await clock.pass(0.99)
    expect(outcome()).toBe('waiting')
    await clock.pass(0.02)
    expect(outcome()).toBeUndefined()
    expect(clock.timers()).toBe(0)
  })

  it('does not start if too much time has already passed', async () => {
    const { clock, wait } = fetching()
    await clock.pass(1)
    const outcome = wait(by, 1000)
    await settle()
    expect(outcome()).toBeUndefined()
    expect(clock.timers()).toBe(0)
  })

  it('ends when the fetch has exceeded its deadline', async () => {
    const { clock, wait } = fetching(1000)
    const outcome = wait(by, Infinity)
    await clock.pass(0.9)
    expect(outcome()).toBe('waiting')
    await clock.pass(0.2)
    expect(outcome()).toBe('abandoned')
    expect(clock.timers()).toBe(0)
  })

  it('continues when the next document extends the fetch', async () => {
    const { clock, shared, wait, finish } = fetching(1000)
    const outcome = wait(by, Infinity)
    await clock.pass(0.5)
    shared.aliveUntil += 1000
    await clock.pass(1)
    expect(outcome()).toBe('waiting')
    finish({ kind: 'seeded' })
    await clock.pass(0.02)
    expect(outcome()).toBe('seeded')
  })
})

describe('requests that poll', () => {
  it('do so every 20 ms', async () => {
    const { clock, finish, wait } = fetching()
    const outcome = wait('poll', Infinity)
    await clock.pass(0.01)
    finish({ kind: 'fetched', attempts: 1 })
    await clock.pass(0.009)
    expect(outcome()).toBe('waiting')
    await clock.pass(0.001)
    expect(outcome()).toBe('fetched')
  })
})

describe('a timer', () => {
  it('elapses after its time, unless it was cancelled', async () => {
    const clock = manualClock()
    const elapsed: string[] = []
    const [kept, cancelled] = [startTimer(clock, 1000), startTimer(clock, 500)]
    void kept.elapsed.then(() => elapsed.push('kept'))
    void cancelled.elapsed.then(() => elapsed.push('cancelled'))
    cancelled.cancel()
    await clock.pass(0.999)
    expect(elapsed).toEqual([])
    await clock.pass(0.001)
    expect(elapsed).toEqual(['kept'])
  })
})

describe('how requests share a fetch', () => {
  it('is by promise here, and by polling on Cloudflare Workers', () => {
    expect(defaultSharing()).toBe('promise')
    onTestFinished(() => void vi.unstubAllGlobals())
    vi.stubGlobal('navigator', { userAgent: 'Cloudflare-Workers' })
    expect(defaultSharing()).toBe('poll')
    vi.stubGlobal('navigator', undefined)
    expect(defaultSharing()).toBe('promise')
  })
})
