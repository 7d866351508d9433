import { isDeepStrictEqual } from 'node:util'
import { array, constantFrom, nat, sample, tuple } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AuthError, orThrow } from '../../../packages/core/src/errors/auth-error.ts'
import { accessClaims } from '../../support/core/jose-tokens.ts'
import { DEFAULT_LIMITS, type Limits } from '../../../packages/core/src/model/limits.ts'
import type { ParsedJwt } from '../../../packages/core/src/model/token.ts'
import { parseJwt, quickParser } from '../../../packages/core/src/jws/parse.ts'

/** Everything about an answer that is observable. */
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
    // Twice, because the second time its header is cached.
    for (let time = 0; time < 2; time += 1) {
      const answer = answerOf(() => orThrow(parse(token)))
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
  it('returns header, claims and bytes, all frozen where possible', () => {
    const token = withClaims('{"sub":"ada","a":{"b":[1]}}')
    const parsed = orThrow(quickParser(DEFAULT_LIMITS)(token))
    expect(parsed).toMatchObject({ token, header: { alg: 'ES256', kid: 'k' }, claims: { sub: 'ada', a: { b: [1] } } })
    expect(parsed.signingInput).toBe(token.slice(0, -5))
    expect([...parsed.signature]).toEqual([0, 0, 0])
    expect(Object.isFrozen(parsed.header) && Object.isFrozen(parsed.claims['a'])).toBe(true)
  })

  it('returns the same header object for tokens with the same header', () => {
    const parse = quickParser(DEFAULT_LIMITS)
    expect(orThrow(parse(withClaims('{"a":1}'))).header).toBe(orThrow(parse(withClaims('{"b":2}'))).header)
  })

  it('gives the same result as the plain parser for changed tokens, with limits of any size', () => {
    const good = [accessClaims(), accessClaims({ sub: 'café "x"' }), { a: { b: [{ c: [1] }] } }].map(
      (claims) =>
        `${encode('{"alg":"ES256","kid":"key-1","typ":"at+jwt"}')}.${encode(JSON.stringify(claims))}.${'Aw'.repeat(43)}`,
    )
    const tight: Limits = {
      ...DEFAULT_LIMITS,
      tokenLength: 420,
      headerLength: 60,
      members: 9,
      nodes: 11,
      depth: 2,
      kidLength: 5,
    }
    const changes = tuple(constantFrom(...good), nat(), nat(5), constantFrom(...'AZaz09-_+/=. \n\u0141{"'.split('')))
    const changed = array(changes, { minLength: 3000, maxLength: 3000 }).map((list) =>
      list.map(([token, at, cut, character]) => {
        const place = at % (token.length + 1)
        return token.slice(0, place) + character + token.slice(place + cut)
      }),
    )
    const [tokens = []] = sample(changed, { numRuns: 1, seed: 20_261_122 })
    for (const limits of [DEFAULT_LIMITS, tight]) {
      const { parsed, refused } = expectSame([...good, ...tokens], limits)
      expect(parsed + refused).toBe(3003)
      expect(refused).toBeGreaterThan(500)
      if (limits === DEFAULT_LIMITS) expect(parsed).toBeGreaterThan(100)
    }
  })

  it('gives the same result as the plain parser for claims of every kind', () => {
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

  it('refuses values that are not strings like the plain parser', () => {
    expect(expectSame([undefined, null, 1, {}, []] as unknown as string[])).toEqual({ parsed: 0, refused: 5 })
  })
})
