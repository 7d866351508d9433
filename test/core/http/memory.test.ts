import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type NextChunk, readBody, systemClock } from '@claimgate/core/adapter'
import { describe, expect, it } from 'vitest'

describe('a body in chunks of one byte', () => {
  it('takes no more memory than its bytes', async () => {
    setFlagsFromString('--expose-gc')
    const gc = runInNewContext('gc') as () => void
    const BODIES = 40
    const held = (): number => {
      gc()
      const { heapUsed, arrayBuffers } = process.memoryUsage()
      return heapUsed + arrayBuffers
    }
    const byte = Uint8Array.of(97)
    /** Starts to read a body that never ends. Resolves once its bytes have arrived. */
    const drip = async (): Promise<void> =>
      new Promise((resolve) => {
        let left = 60_000
        const next: NextChunk = async () => {
          left -= 1
          if (left >= 0) return { value: byte }
          resolve()
          return new Promise(() => {})
        }
        void readBody(next, systemClock).catch(() => {})
      })
    const before = held()
    await Promise.all(Array.from({ length: BODIES }, drip))
    // Twice the 64 KiB that one array may take while it grows.
    expect(held() - before).toBeLessThan(BODIES * 131_072 * 2)
  })
})
