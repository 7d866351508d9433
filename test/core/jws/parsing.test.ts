import { createVerifier } from '@claimgate/core'
import { createTestKeys } from '@claimgate/testing'
import { describe, expect, it, vi } from 'vitest'

import {
  accessClaims,
  answerTo,
  encode,
  NO_TRAFFIC,
  optionsWith,
  publish,
  refusalOf,
  refused,
  signParts,
  verdictOn,
  VERIFIED,
} from '../../support/core/refusal.ts'

const key = await createTestKeys('ES256', { kid: 'key-1' })
const rsa = await createTestKeys('RS256', { kid: 'rsa-1' })
const options = optionsWith({ jwks: { keys: [key.publicJwk, rsa.publicJwk] } })
const good = await key.sign(accessClaims())
const [goodHeader = '', goodClaims = '', goodSignature = ''] = good.split('.')
const HEADER = { alg: 'ES256', kid: 'key-1', typ: 'at+jwt' }

const signTexts = (header: string | Uint8Array, claims: string | Uint8Array): Promise<string> =>
  key.signRaw(header, claims)
const signClaims = (claims: string | Uint8Array): Promise<string> => signTexts(JSON.stringify(HEADER), claims)

describe('11. base64url has one spelling', () => {
  // Objects padded with white space, so that the length modulo 3 is as required.
  const sized = (members: object, remainder: number): string => {
    let text = JSON.stringify(members)
    while (Buffer.byteLength(text) % 3 !== remainder) text += ' '
    return encode(text)
  }
  const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const setBit = (part: string, bit: number): string =>
    part.slice(0, -1) + ALPHABET[ALPHABET.indexOf(part.slice(-1)) | bit]

  const spellings: readonly (readonly [string, (part: string) => string])[] = [
    ['a padding sign', (part) => `${part}=`],
    ['two padding signs', (part) => `${part}==`],
    ['a leading space', (part) => ` ${part}`],
    ['a space inside', (part) => `${part.slice(0, 4)} ${part.slice(4)}`],
    ['a newline inside', (part) => `${part.slice(0, 4)}\n${part.slice(4)}`],
    ['CRLF behind', (part) => `${part}\r\n`],
    ['a tab inside', (part) => `${part.slice(0, 4)}\t${part.slice(4)}`],
    ['a null character', (part) => `${part}\u0000`],
    ['a plus sign', (part) => `${part.slice(0, 4)}+${part.slice(5)}`],
    ['a slash', (part) => `${part.slice(0, 4)}/${part.slice(5)}`],
    ['a non-ASCII letter', (part) => `${part}\u00e9`],
    ['a full-width letter', (part) => `${part}\uff21`],
  ]

  it.each(spellings)('refuses %s in any part, correctly signed', async (_, spell) => {
    expect(await verdictOn(await signParts(key, spell(goodHeader), goodClaims), options)).toEqual(
      refused('token_encoding'),
    )
    expect(await verdictOn(await signParts(key, goodHeader, spell(goodClaims)), options)).toEqual(
      refused('token_encoding'),
    )
    expect(await verdictOn(`${goodHeader}.${goodClaims}.${spell(goodSignature)}`, options)).toEqual(
      refused('token_encoding'),
    )
  })

  it.each([
    [1, [1, 2, 4, 8]],
    [2, [1, 2]],
  ] as const)('refuses unused bits that are set after 3n + %i bytes', async (remainder, bits) => {
    const [header, claims] = [sized(HEADER, remainder), sized(accessClaims(), remainder)]
    expect(await answerTo(await signParts(key, header, claims), options)).toEqual(VERIFIED)
    for (const bit of bits) {
      expect(await answerTo(await signParts(key, setBit(header, bit), claims), options)).toEqual(
        refused('token_encoding'),
      )
      expect(await answerTo(await signParts(key, header, setBit(claims, bit)), options)).toEqual(
        refused('token_encoding'),
      )
    }
  })

  it('refuses unused bits that are set in the signature, so that a token has no second form', async () => {
    for (const bit of [1, 2, 4, 8]) {
      const twin = `${goodHeader}.${goodClaims}.${setBit(goodSignature, bit)}`
      expect(await answerTo(twin, options)).toEqual(refused('token_encoding'))
    }
    const byRsa = await rsa.sign(accessClaims())
    expect(await answerTo(byRsa, options)).toEqual(VERIFIED)
    for (const bit of [1, 2, 4, 8])
      expect(await answerTo(setBit(byRsa, bit), options)).toEqual(refused('token_encoding'))
  })

  it('refuses a length of 1 modulo 4', async () => {
    const whole = sized(HEADER, 0)
    const tokens = [
      await signParts(key, `${whole}A`, goodClaims),
      await signParts(key, goodHeader, `${sized(accessClaims(), 0)}A`),
      `${goodHeader}.${goodClaims}.${goodSignature}AAA`,
    ]
    for (const token of tokens) expect(await answerTo(token, options)).toEqual(refused('token_encoding'))
  })
})

describe('12. The length is limited first, then there are exactly three parts', () => {
  it('refuses a token over the limit before it is parsed', async () => {
    const token = await key.sign(accessClaims({ padding: 'x'.repeat(20_000) }))
    expect(await answerTo(token, options)).toEqual(refused('token_too_long'))
    expect(await verdictOn('\u0000'.repeat(16_385), options)).toEqual(refused('token_too_long'))
    expect(await verdictOn('.'.repeat(16_385), options)).toEqual(refused('token_too_long'))
  })

  it.each([
    ['nothing', ''],
    ['one part', goodHeader],
    ['two parts', `${goodHeader}.${goodClaims}`],
    ['four parts', `${good}.${goodSignature}`],
    ['a trailing dot', `${good}.`],
    ['five parts', `${good}.${goodSignature}.${goodSignature}`],
    ['six parts', `${good}.a.b.c`],
    ['two tokens', `${good}.${good}`],
    ['a leading dot', `.${good}`],
  ])('refuses %s', async (_, token) => {
    expect(await verdictOn(token, options)).toEqual(refused('token_malformed'))
  })

  it('refuses an empty header and empty claims', async () => {
    expect(await verdictOn('..', options)).toEqual(refused('json_malformed'))
    expect(await verdictOn(await signParts(key, '', goodClaims), options)).toEqual(refused('json_malformed'))
    expect(await verdictOn(await signParts(key, goodHeader, ''), options)).toEqual(refused('json_malformed'))
  })

  it.each([undefined, null, 42, {}, [good], new String(good)])('refuses %j, which is not text', async (value) => {
    const verifier = createVerifier(options)
    await expect(verifier.verify(value as string)).rejects.toMatchObject({
      name: 'AuthError',
      code: 'token_malformed',
      status: 401,
    })
  })

  it('distinguishes an encrypted token from a malformed one, in the log', async () => {
    expect((await refusalOf('a.b.c.d.e', options)).hint).toContain('JWE')
    expect((await refusalOf('a.b.c.d', options)).hint).toBeUndefined()
    expect((await refusalOf('a.b.c.d.e.f', options)).hint).toBeUndefined()
  })

  it('never splits a token into as many pieces as it has dots', async () => {
    const split = vi.spyOn(String.prototype, 'split')
    try {
      const roomy = optionsWith({ jwks: { keys: [key.publicJwk] }, limits: { tokenLength: 65_536 } })
      expect(await verdictOn('.'.repeat(1_000_000), roomy)).toEqual(refused('token_too_long'))
      expect(await verdictOn('.'.repeat(65_536), roomy)).toEqual(refused('token_malformed'))
      const pieces = split.mock.results.map(({ value }) => (value as readonly string[]).length)
      expect(Math.max(0, ...pieces)).toBeLessThanOrEqual(6)
    } finally {
      split.mockRestore()
    }
  })

  it('fetches nothing for any of them', async () => {
    await using keys = await publish([key.publicJwk])
    for (const token of ['', 'a', 'a.b', '..', `${good}.x`, 'a.b.c.d.e', '.'.repeat(1_000_000)])
      expect((await verdictOn(token, keys.options)).status).toBe(401)
    expect(keys.traffic()).toEqual(NO_TRAFFIC)
  })
})

describe('13. A member name occurs once in an object', () => {
  const claims = JSON.stringify(accessClaims()).slice(1, -1)
  const header = JSON.stringify(HEADER).slice(1, -1)

  it.each(['alg', 'kid', 'typ', 'x'])('refuses %s twice in the header, in any order and spelling', async (name) => {
    const value = name === 'alg' ? '"ES256"' : '"key-1"'
    const escaped = `\\u00${name.charCodeAt(0).toString(16)}${name.slice(1)}`
    const rest = header.replace(`"${name}":${value}`, '"y":1')
    const once = `"${name}":${value}`
    for (const twice of [`${once},"${name}":"none"`, `"${name}":"none",${once}`, `"${escaped}":"none",${once}`])
      expect(
        await answerTo(
          await signTexts(`{${rest},"z":1,${twice}}`.replace(',"typ":"at+jwt"', ''), `{${claims}}`),
          options,
        ),
      ).toEqual(refused('json_duplicate_member'))
  })

  it.each(['iss', 'aud', 'exp', 'nbf', 'sub', 'scope', 'cnf', 'anything'])(
    'refuses %s twice in the claims, in any order and spelling',
    async (name) => {
      const value = JSON.stringify(accessClaims()[name] ?? 'x')
      const escaped = `\\u00${name.charCodeAt(0).toString(16)}${name.slice(1)}`
      const { [name]: _, ...others } = accessClaims()
      const rest = JSON.stringify(others).slice(1, -1)
      for (const twice of [
        `"${name}":"other","${name}":${value}`,
        `"${name}":${value},"${name}":"other"`,
        `"${name}":${value},"${name}":${value}`,
        `"${escaped}":"other","${name}":${value}`,
        `"${name}":${value},"${escaped}":"other"`,
      ])
        expect(await answerTo(await signClaims(`{${rest},${twice}}`), options)).toEqual(
          refused('json_duplicate_member'),
        )
    },
  )

  it('refuses one twice in a nested claim', async () => {
    for (const value of ['{"a":1,"a":2}', '[{"a":1,"a":1}]', '{"b":{"c":[{"a":1,"\\u0061":1}]}}'])
      expect(await answerTo(await signClaims(`{${claims},"x":${value}}`), options)).toEqual(
        refused('json_duplicate_member'),
      )
  })

  it('accepts the same name in several objects, and names as values', async () => {
    const text = `{${claims},"x":{"a":1},"y":{"a":1},"z":["a","a","iss"],"w":"a"}`
    expect(await answerTo(await signClaims(text), options)).toEqual(VERIFIED)
  })
})

describe('14. No member of a token changes a prototype', () => {
  const claims = JSON.stringify(accessClaims()).slice(1, -1)
  const header = JSON.stringify(HEADER).slice(1, -1)
  const evil = '{"polluted":"yes","scope":"admin"}'

  it.each(['__proto__', '\\u005f_proto__', '__pro\\u0074o__'])('refuses %s in any position', async (name) => {
    const texts = [
      [`{${header}}`, `{${claims},"${name}":${evil}}`],
      [`{${header}}`, `{"${name}":${evil},${claims}}`],
      [`{${header}}`, `{${claims},"x":{"${name}":${evil}}}`],
      [`{${header}}`, `{${claims},"x":[{"${name}":null}]}`],
      [`{${header},"${name}":${evil}}`, `{${claims}}`],
    ] as const
    for (const [first, second] of texts)
      expect(await answerTo(await signTexts(first, second), options)).toEqual(refused('json_forbidden_member'))
  })

  it('treats constructor and prototype as ordinary claims', async () => {
    const token = await signClaims(`{${claims},"constructor":{"prototype":${evil}},"prototype":${evil}}`)
    const verified = await createVerifier(options).verify(token)
    const spread: Record<string, unknown> = { ...verified.claims }
    const assigned = Object.assign({}, verified.claims) as Record<string, unknown>
    expect([Object.getPrototypeOf(verified.claims), verified.claims['polluted']]).toEqual([null, undefined])
    for (const object of [spread, assigned, {} as Record<string, unknown>])
      expect([Object.getPrototypeOf(object) === Object.prototype, object['polluted']]).toEqual([true, undefined])
    expect(spread['constructor']).toEqual({ prototype: { polluted: 'yes', scope: 'admin' } })
    expect([...verified.scopes]).toEqual(['orders:read', 'profile'])
  })

  it('freezes claims and header deeply', async () => {
    const token = await key.sign(accessClaims({ act: { sub: 'x', deep: [{ a: [1] }] } }), { extra: { a: [1] } })
    const { claims: given, header: own = { alg: 'none' } } = await createVerifier(options).verify(token)
    const act = given['act'] as { deep: readonly { a: readonly number[] }[] }
    const extra = own['extra'] as { a: readonly number[] }
    for (const object of [given, act, act.deep, act.deep[0], act.deep[0]?.a, own, extra, extra.a])
      expect(Object.isFrozen(object)).toBe(true)
    expect(() => Object.assign(given, { sub: 'eve' })).toThrow(TypeError)
  })

  it('freezes the output of a schema', async () => {
    const schema = {
      '~standard': { version: 1, vendor: 'test', validate: () => ({ value: { account: { id: 7 } } }) },
    }
    const verifier = createVerifier(optionsWith({ jwks: { keys: [key.publicJwk] }, claims: schema }))
    const { claims: given } = await verifier.verify(good)
    expect(given).toMatchObject({ sub: 'ada', account: { id: 7 } })
    expect([Object.isFrozen(given), Object.isFrozen((given as { account?: object }).account)]).toEqual([true, true])
  })
})

describe('15. JSON is limited, in UTF-8, and without control characters where they could do harm', () => {
  const claims = JSON.stringify(accessClaims()).slice(1, -1)
  const header = JSON.stringify(HEADER).slice(1, -1)

  it.each([
    ['17 levels of arrays', `${'['.repeat(16)}${']'.repeat(16)}`],
    ['17 levels of objects', `${'{"a":'.repeat(16)}1${'}'.repeat(16)}`],
    ['5,000 levels', `${'['.repeat(5000)}${']'.repeat(5000)}`],
    ['levels without an end', '['.repeat(9000)],
    ['1,025 members', `{${Array.from({ length: 1025 }, (_, n) => `"m${n}":0`).join(',')}}`],
    ['1,025 elements', `[${Array.from({ length: 1025 }, () => '0').join(',')}]`],
    ['5,000 values', `[${Array.from({ length: 25 }, () => `[${'0,'.repeat(199)}0]`).join(',')}]`],
  ])('refuses %s', async (_, value) => {
    expect(await answerTo(await signClaims(`{${claims},"x":${value}}`), options)).toEqual(refused('json_limits'))
  })

  it('refuses a deep header', async () => {
    const deep = `${'['.repeat(20)}${']'.repeat(20)}`
    const token = await signTexts(`{${header},"x":${deep}}`, `{${claims}}`)
    expect(await answerTo(token, options)).toEqual(refused('json_limits'))
  })

  it('refuses a byte order mark', async () => {
    expect(await answerTo(await signClaims(`\ufeff{${claims}}`), options)).toEqual(refused('json_malformed'))
    const token = await signTexts(`\ufeff{${header}}`, `{${claims}}`)
    expect(await answerTo(token, options)).toEqual(refused('json_malformed'))
  })

  it.each([
    ['a lone continuation byte', [0x80]],
    ['byte FF', [0xff]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['a truncated sequence', [0xe2, 0x82]],
    ['an encoded surrogate', [0xed, 0xa0, 0x80]],
    ['a character beyond U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
  ])('refuses bytes that are not UTF-8: %s', async (_, bytes) => {
    const withBytes = (members: string): Uint8Array =>
      Buffer.concat([Buffer.from(`{${members},"x":"`), Buffer.from(bytes), Buffer.from('"}')])
    expect(await answerTo(await signClaims(withBytes(claims)), options)).toEqual(refused('json_malformed'))
    const inHeader = await signTexts(withBytes(header), `{${claims}}`)
    expect(await answerTo(inHeader, options)).toEqual(refused('json_malformed'))
  })

  it.each([
    '[]',
    'null',
    '"x"',
    '42',
    'true',
    '{',
    '{}{}',
    "{'a':1}",
    '{"a":01}',
    '{"a":NaN}',
    '{"a":"\n"}',
    '\f{}',
    '',
  ])('refuses %j, which is not a JSON object', async (text) => {
    expect(await answerTo(await signClaims(text), options)).toEqual(refused('json_malformed'))
    expect(await answerTo(await signTexts(text, `{${claims}}`), options)).toEqual(refused('json_malformed'))
  })

  const controls = ['\u0000', '\n', '\r', '\u001b', '\u007f', '\u0085', '\u2028', '\u2029', '\ud800']
  const open = optionsWith({ jwks: { keys: [key.publicJwk] }, issuer: null, audience: null })

  it.each(['iss', 'sub', 'aud', 'client_id', 'scope', 'scp', 'jti', 'azp'])(
    'refuses control characters in %s',
    async (name) => {
      for (const control of controls) {
        const token = await key.sign(accessClaims({ [name]: `a${control}b` }))
        expect(await answerTo(token, open)).toEqual(refused('claim_malformed'))
      }
    },
  )

  it('refuses control characters in one of several audiences and scopes', async () => {
    for (const control of controls) {
      const audiences = await key.sign(accessClaims({ aud: ['https://api.example', `a${control}b`] }))
      expect(await answerTo(audiences, options)).toEqual(refused('claim_malformed'))
      const scopes = await key.sign(accessClaims({ scp: ['read', `a${control}b`] }))
      expect(await answerTo(scopes, options)).toEqual(refused('claim_malformed'))
    }
  })

  it('refuses control characters in kid, typ and cty', async () => {
    for (const control of controls) {
      expect(await answerTo(await key.sign(accessClaims(), { kid: `key-1${control}` }), options)).toEqual(
        refused('kid_malformed'),
      )
      for (const name of ['typ', 'cty'])
        expect(await answerTo(await key.sign(accessClaims(), { [name]: `JWT${control}` }), options)).toEqual(
          refused('header_malformed'),
        )
    }
  })
})

describe('16. `crit` and `b64` are refused, whatever they contain', () => {
  it.each<[string, object]>([
    ['crit with an unknown extension', { crit: ['x'], x: 1 }],
    ['crit with a known parameter', { crit: ['exp'], exp: 1 }],
    ['crit empty', { crit: [] }],
    ['crit a string', { crit: 'b64' }],
    ['crit null', { crit: null }],
    ['b64 true', { b64: true }],
    ['b64 false', { b64: false }],
    ['b64 null', { b64: null }],
    ['b64 true with crit', { b64: true, crit: ['b64'] }],
    ['b64 false with crit', { b64: false, crit: ['b64'] }],
  ])('refuses %s, and fetches nothing', async (_, members) => {
    await using keys = await publish([key.publicJwk])
    expect(await answerTo(await key.sign(accessClaims(), members), keys.options)).toEqual(refused('header_critical'))
    expect(keys.traffic()).toEqual(NO_TRAFFIC)
  })
})
