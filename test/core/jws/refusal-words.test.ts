import { describe, expect, it } from 'vitest'
import { type AuthError, orThrow } from '../../../packages/core/src/errors/auth-error.ts'
import { parseJwt, quickParser } from '../../../packages/core/src/jws/parse.ts'
import { DEFAULT_LIMITS, type Limits } from '../../../packages/core/src/model/limits.ts'

const encode = (text: string | Uint8Array): string => Buffer.from(text).toString('base64url')
const header = encode('{"alg":"ES256","kid":"k"}')
const claims = encode('{"sub":"ada"}')
const withHeader = (json: string): string => `${encode(json)}.${claims}.AAAA`
const withClaims = (json: string | Uint8Array): string => `${header}.${encode(json)}.AAAA`

/** What the log says about a refused token: what was expected and found, and the hint. */
function wordsOf(token: unknown, limits: Limits = DEFAULT_LIMITS): string {
  const found = [parseJwt, quickParser(limits)].map((parse) => {
    try {
      orThrow(parse(token as string, limits))
      return 'accepted'
    } catch (error) {
      const { expected = '', actual = '', hint = '' } = error as AuthError
      return [expected, actual, hint].join(' | ').replaceAll(/["\\]/g, '')
    }
  })
  expect(new Set(found).size, found.join(' and ')).toBe(1)
  return found[0] ?? ''
}

const FIXED = 'The limit is that of Claimgate and cannot be raised; media types are shorter'
const SPACE = 'It holds white space: give the token alone, without Bearer  and without a line break'
const NO_JWT = 'An opaque token needs introspection (RFC 7662), not verification'
const raise = (name: string, most: number): string =>
  `If tokens of this issuer may hold so much, raise limits.${name}: it can be up to ${most}`

describe('the log of a token that cannot be parsed', () => {
  it.each<readonly [string, unknown, string]>([
    ['no text', undefined, 'a string | undefined | '],
    ['a list', [], 'a string | object | '],
    ['a dot and a part', '.a', `three parts separated by dots | two parts | ${NO_JWT}`],
    [
      'white space in the header',
      `a b.${claims}.AAAA`,
      `canonical base64url in the header | characters outside the base64url alphabet | ${SPACE}`,
    ],
    [
      'white space in the payload',
      `${header}.${claims}\n.AAAA`,
      `canonical base64url in the payload | characters outside the base64url alphabet | ${SPACE}`,
    ],
    [
      'a plus sign in the signature',
      `${header}.${claims}.A+AA`,
      'canonical base64url in the signature | characters outside the base64url alphabet | ',
    ],
    [
      'padding of another length',
      `${header}.${claims}.AA=`,
      'canonical base64url in the signature | characters outside the base64url alphabet | ',
    ],
    [
      'padding of some parts',
      `${header}.${encode('{"a":1}')}.AA==`,
      'canonical base64url in the header | no padding, where other parts have it | ',
    ],
    ['no alg', withHeader('{}'), 'alg: a string | undefined | '],
    ['alg that is a number', withHeader('{"alg":1}'), 'alg: a string | number | '],
    [
      'a long typ',
      withHeader(`{"alg":"A","typ":"${'a'.repeat(129)}"}`),
      `typ: at most 128 characters | 129 | ${FIXED}`,
    ],
    [
      'a long cty',
      withHeader(`{"alg":"A","cty":"${'a'.repeat(130)}"}`),
      `cty: at most 128 characters | 130 | ${FIXED}`,
    ],
    ['cty that is a list', withHeader('{"alg":"A","cty":[]}'), 'cty: a media type | object | '],
    ['kid that is a number', withHeader('{"alg":"A","kid":1}'), 'a string | number | '],
    [
      'a long kid',
      withHeader(`{"alg":"A","kid":"${'a'.repeat(257)}"}`),
      `at most 256 characters | 257 | ${raise('kidLength', 1024)}`,
    ],
    ['kid __proto__', withHeader('{"alg":"A","kid":"__proto__"}'), 'an ordinary name | __proto__ | '],
    ['crit', withHeader('{"alg":"A","crit":[]}'), 'no crit | crit | '],
    ['b64', withHeader('{"alg":"A","b64":true}'), 'no b64 | b64 | '],
    ['a list as header', withHeader('[]'), 'a JSON object as a header | another JSON value | '],
    ['null as claims', withClaims('null'), 'a JSON object as a claims set | another JSON value | '],
    ['claims that are not UTF-8', withClaims(Uint8Array.of(0xff)), 'UTF-8 in a claims set | other bytes | '],
    ['claims that are no JSON', withClaims('{'), ' | a claims set that is not JSON | '],
    ['a claim twice', withClaims('{"a":1,"a":2}'), ' | a claims set that has a member name twice | '],
    [
      'deep claims',
      withClaims(`{"a":${'['.repeat(16)}${']'.repeat(16)}}`),
      ` | a claims set that is nested deeper than 16 | ${raise('depth', 64)}`,
    ],
  ])('says what is wrong with %s', (_, token, words) => {
    expect(wordsOf(token)).toBe(words)
  })

  it('names the limit that a token exceeds, and not one that it only reaches', () => {
    const token = withClaims('{"sub":"ada"}')
    const withLimit = (name: keyof Limits, most: number): string => wordsOf(token, { ...DEFAULT_LIMITS, [name]: most })
    expect([
      withLimit('headerLength', header.length),
      withLimit('headerLength', header.length - 1),
      withLimit('tokenLength', token.length),
      withLimit('tokenLength', token.length - 1),
    ]).toEqual([
      'accepted',
      `at most ${header.length - 1} characters | ${header.length} | ${raise('headerLength', 8192)}`,
      'accepted',
      `at most ${token.length - 1} characters | ${token.length} | ${raise('tokenLength', 65_536)}`,
    ])
  })
})

describe('parsing', () => {
  it.each([
    ['is accepted', withClaims('{"sub":"ada"}')],
    ['has claims that are no JSON', withClaims('{')],
    ['has claims that are not UTF-8', withClaims(Uint8Array.of(0xff))],
    ['has a header that is refused', withHeader('{"alg":1}')],
  ])('a token that %s does not affect the stack traces of other errors', (_, token) => {
    const limit = Error.stackTraceLimit
    wordsOf(token)
    expect(Error.stackTraceLimit).toBe(limit)
    expect(limit).toBeGreaterThan(0)
  })
})
