import { describe, expect, it } from 'vitest'

import { parseJwkSet, type JwkSetOptions, type KeySet } from '../../../../packages/core/src/keys/jwk/jwk-set.ts'
import { publicJwk } from '../../../support/core/test-jwks.ts'

const [ec, rsa] = await Promise.all(['ES256', 'RS256'].map(async (alg) => publicJwk({}, alg)))

const failure = (source: unknown, options?: JwkSetOptions): string => {
  try {
    parseJwkSet(source, options)
    return 'parsed'
  } catch (error) {
    const { reason, message, cause } = error as { reason: string; message: string; cause?: unknown }
    return `${reason}: ${message}${cause === undefined ? '' : ` (${(cause as Error).name})`}`
  }
}

describe('an unreadable JWK Set', () => {
  it('is reported with the reason', () => {
    const sources = [
      '{',
      '[]',
      'null',
      '{"keys":{}}',
      '{"keys":[],"keys":[]}',
      `{"keys":${'['.repeat(20)}${']'.repeat(20)}}`,
      7,
      undefined,
      null,
    ]
    expect(sources.map((source) => failure(source))).toMatchInlineSnapshot(`
      [
        "malformed: The JWK Set is not JSON (StrictJsonError)",
        "malformed: The JWK Set has no "keys" array",
        "malformed: The JWK Set has no "keys" array",
        "malformed: The JWK Set has no "keys" array",
        "malformed: The JWK Set has a member name twice (StrictJsonError)",
        "too_large: The JWK Set is nested deeper than 16, a limit of Claimgate that cannot be raised (StrictJsonError)",
        "malformed: The JWK Set has no "keys" array",
        "malformed: The JWK Set has no "keys" array",
        "malformed: The JWK Set has no "keys" array",
      ]
    `)
    const three = { keys: [ec, ec, ec] }
    expect(failure(three, { maxKeys: 2 })).toBe(
      'too_large: The JWK Set has 3 members, and at most 2 are read; "maxKeys" sets this limit, up to 1000',
    )
    expect(failure(three, { maxKeys: 3 })).toBe('parsed')
  })

  it('has more members than the default limit', () => {
    const set = (size: number) => ({ keys: Array.from({ length: size }, () => ec) })
    expect(failure(set(64))).toBe('parsed')
    expect(failure(set(65))).toBe(
      'too_large: The JWK Set has 65 members, and at most 64 are read; "maxKeys" sets this limit, up to 1000',
    )
  })

  it('may have as many members of objects, and as much depth, as allowed', () => {
    const wide = (size: number) => `{"keys":[{${Array.from({ length: size }, (_, index) => `"${index}":0`).join()}}]}`
    expect(failure(wide(1000))).toBe('parsed')
    expect(failure(wide(1001))).toMatch(/^too_large: /)
    const many = (size: number) =>
      `{"keys":[${Array.from({ length: 66 }, () => `[${'0,'.repeat(size - 1)}0]`).join()}]}`
    expect(failure(many(1000), { maxKeys: 1000 })).toMatch(/^too_large: /)
    expect(failure(many(900), { maxKeys: 1000 })).toBe('parsed')
    const deep = (depth: number) => `{"keys":[${'['.repeat(depth - 2)}${']'.repeat(depth - 2)}]}`
    expect(failure(deep(16))).toBe('parsed')
    expect(failure(deep(17))).toMatch(/^too_large: /)
  })
})

describe('a parsed JWK Set', () => {
  it('reports what was wrong with a member of a key ID', () => {
    const set = parseJwkSet({ keys: [{ ...ec, kid: 'a' }, { ...rsa, kid: 'b', use: 'enc' }, null, 7, { kid: 7 }] })
    const flawOf = (kid: string): unknown => ({ flaw: undefined, ...set.select({ alg: 'ES256', kid }) }).flaw
    expect([flawOf('a'), flawOf('7')]).toEqual([undefined, undefined])
    expect(flawOf('b')).toEqual({ reason: 'wrong_use', member: 'use' })
    expect(set.kids).toEqual(['a'])
    expect(set.skipped).toEqual([
      { reason: 'wrong_use', detail: '"use" of the key with kid "b"' },
      { reason: 'malformed', detail: 'member 3' },
      { reason: 'malformed', detail: 'member 4' },
      { reason: 'malformed', detail: '"kty" of member 5' },
    ])
  })

  it('skips a member with a duplicate name, and no other', () => {
    const [good, other] = [JSON.stringify({ ...ec, kid: 'a' }), JSON.stringify({ ...rsa, kid: 'c' })]
    const read = (spoiled: string) => parseJwkSet(`{"x":[{}],"keys":[${good},${spoiled},${other}],"y":{"z":[{}]}}`)
    for (const [spoiled, reason, detail] of [
      ['{"kty":"RSA","kid":"b","n":"AQ","n":"Ag","e":"AQAB"}', 'duplicate_member', '"n" of the key with kid "b"'],
      ['{"kty":"RSA","\\u006bty":"EC"}', 'duplicate_member', '"kty" of member 2'],
      ['{"kid":"b","x":{"y":[{"z":1,"z":2}]}}', 'duplicate_member', '"z" of the key with kid "b"'],
      ['{"kid":"b","__proto__":{"kty":"RSA"}}', 'malformed', '"__proto__" of the key with kid "b"'],
      ['[{"a":1,"a":2}]', 'duplicate_member', '"a" of member 2'],
    ] as const) {
      const set = read(spoiled)
      expect([set.kids, set.skipped]).toEqual([['a', 'c'], [{ reason, detail }]])
    }
  })

  it('is rejected if a name occurs twice outside its members', () => {
    for (const text of [
      `{"keys":[],"keys":[${JSON.stringify(ec)}]}`,
      `{"keys":[${JSON.stringify(ec)}],"other":[{"a":1,"a":2}]}`,
      `{"other":{"keys":[{"a":1,"a":2}]},"keys":[]}`,
      `[{"keys":[{"a":1,"a":2}]}]`,
      `{"keys":[],"__proto__":1}`,
    ])
      expect(failure(text)).toMatch(/^malformed: The JWK Set has a member name(?: twice|d __proto__)/)
  })

  it('is frozen', () => {
    const set = parseJwkSet({ keys: [{ ...ec, kid: 'a' }, null] })
    expect([set, set.kids, set.skipped].map(Object.isFrozen)).toEqual([true, true, true])
  })

  it('lists a key ID once, and finds keys by it and without it', () => {
    const set = parseJwkSet({ keys: [{ ...ec, kid: 'a' }, rsa, { ...rsa, kid: 'a' }] })
    expect(set.kids).toEqual(['a'])
    expect(set.select({ alg: 'RS256', kid: 'a' })).toMatchObject({ kind: 'found', key: { index: 2 } })
    expect(set.select({ alg: 'RS256' })).toMatchObject({ kind: 'found', key: { index: 1 } })
    expect(set.select({ alg: 'ES256' })).toMatchObject({ kind: 'found', key: { index: 0, kid: 'a', alg: undefined } })
    expect(set.select({ alg: 'RS256', kid: 'undefined' })).toEqual({ kind: 'unknown_kid' })
  })

  it('exports only the members of its input', () => {
    const set = parseJwkSet({ keys: [rsa, { ...ec, kid: 'a', alg: 'ES256' }] })
    expect(set.toJwks()).toStrictEqual({
      keys: [
        { ...rsa, use: 'sig' },
        { ...ec, kid: 'a', alg: 'ES256', use: 'sig' },
      ],
    })
  })
})

describe('the keys of a set', () => {
  const first = async (set: KeySet, alg: string): Promise<CryptoKey> => {
    const selection = set.select({ alg, kid: 'a' })
    if (selection.kind !== 'found') throw new Error(selection.kind)
    return set.import(selection.key, { alg })
  }

  it.each(['promise', 'poll'] as const)(
    'are imported once for each algorithm if requests share by %s',
    async (sharing) => {
      const set = parseJwkSet({ keys: [{ ...rsa, kid: 'a' }] }, { sharing })
      const key = await first(set, 'RS256')
      expect(await first(set, 'RS256')).toBe(key)
      const pss = await first(set, 'PS256')
      expect([key.algorithm.name, pss.algorithm.name]).toEqual(['RSASSA-PKCS1-v1_5', 'RSA-PSS'])
    },
  )

  it('are imported by one request for all that share promises, otherwise by each', async () => {
    for (const [sharing, shared] of [
      ['promise', true],
      ['poll', false],
    ] as const) {
      const set = parseJwkSet({ keys: [{ ...rsa, kid: 'a' }] }, { sharing })
      const [one, two] = await Promise.all([first(set, 'RS256'), first(set, 'RS256')])
      expect([sharing, one === two]).toEqual([sharing, shared])
    }
  })

  it('are evicted, the least recently used first, if there are more than 256', async () => {
    const keys = Array.from({ length: 257 }, (_, index) => ({ ...rsa, kid: `${index}` }))
    const set = parseJwkSet({ keys }, { maxKeys: 257, sharing: 'promise' })
    const imported = async (index: number): Promise<CryptoKey> => {
      const selection = set.select({ alg: 'RS256', kid: `${index}` })
      if (selection.kind !== 'found') throw new Error(selection.kind)
      return set.import(selection.key, { alg: 'RS256' })
    }
    const [zero, one] = [await imported(0), await imported(1)]
    for (let index = 2; index < 256; index += 1) await imported(index)
    expect(await imported(0)).toBe(zero)
    await imported(256)
    expect(await imported(0)).toBe(zero)
    expect(await imported(1)).not.toBe(one)
  })
})

it('a key of RSA is found even if it has a curve', () => {
  const set = parseJwkSet({ keys: [{ ...rsa, crv: 'P-256' }] })
  expect(set.select({ alg: 'RS256' })).toMatchObject({ kind: 'found' })
})
