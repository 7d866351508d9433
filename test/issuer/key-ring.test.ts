import { describe, expect, it } from 'vitest'
import { createKeyRing } from '../../packages/issuer/src/key-ring.ts'
import type { PublishedKey } from '../../packages/issuer/src/publish.ts'

const keyOf = (kid: string): PublishedKey =>
  ({ signer: { kid }, jwk: { kty: 'EC', kid }, tag: kid }) as unknown as PublishedKey

const ringAtTime = () => {
  let now = 1_000_000
  const ring = createKeyRing({ now: () => now }, 5, { signing: keyOf('first'), line: [], earlier: [] })
  return { ring, to: (time: number) => void (now = time), signs: () => ring.take(0)?.signer.kid }
}

describe('a key ring', () => {
  it('has no key that signs after the only one was withdrawn', () => {
    const { ring, signs } = ringAtTime()
    expect([ring.signs(), ring.withdraw('first'), ring.withdraw('first')]).toEqual([true, true, false])
    expect([ring.signs(), signs(), ring.published()]).toEqual([false, undefined, []])
  })

  it('signs with the waiting key at once if the signing one is withdrawn', () => {
    const { ring, signs } = ringAtTime()
    expect(ring.add(keyOf('second'), 60)).toEqual({ kid: 'second', signsFrom: 1_060_000 })
    ring.withdraw('first')
    expect([ring.signs(), signs()]).toEqual([true, 'second'])
  })

  it('signs with a new key at once if no other signs', () => {
    const { ring, signs } = ringAtTime()
    ring.withdraw('first')
    expect(ring.add(keyOf('second'), 60)).toEqual({ kid: 'second', signsFrom: 1_000_000 })
    expect(signs()).toBe('second')
  })

  it('signs with a key that was added without time ahead, also if the clock steps back before the next call', () => {
    const { ring, to, signs } = ringAtTime()
    ring.add(keyOf('second'), 0)
    to(900_000)
    expect(signs()).toBe('second')
  })
})
