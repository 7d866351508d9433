import { describe, expect, it } from 'vitest'
import { AuthError } from '../../../packages/core/src/errors/auth-error.ts'
import { DEFAULT_LIMITS } from '../../../packages/core/src/model/limits.ts'
import { parseJwt } from '../../../packages/core/src/jws/parse.ts'

const encode = (text: string): string => Buffer.from(text).toString('base64url')
const header = encode('{"alg":"ES256","kid":"k"}')
const claims = encode('{"sub":"ada"}')
const token = (parts: { header?: string; claims?: string; signature?: string } = {}): string =>
  [parts.header ?? header, parts.claims ?? claims, parts.signature ?? 'AAAA'].join('.')
const withHeader = (json: string): string => token({ header: encode(json) })
const withClaims = (json: string): string => token({ claims: encode(json) })

function codeOf(text: string): string | undefined {
  try {
    parseJwt(text, DEFAULT_LIMITS)
    return undefined
  } catch (error) {
    if (error instanceof AuthError) return error.code
    throw error
  }
}

describe('parsing a JWT', () => {
  it('returns header, claims and bytes, and does not change the token', () => {
    const parsed = parseJwt(token(), DEFAULT_LIMITS)
    expect(parsed).toMatchObject({ token: token(), header: { alg: 'ES256', kid: 'k' }, claims: { sub: 'ada' } })
    expect(parsed.signature).toEqual(new Uint8Array(3))
  })

  it.each([
    ['nothing', '', 'token_malformed'],
    ['one part', 'opaque', 'token_malformed'],
    ['two parts', 'a.b', 'token_malformed'],
    ['a leading dot', '.b.c', 'json_malformed'],
    ['two leading dots', '..c', 'json_malformed'],
    ['dots alone', '...', 'token_malformed'],
    ['four parts', 'a.b.c.d', 'token_malformed'],
    ['an encrypted token', 'a.b.c.d.e', 'token_malformed'],
    ['a million dots', '.'.repeat(1_000_000), 'token_too_long'],
    ['16,385 characters', 'a'.repeat(16_385), 'token_too_long'],
    ['a header of 4,097 characters', `${'a'.repeat(4097)}.e30.AAAA`, 'header_too_long'],
    ['padding', token({ signature: 'AAA=' }), 'token_encoding'],
    ['a space', token({ claims: `${claims} ` }), 'token_encoding'],
    ['a newline', token({ claims: `${claims}\n` }), 'token_encoding'],
    ['the alphabet of standard base64', token({ signature: 'A+/A' }), 'token_encoding'],
    ['an impossible length', token({ signature: 'AAAAA' }), 'token_encoding'],
    ['trailing bits after one byte', token({ signature: 'AB' }), 'token_encoding'],
    ['trailing bits after two bytes', token({ signature: 'AAB' }), 'token_encoding'],
    ['zero trailing bits after one byte', token({ signature: 'AQ' }), undefined],
    ['zero trailing bits after two bytes', token({ signature: 'AAE' }), undefined],
    ['invalid UTF-8', token({ claims: Buffer.from([0x7b, 0xff, 0x7d]).toString('base64url') }), 'json_malformed'],
    ['a byte order mark', withClaims('\ufeff{}'), 'json_malformed'],
    ['an array as claims', withClaims('[]'), 'json_malformed'],
    ['null as claims', withClaims('null'), 'json_malformed'],
    ['a string as header', withHeader('"ES256"'), 'json_malformed'],
    ['a claim twice', withClaims('{"sub":"a","sub":"b"}'), 'json_duplicate_member'],
    ['alg twice', withHeader('{"alg":"none","alg":"ES256"}'), 'json_duplicate_member'],
    ['__proto__ in the claims', withClaims('{"__proto__":{"admin":true}}'), 'json_forbidden_member'],
    ['17 levels', withClaims(`{"a":${'['.repeat(16)}${']'.repeat(16)}}`), 'json_limits'],
    [
      '1,025 members',
      withClaims(`{${Array.from({ length: 1025 }, (_, index) => `"a${index}":0`).join()}}`),
      'json_limits',
    ],
    ['no alg', withHeader('{}'), 'header_malformed'],
    ['alg that is not a string', withHeader('{"alg":1}'), 'header_malformed'],
    ['typ that is not a string', withHeader('{"alg":"ES256","typ":1}'), 'header_malformed'],
    ['typ with a line break', withHeader(String.raw`{"alg":"ES256","typ":"a\nb"}`), 'header_malformed'],
    ['typ of 128 characters', withHeader(`{"alg":"ES256","typ":"${'a'.repeat(128)}"}`), undefined],
    ['x5t of another length', withHeader(`{"alg":"ES256","x5t":"${'a'.repeat(54)}"}`), undefined],
    ['x5t that is not a string', withHeader('{"alg":"ES256","x5t":[]}'), undefined],
    ['typ of 129 characters', withHeader(`{"alg":"ES256","typ":"${'a'.repeat(129)}"}`), 'header_malformed'],
    ['cty that is not a string', withHeader('{"alg":"ES256","cty":[]}'), 'header_malformed'],
    ['kid as an object', withHeader('{"alg":"ES256","kid":{}}'), 'kid_malformed'],
    ['kid as null', withHeader('{"alg":"ES256","kid":null}'), 'kid_malformed'],
    ['kid as a number', withHeader('{"alg":"ES256","kid":1}'), 'kid_malformed'],
    ['kid __proto__', withHeader('{"alg":"ES256","kid":"__proto__"}'), 'kid_malformed'],
    ['kid with a control character', withHeader(String.raw`{"alg":"ES256","kid":"a\u0000"}`), 'kid_malformed'],
    ['kid with a lone surrogate', withHeader(String.raw`{"alg":"ES256","kid":"\ud800"}`), 'kid_malformed'],
    ['kid of 256 characters', withHeader(`{"alg":"ES256","kid":"${'a'.repeat(256)}"}`), undefined],
    ['kid of 257 characters', withHeader(`{"alg":"ES256","kid":"${'a'.repeat(257)}"}`), 'kid_malformed'],
    ['an empty crit', withHeader('{"alg":"ES256","crit":[]}'), 'header_critical'],
    ['b64', withHeader('{"alg":"ES256","b64":true}'), 'header_critical'],
    ['jwk', withHeader('{"alg":"ES256","jwk":{}}'), undefined],
    ['jku', withHeader('{"alg":"ES256","jku":"https://evil.example"}'), undefined],
    ['x5u', withHeader('{"alg":"ES256","x5u":"https://evil.example"}'), undefined],
    ['x5c', withHeader('{"alg":"ES256","x5c":[]}'), undefined],
    ['x5t with a URL', withHeader('{"alg":"ES256","x5t":"https://evil.example"}'), undefined],
    ['x5t with a thumbprint', withHeader(`{"alg":"ES256","x5t":"${'a'.repeat(27)}"}`), undefined],
    ['x5t#S256 with a thumbprint', withHeader(`{"alg":"ES256","x5t#S256":"${'a'.repeat(43)}"}`), undefined],
  ])('judges %s', (_, text, code) => {
    expect(codeOf(text)).toBe(code)
  })

  it('refuses values that are not strings without other errors', () => {
    for (const value of [undefined, null, 1, {}, [], Symbol('token')])
      expect(() => parseJwt(value as string, DEFAULT_LIMITS)).toThrow(AuthError)
  })

  it('accepts every last character that canonical base64url allows, and no other', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    for (const character of alphabet) {
      for (const text of [`A${character}`, `AA${character}`, `AAA${character}`]) {
        const canonical = Buffer.from(text, 'base64url').toString('base64url') === text
        expect(codeOf(token({ signature: text })), text).toBe(canonical ? undefined : 'token_encoding')
      }
    }
  })
})
