import { createTestClock } from '@claimgate/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { circuit, limitedTasks, type Turn } from '../../../packages/core/src/introspection/request-limits.ts'

afterEach(() => {
  vi.unstubAllGlobals()
})

/** A task that takes a turn and ends when it is told to. */
function task<T>(result: T) {
  let end: () => void = () => {}
  const until = new Promise<void>((resolve) => (end = resolve))
  const state = { begun: false, end: () => end() }
  const run = async (turn: Turn): Promise<T> => {
    const release = await turn()
    state.begun = true
    await until
    release()
    return result
  }
  return { state, run }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('43. Requests to the endpoint', () => {
  it('wait for a turn, in order, while so many are under way', async () => {
    const clock = createTestClock()
    const tasks = limitedTasks<string>(2, 1000, clock)
    const all = ['a', 'b', 'c', 'd'].map(task)
    const results = all.map(({ run }, index) => tasks.share(String(index), run))
    const begun = (): readonly boolean[] => all.map(({ state }) => state.begun)
    await settled()
    expect([begun(), clock.pending()]).toEqual([[true, true, false, false], 2])
    all[1]?.state.end()
    await settled()
    expect([begun(), clock.pending()]).toEqual([[true, true, true, false], 1])
    for (const { state } of all) state.end()
    expect(await Promise.all(results)).toEqual(['a', 'b', 'c', 'd'])
    expect(clock.pending()).toBe(0)
    const next = task('e')
    next.state.end()
    expect(await tasks.share('e', next.run)).toBe('e')
  })

  it('are given up after the longest wait, and then take no turn', async () => {
    const clock = createTestClock()
    const tasks = limitedTasks<string>(1, 1000, clock)
    const [first, late, next] = [task('first'), task('late'), task('next')]
    const one = tasks.share('1', first.run)
    const two = tasks.share('2', late.run).catch((error: unknown) => error)
    await clock.advanceAsync(999)
    const three = tasks.share('3', next.run)
    await clock.advanceAsync(1)
    expect(await two).toMatchObject({
      message: 'Too many requests to the endpoint are under way',
      reason: 'rate_limited',
      scope: 'token',
    })
    first.state.end()
    expect(await one).toBe('first')
    await settled()
    expect([late.state.begun, next.state.begun]).toEqual([false, true])
    next.state.end()
    expect(await three).toBe('next')
  })

  it('are refused at once if a thousand wait', async () => {
    const tasks = limitedTasks<string>(1, 1000, createTestClock())
    for (let index = 0; index <= 1000; index += 1) tasks.share(String(index), task('x').run).catch(() => {})
    await settled()
    await expect(tasks.share('another', task('y').run)).rejects.toMatchObject({ reason: 'rate_limited' })
  })

  it('about one token are made once for all who ask meanwhile, and again afterwards', async () => {
    const tasks = limitedTasks<string>(9, 1000, createTestClock())
    const [first, second] = [task('first'), task('second')]
    const shared = [tasks.share('a', first.run), tasks.share('a', second.run)]
    first.state.end()
    expect(await Promise.all(shared)).toEqual(['first', 'first'])
    second.state.end()
    expect(await tasks.share('a', second.run)).toBe('second')
  })

  it('that must be fresh begin after those under way, also after one that fails, and are shared', async () => {
    const tasks = limitedTasks<string>(9, 1000, createTestClock())
    let fail: (error: Error) => void = () => {}
    const failing = tasks.share('a', () => new Promise<string>((_, reject) => (fail = reject))).catch(() => 'failed')
    const [one, two] = [task('one'), task('two')]
    const fresh = [tasks.begin('a', one.run), tasks.begin('a', two.run)]
    await settled()
    expect(one.state.begun).toBe(false)
    fail(new Error('down'))
    expect(await failing).toBe('failed')
    await settled()
    one.state.end()
    expect(await Promise.all(fresh)).toEqual(['one', 'one'])
    expect(two.state.begun).toBe(false)
  })

  it('are neither shared nor limited where requests cannot await each other', async () => {
    vi.stubGlobal('navigator', { userAgent: 'Cloudflare-Workers' })
    const tasks = limitedTasks<string>(1, 1000, createTestClock())
    const all = ['a', 'b', 'c'].map(task)
    const results = [
      ...all.slice(0, 2).map(({ run }) => tasks.share('same', run)),
      ...all.slice(2).map(({ run }) => tasks.begin('same', run)),
    ]
    await settled()
    expect(all.map(({ state }) => state.begun)).toEqual([true, true, true])
    for (const { state } of all) state.end()
    expect(await Promise.all(results)).toEqual(['a', 'b', 'c'])
  })
})

describe('43. Requests to a failing endpoint', () => {
  it('pause, and then one may try while the others wait', () => {
    const clock = createTestClock()
    const health = circuit(clock, 2000, () => 1)
    const attempts = [health.begin(), health.begin()]
    expect(health.wait()).toBe(0)
    for (const attempt of attempts) health.failed(attempt, undefined)
    // Those that were under way together count once.
    expect(health.wait()).toBe(1000)
    clock.advance(1000)
    expect(health.wait()).toBe(0)
    const probe = health.begin()
    expect(health.wait()).toBe(2000)
    health.failed(probe, undefined)
    expect(health.wait()).toBe(2000)
    clock.advance(2000)
    health.begin()
    health.succeeded()
    expect(health.wait()).toBe(0)
  })

  it('do not end the turn of a later one if they fail late', () => {
    const clock = createTestClock()
    const health = circuit(clock, 2000, () => 1)
    const [slow, quick] = [health.begin(), health.begin()]
    health.failed(quick, undefined)
    clock.advance(1000)
    const probe = health.begin()
    clock.advance(500)
    health.failed(slow, undefined)
    expect(health.wait()).toBe(1500)
    health.failed(probe, undefined)
    expect(health.wait()).toBe(2000)
  })

  it('pause as long as the server asks', () => {
    const clock = createTestClock()
    const health = circuit(clock, 2000, () => 0)
    health.failed(health.begin(), 30)
    expect(health.wait()).toBe(30_000)
    clock.advance(30_000)
    health.begin()
    clock.advance(1999)
    expect(health.wait()).toBe(1)
    clock.advance(1)
    expect(health.wait()).toBe(0)
  })
})
