import { afterEach, describe, expect, it, vi } from 'vitest'
import { defaultSharing, systemClock } from '../../../packages/core/src/model/runtime.ts'

afterEach(() => {
  vi.unstubAllGlobals()
})

/** What happens to a timer that the runtime creates, if it is cancelled at once. */
function calls(timer: unknown): readonly unknown[] {
  const log: unknown[] = []
  vi.stubGlobal('setTimeout', (...given: unknown[]) => {
    log.push(['set', ...given])
    return timer
  })
  vi.stubGlobal('clearTimeout', (given: unknown) => log.push(['clear', given]))
  const cancel = systemClock.setTimeout(callback, 1500)
  log.push('cancel')
  cancel()
  vi.unstubAllGlobals()
  return log
}

const callback = (): void => {}

describe('the clock of the runtime', () => {
  it.each([
    ['a number, as in browsers', 7],
    ['zero', 0],
    ['null', null],
    ['undefined', undefined],
    ['a text', 'timer'],
    ['an object that cannot be unreferenced', {}],
    ['an object whose "unref" is no function', { unref: true }],
  ])('starts and cancels a timer that is %s', (_, timer) => {
    expect(calls(timer)).toEqual([['set', callback, 1500], 'cancel', ['clear', timer]])
  })

  it("lets the program end while one of Node's timers waits", () => {
    const timer = { unref: vi.fn<() => void>() }
    expect(calls(timer)).toEqual([['set', callback, 1500], 'cancel', ['clear', timer]])
    expect(timer.unref).toHaveBeenCalledTimes(1)
  })
})

describe('background work', () => {
  it.each([
    ['polled', 'on Cloudflare Workers', { userAgent: 'Cloudflare-Workers' }, 'poll'],
    ['awaited', 'on Node', { userAgent: 'Node.js/24' }, 'promise'],
    ['awaited', 'where the navigator has no name', {}, 'promise'],
    ['awaited', 'where there is no navigator', undefined, 'promise'],
  ])('is %s %s', (_, __, navigator, sharing) => {
    vi.stubGlobal('navigator', navigator)
    expect(defaultSharing()).toBe(sharing)
  })
})
