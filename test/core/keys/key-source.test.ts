import type { CryptoKey } from 'jose'
import { describe, expect, it } from 'vitest'
import { byAlgorithm, endOf, firstOf, isFirstOf } from '../../../packages/core/src/keys/first-of.ts'
import { isPlan, type KeySource, ownKeySource, possibleKeys } from '../../../packages/core/src/keys/key-source.ts'

const keyNamed = (name: string): CryptoKey => ({ name }) as never
const [one, two] = [keyNamed('one'), keyNamed('two')]

describe('the keys that may have signed a token', () => {
  const source = (keys: readonly CryptoKey[]): KeySource => ({ resolve: async () => one, candidates: async () => keys })

  it('are those of the source for a token without kid, and one for a token with it', async () => {
    expect(await possibleKeys(source([two, one]), { alg: 'ES256' })).toEqual([two, one])
    expect(await possibleKeys(source([two, one]), { alg: 'ES256', kid: 'a' })).toEqual([one])
    expect(await possibleKeys({ resolve: async () => one }, { alg: 'ES256' })).toEqual([one])
    expect(await possibleKeys(source(Array.from({ length: 4 }, () => two)), { alg: 'ES256' })).toHaveLength(4)
  })

  it.each<readonly [number, object]>([
    [0, { code: 'key_not_found', hint: 'The token names no key ID' }],
    [
      5,
      {
        code: 'key_ambiguous',
        expected: '"at most 4 keys"',
        actual: '5',
        hint: 'The token names no key ID, and of several keys that fit at most 4 are tried: a limit of Claimgate',
      },
    ],
  ])('are not %i', async (count, refusal) => {
    const keys = source(Array.from({ length: count }, () => two))
    await expect(possibleKeys(keys, { alg: 'ES256' })).rejects.toMatchObject(refusal)
  })
})

describe('a copy of a key source', () => {
  it('has the methods of its author, bound to it, and no others', async () => {
    class Source {
      readonly key = one
      readonly ready = 1

      async resolve(): Promise<CryptoKey> {
        return this.key
      }

      current(): CryptoKey {
        return this.key
      }

      close(): void {}

      other(): void {}
    }
    const copy = ownKeySource(new Source() as never)
    expect([Object.keys(copy).toSorted(), Object.getPrototypeOf(copy)]).toEqual([['close', 'current', 'resolve'], null])
    expect(await copy.resolve({ alg: 'ES256' })).toBe(one)
    expect(copy.current?.({ alg: 'ES256' })).toBe(one)
  })

  it('may have all of them', () => {
    const names = ['resolve', 'current', 'candidates', 'resolveAgain', 'ready', 'close', 'describe', 'stats']
    const all = Object.fromEntries(names.map((name) => [name, () => undefined]))
    expect(Object.keys(ownKeySource(all as never))).toEqual(names)
  })
})

describe('a plan for a key source', () => {
  it('has a name and a function that creates it', () => {
    const create = (): unknown => undefined
    expect(isPlan({ name: 'a', create })).toBe(true)
    for (const other of [
      null,
      undefined,
      'a',
      create,
      {},
      { create },
      { name: 'a' },
      { name: 1, create },
      { name: 'a', create: 1 },
    ])
      expect(isPlan(other)).toBe(false)
  })
})

describe('a secret beside public keys', () => {
  const secret = 'x'.repeat(32)

  it.each<readonly [string, unknown, unknown, string]>([
    [
      'a secret itself',
      secret,
      {},
      'give two objects, as in firstOf({ secret }, { jwksUri }), found a string and an object',
    ],
    [
      'one location',
      { secret },
      undefined,
      'give two objects, as in firstOf({ secret }, { jwksUri }), found an object and undefined',
    ],
    ['no secret', {}, {}, 'give two objects, as in firstOf({ secret }, { jwksUri }), found no secret'],
    [
      'a secret of null',
      { secret: null },
      {},
      'give two objects, as in firstOf({ secret }, { jwksUri }), found no secret',
    ],
    ['another name', { secret, key: 1 }, {}, 'there is no option "key"; '],
    ['a name of another option', { secret }, { secret }, 'there is no option "secret"; '],
    [
      'an end that is text',
      { secret, until: '2027-01-31' },
      {},
      '"until" must be a Date, such as new Date("2027-01-31"), found "a string"',
    ],
    [
      'an end that is no date',
      { secret, until: new Date('never') },
      {},
      '"until" must be a Date, such as new Date("2027-01-31"), found "a Date"',
    ],
    [
      'an end that is a number',
      { secret, until: 1 },
      {},
      '"until" must be a Date, such as new Date("2027-01-31"), found "a number"',
    ],
  ])('is not made of %s', (_, first, others, message) => {
    const make = (): unknown => firstOf(first as never, others as never)
    expect(make).toThrow(TypeError)
    expect(make).toThrow(`Cannot use firstOf: ${message}`)
  })

  it('is frozen, and recognised', () => {
    const made = firstOf({ secret, until: new Date(5) }, { jwksUri: 'https://a.example/jwks' })
    expect([made, made.first, made.others].every((each) => Object.isFrozen(each))).toBe(true)
    expect([made, { ...made }, null, 'a', undefined].map(isFirstOf)).toEqual([true, false, false, false, false])
    expect([endOf(made.first), endOf({ secret }), endOf({ secret, until: 'x' as never })]).toEqual([
      5,
      Infinity,
      Number.NaN,
    ])
  })

  const log: string[] = []
  const sourceNamed = (name: string, key: CryptoKey): Required<Omit<KeySource, 'candidates'>> => ({
    resolve: async () => key,
    current: () => key,
    resolveAgain: async () => key,
    ready: async () => void log.push(`${name} ready`),
    close: () => void log.push(`${name} closed`),
    describe: () => name,
    stats: () => ({ freshness: 'fresh', keys: 1, age: 1, failure: undefined, nextAttempt: 0 }),
  })
  let now = 0
  const clock = { now: () => now }

  it('is chosen by the algorithm alone, until its end', async () => {
    const keys = byAlgorithm(sourceNamed('secret', one), sourceNamed('set', two), { until: 10, clock })
    const usedFor = async (alg: string): Promise<unknown> => [
      await keys.resolve({ alg }),
      keys.current?.({ alg }),
      await keys.candidates?.({ alg }),
      await keys.resolveAgain?.({ alg }, one),
    ]
    now = 9
    expect(await usedFor('HS256')).toEqual([one, one, [one], one])
    for (const alg of ['ES256', 'none', 'HS999', 'hs256']) expect(await usedFor(alg)).toEqual([two, two, [two], two])
    now = 10
    expect(keys.current?.({ alg: 'HS256' })).toBeUndefined()
    expect(await keys.resolveAgain?.({ alg: 'HS256' }, one)).toBeUndefined()
    for (const ended of [keys.resolve({ alg: 'HS256' }), keys.candidates?.({ alg: 'HS256' })])
      await expect(ended).rejects.toMatchObject({
        code: 'key_not_found',
        hint: 'The time of the secret is over ("until"): use a token signed with a public key',
      })
    expect(await usedFor('ES256')).toEqual([two, two, [two], two])
  })

  it('gets ready, ends and is described together with the public keys', async () => {
    const others = { ...sourceNamed('set', two), candidates: async () => [two, one] }
    const keys = byAlgorithm(sourceNamed('secret', one), others, { until: 10, clock })
    log.length = 0
    await keys.ready?.()
    keys.close?.()
    expect(log).toEqual(['secret ready', 'set ready', 'secret closed', 'set closed'])
    expect([keys.describe?.(), keys.stats?.()?.keys, await keys.candidates?.({ alg: 'ES256' })]).toEqual([
      'secret; or set',
      1,
      [two, one],
    ])
    const bare = byAlgorithm({ resolve: async () => one }, { resolve: async () => two }, { until: 10, clock })
    await bare.ready?.()
    bare.close?.()
    expect([bare.describe?.(), bare.stats?.(), bare.current?.({ alg: 'ES256' })]).toEqual(['', undefined, undefined])
  })
})
