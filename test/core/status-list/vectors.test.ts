import { describe, expect, it } from 'vitest'
import { deflateSync, inflateSync } from 'node:zlib'
import { inflate } from '../../../packages/core/src/status-list/inflate.ts'
import { statusAt } from '../../../packages/core/src/status-list/status-list-token.ts'
import { packed } from '../../support/status-list/world.ts'
import { VECTORS } from '../../support/status-list/vectors.ts'

const MOST = 4_194_304
const bytesOf = (lst: string): Uint8Array<ArrayBuffer> => Uint8Array.from(Buffer.from(lst, 'base64url'))

describe.each(VECTORS)('45. The test vector with $bits bits', ({ bits, lst, statuses, filled }) => {
  it('has the statuses of the draft, and no others', async () => {
    const bytes = await inflate(bytesOf(lst), MOST)
    expect(bytes).toEqual(Uint8Array.from(inflateSync(bytesOf(lst))))
    expect(bytes.length).toBe((2 ** 20 * bits) / 8)
    const list = { bits, bytes, ttl: undefined, exp: undefined }
    for (const [index, status] of Object.entries(statuses)) expect(statusAt(list, Number(index)), index).toBe(status)
    const all = Array.from({ length: 2 ** 20 }, (_, index) => statusAt(list, index) ?? -1)
    expect(all.filter((status) => status !== 0)).toHaveLength(filled)
    // Computed in another way: packing these statuses again gives the same bytes.
    expect(packed(bits, all)).toEqual(bytes)
    expect(statusAt(list, 2 ** 20)).toBeUndefined()
  })
})

describe('45. Statuses', () => {
  it.each([
    [1, [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]],
    [2, [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]],
    [4, [15, 0, 1, 8, 2]],
    [8, [255, 0, 128]],
  ] as const)('of %s bits are read from the least significant bit on', (bits, statuses) => {
    const list = { bits, bytes: packed(bits, statuses), ttl: undefined, exp: undefined }
    expect(statuses.map((_, index) => statusAt(list, index))).toEqual(statuses)
  })
})

describe('45. Decompression', () => {
  it('stops at its limit, to the byte', async () => {
    const data = Uint8Array.from(deflateSync(new Uint8Array(100_000)))
    expect((await inflate(data, 100_000)).length).toBe(100_000)
    await expect(inflate(data, 99_999)).rejects.toThrow(RangeError)
  })

  it('of incompressible data, in many pieces', async () => {
    const bytes = crypto.getRandomValues(new Uint8Array(60_000))
    expect(await inflate(Uint8Array.from(deflateSync(bytes)), MOST)).toEqual(bytes)
  })

  it.each([
    ['nothing', new Uint8Array()],
    ['other bytes', Uint8Array.from([1, 2, 3])],
    ['a part', Uint8Array.from(deflateSync(new Uint8Array(100)).subarray(0, 8))],
  ])('of %s fails', async (_, data) => {
    await expect(inflate(data, MOST)).rejects.toThrow(TypeError)
  })
})
