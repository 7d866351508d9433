import { runInNewContext } from 'node:vm'
import { BodyError, type NextChunk, readBody, readBytes, systemClock } from '@claimgate/core/adapter'
import { createTestClock } from '@claimgate/testing'
import { describe, expect, it } from 'vitest'

/** A body of these chunks. After the last one it ends, or stays silent. */
function chunks(values: readonly unknown[], end: 'ends' | 'is silent' = 'ends'): NextChunk {
  const left = [...values]
  return async () => {
    if (left.length > 0) return { value: left.shift() }
    return end === 'ends' ? { done: true } : new Promise(() => {})
  }
}

const limits = { most: 10, seconds: 2, clock: systemClock }
const flawOf = async (reading: Promise<unknown>): Promise<unknown> =>
  reading.then(
    () => 'none',
    (error: unknown) => (error instanceof BodyError ? error.flaw : error),
  )

describe('a body', () => {
  it('is read to its end, as bytes and views of another realm', async () => {
    const foreign: unknown = runInNewContext('new Uint8Array([99, 100]).subarray(1)')
    const read = await readBytes(chunks([Uint8Array.of(97), foreign, new DataView(Uint8Array.of(101).buffer)]), limits)
    expect(new TextDecoder().decode(read)).toBe('ade')
    expect(await readBody(chunks([Uint8Array.of(0xef, 0xbb), Uint8Array.of(0xbf, 97)]), systemClock)).toBe('\uFEFFa')
  })

  it.each([
    ['at the limit', [new Uint8Array(4), new Uint8Array(6)], 'none'],
    ['over the limit', [new Uint8Array(4), new Uint8Array(7)], 'too_large'],
    ['with more empty chunks than bytes allowed', Array.from({ length: 11 }, () => new Uint8Array(0)), 'too_large'],
    ['of text', ['a'], 'unreadable'],
    ['of objects', [{ byteLength: 1 }], 'unreadable'],
  ])('%s', async (_case, values, flaw) => {
    expect(await flawOf(readBytes(chunks(values), limits))).toBe(flaw)
  })

  it('that stays silent is given up, and a late error is no unhandled rejection', async () => {
    const clock = createTestClock()
    let fail: (error: Error) => void = () => {}
    const silent: NextChunk = async () =>
      new Promise((_, reject) => {
        fail = reject
      })
    const reading = flawOf(readBytes(silent, { ...limits, clock }))
    clock.advance(1999)
    fail(new Error('reset'))
    expect(await reading).toBe('unreadable')
    const again = flawOf(readBytes(silent, { ...limits, clock }))
    clock.advance(2000)
    expect(await again).toBe('too_slow')
    fail(new Error('reset'))
    await new Promise(setImmediate)
  })

  it('that sends without a pause is given up, although timers never run', async () => {
    let now = 0
    const clock = { monotonic: () => (now += 1), setTimeout: () => () => {} }
    const endless: NextChunk = async () => ({ value: new Uint8Array(0) })
    expect(await flawOf(readBytes(endless, { most: 1e6, seconds: 1, clock }))).toBe('too_slow')
  })

  it('whose stream throws is unreadable', async () => {
    const broken: NextChunk = () => {
      throw new TypeError('locked')
    }
    expect(await flawOf(readBytes(broken, limits))).toBe('unreadable')
  })

  it.each<readonly [string, NextChunk, object]>([
    ['too large', chunks([new Uint8Array(11)]), { flaw: 'too_large', message: 'at most 10 bytes' }],
    [
      'no bytes',
      chunks(['text']),
      {
        flaw: 'unreadable',
        message: 'a body that can be read to its end',
        cause: new TypeError('The body holds something that is not bytes'),
      },
    ],
  ])('says what is allowed: %s', async (_, next, expected) => {
    await expect(readBytes(next, limits)).rejects.toMatchObject({ name: 'BodyError', ...expected })
  })

  it('that is slow is given up at the limit, and not before', async () => {
    for (const [milliseconds, flaw] of [
      [1999, 'none'],
      [2000, 'too_slow'],
    ] as const) {
      let now = 5000
      const clock = { monotonic: () => now, setTimeout: () => () => {} }
      const next: NextChunk = async () => {
        now = 5000 + milliseconds
        return { done: true }
      }
      expect(await flawOf(readBytes(next, { ...limits, clock }))).toBe(flaw)
    }
    await expect(readBytes(chunks([], 'is silent'), { ...limits, seconds: 0.01 })).rejects.toThrow(
      'a body within 0.01 s',
    )
  })

  it('leaves no timer behind', async () => {
    const clock = createTestClock({ wall: 0 })
    await readBytes(chunks([Uint8Array.of(1)]), { ...limits, clock })
    await flawOf(readBytes(chunks(['text']), { ...limits, clock }))
    expect(clock.pending()).toBe(0)
  })

  it('of many chunks is joined in order, and takes no more memory than the limit', async () => {
    const parts = Array.from({ length: 50 }, (_, index) => new Uint8Array(1000).fill(index))
    const read = await readBytes(chunks(parts), { ...limits, most: 50_000 })
    expect(Buffer.from(read).equals(Buffer.concat(parts))).toBe(true)
    expect(read.buffer.byteLength).toBe(50_000)
    const large = await readBytes(chunks([new Uint8Array(40_000).fill(7)]), { ...limits, most: 65_536 })
    expect([large.byteLength, large.at(-1), large.buffer.byteLength]).toEqual([40_000, 7, 40_000])
    const small = await readBytes(chunks([Uint8Array.of(1)]), limits)
    expect(small.buffer.byteLength).toBe(10)
  })
})
