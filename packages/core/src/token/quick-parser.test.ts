import { isDeepStrictEqual } from 'node:util'
import { badTokens, createRandom, createTestKeys, tokenMutations } from '@claimgate/testing'
import { describe, expect, it } from 'vitest'
import { AuthError } from '../errors/auth-error.ts'
import { accessClaims, NOW } from '../jose-tokens.test-support.ts'
import { DEFAULT_LIMITS, type Limits } from '../model/limits.ts'
import type { ParsedJwt } from '../model/token.ts'
import { parseJwt } from './parse-jwt.ts'
import { quickParser } from './quick-parser.ts'

/** Everything about an answer that anybody could tell from outside. */
function answerOf(parse: () => ParsedJwt): unknown {
  try {
    const { signature, ...rest } = parse()
    return { ...rest, signature: Buffer.from(signature).toString('hex') }
  } catch (error) {
    if (!(error instanceof AuthError)) throw error
    const { code, status, message, expected, actual, hint } = error
    return { code, status, message, expected, actual, hint }
  }
}

function expectSame(tokens: Iterable<string>, limits: Limits = DEFAULT_LIMITS): { parsed: number; refused: number } {
  const parse = quickParser(limits)
  const tally = { parsed: 0, refused: 0 }
  for (const token of tokens) {
    const expected = answerOf(() => parseJwt(token, limits))
    // Twice, for the second time its header is known.
    for (let time = 0; time < 2; time += 1) {
      const answer = answerOf(() => parse(token))
      if (!isDeepStrictEqual(answer, expected)) expect({ token, answer }).toEqual({ token, answer: expected })
    }
    tally[Object.hasOwn(expected as object, 'code') ? 'refused' : 'parsed'] += 1
  }
  return tally
}

const encode = (text: string | Uint8Array): string => Buffer.from(text).toString('base64url')
const header = encode('{"alg":"ES256","kid":"k"}')
const withClaims = (text: string | Uint8Array): string => `${header}.${encode(text)}.AAAA`

describe('the quick parser', () => {
  it('gives header, claims and bytes, all frozen that can be', () => {
    const token = withClaims('{"sub":"ada","a":{"b":[1]}}')
    const parsed = quickParser(DEFAULT_LIMITS)(token)
    expect(parsed).toMatchObject({ token, header: { alg: 'ES256', kid: 'k' }, claims: { sub: 'ada', a: { b: [1] } } })
    expect(parsed.signingInput).toBe(token.slice(0, -5))
    expect([...parsed.signature]).toEqual([0, 0, 0])
    expect(Object.isFrozen(parsed.header) && Object.isFrozen(parsed.claims['a'])).toBe(true)
  })

  it('gives the same header object for tokens of the same header', () => {
    const parse = quickParser(DEFAULT_LIMITS)
    expect(parse(withClaims('{"a":1}')).header).toBe(parse(withClaims('{"b":2}')).header)
  })

  it('answers as the plain one does to every bad token there is', async () => {
    const key = await createTestKeys('ES256', { kid: 'key-1' })
    const { signWith, publicJwk, publicPem } = key
    const good = await key.sign(accessClaims())
    const bad = await badTokens({ token: good, signWith, publicJwk, publicPem, now: NOW })
    const { parsed, refused } = expectSame([good, ...bad.map(({ token }) => token)])
    expect(parsed).toBeGreaterThan(50)
    expect(refused).toBeGreaterThan(100)
  })

  it('answers as the plain one does to mutated tokens, under limits of any size', async () => {
    const key = await createTestKeys('ES256', { kid: 'key-1' })
    const tokens = [
      await key.sign(accessClaims()),
      await key.sign(accessClaims({ sub: 'café "x"', a: { b: [{ c: [1] }] } })),
    ]
    const random = createRandom(20_261_122)
    const sources = tokens.map((token) => tokenMutations(token, random, { others: tokens }))
    const mutations = Array.from({ length: 3000 }, (_, index) => sources[index % 2]?.next().value.token ?? '')
    const tight: Limits = {
      ...DEFAULT_LIMITS,
      tokenLength: 420,
      headerLength: 60,
      members: 9,
      nodes: 11,
      depth: 2,
      kidLength: 5,
    }
    for (const limits of [DEFAULT_LIMITS, tight]) {
      const { parsed, refused } = expectSame([...tokens, ...mutations], limits)
      expect(parsed + refused).toBe(3002)
      expect(refused).toBeGreaterThan(500)
      if (limits === DEFAULT_LIMITS) expect(parsed).toBeGreaterThan(100)
    }
  })

  it('answers as the plain one does to claims of every kind', () => {
    const { parsed, refused } = expectSame([
      ...['{}', ' {}', '{} ', '{"a":1}', '{"a":1}\n', '{"a":1e999}', '{"a":"é"}', '{"a":"\\u0061"}', '{"a":"~?>"}'].map(
        withClaims,
      ),
      ...['[]', '1', '', '{', '{"a":1,"a":2}', '{"__proto__":1}', '\ufeff{}', '{"a":"\t"}', 'null', '"{}"'].map(
        withClaims,
      ),
      withClaims(Uint8Array.of(0x7b, 0xff, 0x7d)),
      withClaims(Uint8Array.of(0x7b, 0x22, 0xe9, 0x22, 0x3a, 0x31, 0x7d)),
      ...['AAAA=', 'AB', 'A', '+AAA', 'AA A', 'AAA\n', '\u0141AAA', ''].flatMap((part) => [
        `${header}.${encode('{"a":1}')}.${part}`,
        `${header}.${part}.AAAA`,
        `${part}.${encode('{"a":1}')}.AAAA`,
        `${header}.${encode('{"a":1}')}${part}.AAAA`,
        `${header}${part}.${encode('{"a":1}')}.AAAA`,
      ]),
    ])
    expect(parsed).toBeGreaterThan(5)
    expect(refused).toBeGreaterThan(30)
  })

  it('refuses what is no string as the plain one does', () => {
    expect(expectSame([undefined, null, 1, {}, []] as unknown as string[])).toEqual({ parsed: 0, refused: 5 })
  })
})
