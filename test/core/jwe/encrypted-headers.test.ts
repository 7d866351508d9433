import { constants, publicEncrypt, randomBytes } from 'node:crypto'

import type { ErrorCode } from '@claimgate/core'
import { CONTENT_ENCRYPTIONS, decryptJwe, KEY_MANAGEMENT_ALGORITHMS } from '@claimgate/core/jwe'
import { describe, expect, it, vi } from 'vitest'

import {
  p256,
  rsaPublic,
  keys,
  nestedWith,
  HEADER,
  seal,
  agree,
  encrypt,
  answerTo,
  refusalOf,
  countCryptography,
  rsa,
  p384,
  signing,
} from '../../support/core/encrypted.ts'
import { accessClaims, encode, refused, VERIFIED } from '../../support/core/refusal.ts'
import { ephemeralKey, sealRsa } from '../../support/core/seal.ts'

describe('39. Only listed algorithms decrypt', () => {
  const OTHERS = [
    'none',
    'NONE',
    '',
    'dir',
    'RSA1_5',
    'RSA-OAEP',
    'RSA-OAEP-384',
    'RSA-OAEP-512',
    'A128KW',
    'A256KW',
    'A256GCMKW',
    'PBES2-HS256+A128KW',
    'PBES2-HS512+A256KW',
    'RS256',
    'ES256',
    'HPKE-0',
    '__proto__',
    'constructor',
    'rsa-oaep-256',
    ' RSA-OAEP-256',
    'RSA-OAEP-256 ',
    'RSA-OAEP-256\u0000',
    'ECDH-ES+A128GCMKW',
    'ecdh-es',
  ]

  it.each(OTHERS)('refuses alg %j, even if it is encrypted with RSA-OAEP-256', async (alg) => {
    expect(
      await countCryptography(async () =>
        expect(await answerTo(seal({ alg }))).toEqual(refused('algorithm_not_allowed')),
      ),
    ).toBe(0)
  })

  it.each([
    'none',
    '',
    'A192CBC-HS256',
    'A256CBC',
    'A256GCMKW',
    'a256gcm',
    'A256GCM ',
    'C20P',
    '__proto__',
    'toString',
  ])('refuses enc %j, even if it is encrypted with A256GCM', async (enc) => {
    expect(
      await countCryptography(async () =>
        expect(await answerTo(seal({ enc }))).toEqual(refused('algorithm_not_allowed')),
      ),
    ).toBe(0)
  })

  it.each<[string, object]>([
    ['no alg', { alg: undefined }],
    ['a list as alg', { alg: ['RSA-OAEP-256'] }],
    ['no enc', { enc: undefined }],
    ['a list as enc', { enc: ['A256GCM'] }],
    ['a number as enc', { enc: 1 }],
  ])('refuses %s', async (_, header) => {
    expect(await answerTo(seal(header))).toEqual(refused('header_malformed'))
  })

  it('refuses supported algorithms that are not allowed', async () => {
    const few = nestedWith(keys, { algorithms: ['ECDH-ES+A256KW'], encryptions: ['A256GCM'] })
    expect(await answerTo(seal(), few)).toEqual(refused('algorithm_not_allowed'))
    expect(await answerTo(await encrypt(p256.publicKey, { alg: 'ECDH-ES+A256KW', kid: 'p256' }), few)).toEqual(VERIFIED)
    const other = await encrypt(p256.publicKey, { alg: 'ECDH-ES+A256KW', kid: 'p256', enc: 'A128GCM' })
    expect(await answerTo(other, few)).toEqual(refused('algorithm_not_allowed'))
    expect(await answerTo(other)).toEqual(VERIFIED)
  })

  it('refuses real RSA1_5 before the key is used', async () => {
    const encryptedKey = publicEncrypt({ key: rsaPublic, padding: constants.RSA_PKCS1_PADDING }, randomBytes(32))
    const [, , ...rest] = seal().split('.')
    const token = [encode({ ...HEADER, alg: 'RSA1_5' }), encode(encryptedKey), ...rest].join('.')
    expect(
      await countCryptography(async () => expect(await answerTo(token)).toEqual(refused('algorithm_not_allowed'))),
    ).toBe(0)
  })

  it('refuses PBES2 with a huge count before any key is derived', async () => {
    const header = { ...HEADER, alg: 'PBES2-HS512+A256KW', p2c: 2 ** 31 - 1, p2s: encode(randomBytes(16)) }
    const token = [
      encode(header),
      encode(randomBytes(40)),
      encode(randomBytes(12)),
      'AAAA',
      encode(randomBytes(16)),
    ].join('.')
    const work = countCryptography(async () => expect(await answerTo(token)).toEqual(refused('algorithm_not_allowed')))
    expect(await work).toBe(0)
  })

  it.each(['dir', 'RSA1_5', 'RSA-OAEP', 'PBES2-HS256+A128KW', 'A256KW', 'none', 'ecdh-es', undefined])(
    'rejects %j among the algorithms at start-up',
    (alg) => {
      const algorithms = ['ECDH-ES', alg]
      expect(() => nestedWith(keys, { algorithms })).toThrow(/"algorithms" may hold ECDH-ES, /)
    },
  )

  it.each(['A192CBC', 'A192CBC-HS256', 'none', 'a256gcm'])('rejects %j among the encryptions at start-up', (enc) => {
    expect(() => nestedWith(keys, { encryptions: [enc] })).toThrow(/"encryptions" may hold A128GCM, /)
  })

  it.each(['algorithms', 'encryptions'])('rejects %s that are empty, or not a list, at start-up', async (option) => {
    for (const list of [[], 'A256GCM', null])
      expect(() => nestedWith(keys, { [option]: list })).toThrow(/must (?:list at least one|be a list|not be null)/)
    await expect(decryptJwe(seal(), { keys, [option]: [] })).rejects.toThrow(TypeError)
  })

  it('has the documented default lists', () => {
    const wrapped = ['A128KW', 'A192KW', 'A256KW'].map((name) => `ECDH-ES+${name}`)
    expect(KEY_MANAGEMENT_ALGORITHMS).toEqual(['ECDH-ES', ...wrapped, 'RSA-OAEP-256'])
    expect(CONTENT_ENCRYPTIONS).toEqual([
      'A128GCM',
      'A192GCM',
      'A256GCM',
      'A128CBC-HS256',
      'A192CBC-HS384',
      'A256CBC-HS512',
    ])
  })
})

describe('39. The header of an encrypted token is as strict as that of a signed one', () => {
  it('accepts a well-formed one', async () => {
    expect(await answerTo(seal())).toEqual(VERIFIED)
    expect(await answerTo(seal({ typ: 'JWT' }))).toEqual(VERIFIED)
    expect(await answerTo(seal({ 'x5t#S256': encode(randomBytes(32)) }))).toEqual(VERIFIED)
    expect(await answerTo(agree((epk) => epk))).toEqual(VERIFIED)
    expect(await answerTo(agree((epk) => epk, { apu: encode('Alice'), apv: encode('Bob') }))).toEqual(VERIFIED)
    expect(await answerTo(agree((epk) => ({ ...epk, kid: 'e', alg: 'ECDH-ES', use: 'enc' })))).toEqual(VERIFIED)
    expect(await answerTo(agree((epk) => epk, { apu: 'A'.repeat(256) }))).toEqual(VERIFIED)
    const [header = ''] = seal().split('.')
    const exact = { tokenLength: seal().length, headerLength: header.length, kidLength: 3 }
    expect(await answerTo(seal(), nestedWith(keys, { limits: exact }))).toEqual(VERIFIED)
  })

  it.each<[string, object]>([
    ['jwk', { jwk: { kty: 'oct', k: 'AAAA' } }],
    ['jku', { jku: 'https://evil.example/jwks.json' }],
    ['x5u', { x5u: 7 }],
    ['x5c', { x5c: ['MIIC'.repeat(700)] }],
    ['x5t with a URL', { x5t: 'https://evil.example' }],
    ['x5t null', { x5t: null, 'x5t#S256': null }],
  ])('4. ignores %s of the encrypted and of the signed token', async (_, members) => {
    expect(await answerTo(seal(members))).toEqual(VERIFIED)
    const inside = await signing.sign(accessClaims(), members)
    expect(await answerTo(sealRsa(rsaPublic, { header: { ...HEADER, ...members }, plaintext: inside }))).toEqual(
      VERIFIED,
    )
  })

  it('4. lists ignored members in an explanation', async () => {
    const { steps } = await nestedWith(keys).explain(seal({ jku: 'https://evil.example', x5c: [] }))
    expect(steps[0]).toMatchObject({
      step: 'decrypt',
      hint: expect.stringMatching(/^Ignored in the header: jku, x5c\./),
    })
  })

  it.each<[string, object | string, ErrorCode]>([
    ['zip', { zip: 'DEF' }, 'header_critical'],
    ['another zip', { zip: 'GZIP' }, 'header_critical'],
    ['zip that is null', { zip: null }, 'header_critical'],
    ['crit', { crit: ['exp'], exp: 1 }, 'header_critical'],
    ['crit with a known parameter', { crit: ['alg'] }, 'header_critical'],
    ['b64', { b64: true }, 'header_critical'],
    ['a kid that is a number', { kid: 1 }, 'kid_malformed'],
    ['a kid that is null', { kid: null }, 'kid_malformed'],
    ['a kid that is a list', { kid: ['rsa'] }, 'kid_malformed'],
    ['a kid of 257 characters', { kid: 'k'.repeat(257) }, 'kid_malformed'],
    ['a kid with a line break', { kid: 'rsa\n' }, 'kid_malformed'],
    ['__proto__ as kid', { kid: '__proto__' }, 'kid_malformed'],
    ['a typ that is a number', { typ: 1 }, 'header_malformed'],
    ['epk without key agreement', { epk: ephemeralKey().epk }, 'header_malformed'],
    ['apu without key agreement', { apu: 'QQ' }, 'header_malformed'],
    ['apv without key agreement', { apv: 'QQ' }, 'header_malformed'],
    ['alg twice', `{"alg":"dir","alg":"RSA-OAEP-256","enc":"A256GCM","cty":"JWT"}`, 'json_duplicate_member'],
    ['enc twice', `{"alg":"RSA-OAEP-256","enc":"A256GCM","enc":"A256GCM","cty":"JWT"}`, 'json_duplicate_member'],
    ['__proto__', `{"alg":"RSA-OAEP-256","enc":"A256GCM","cty":"JWT","__proto__":{}}`, 'json_forbidden_member'],
    ['a byte order mark', `\ufeff${JSON.stringify(HEADER)}`, 'json_malformed'],
    ['a list', '[]', 'json_malformed'],
    ['text that is not JSON', 'alg', 'json_malformed'],
    ['more than 4,096 characters', { x: 'x'.repeat(3072) }, 'header_too_long'],
  ])('refuses a header with %s before any key is used', async (_, header, code) => {
    const token = seal(header)
    expect(await countCryptography(async () => expect(await answerTo(token)).toEqual(refused(code)))).toBe(0)
  })

  it.each<[string, (epk: Readonly<Record<string, unknown>>, d: string) => unknown, ErrorCode]>([
    ['missing', () => undefined, 'header_malformed'],
    ['null', () => null, 'header_malformed'],
    ['a text', (epk) => JSON.stringify(epk), 'header_malformed'],
    ['a list', (epk) => [epk], 'header_malformed'],
    ['empty', () => ({}), 'header_malformed'],
    ['with its private part', (epk, d) => ({ ...epk, d }), 'header_malformed'],
    ['a secret', () => ({ kty: 'oct', k: 'AAAA' }), 'header_malformed'],
    ['an RSA key', () => ({ ...rsa.publicJwk }), 'header_malformed'],
    ['on an unsupported curve', (epk) => ({ ...epk, crv: 'secp256k1' }), 'header_malformed'],
    ['for signatures', () => ({ kty: 'OKP', crv: 'Ed25519', x: encode(randomBytes(32)) }), 'header_malformed'],
    ['without y', (epk) => ({ ...epk, y: undefined }), 'header_malformed'],
    ['with a short x', (epk) => ({ ...epk, x: encode(randomBytes(31)) }), 'header_malformed'],
    ['with a long x', (epk) => ({ ...epk, x: `AA${String(epk['x'])}` }), 'header_malformed'],
    ['with padding', (epk) => ({ ...epk, x: `${String(epk['x'])}=` }), 'header_malformed'],
    ['not on its curve', (epk) => ({ ...epk, y: encode(randomBytes(32)) }), 'token_decryption_failed'],
    [
      'zero',
      (epk) => ({ ...epk, x: encode(Buffer.alloc(32)), y: encode(Buffer.alloc(32)) }),
      'token_decryption_failed',
    ],
    ['on another curve than the key', () => ({ ...p384.publicJwk }), 'token_decryption_failed'],
  ])('refuses an epk that is %s before any key is used', async (_, change, code) => {
    const token = agree(change as () => object)
    expect(await countCryptography(async () => expect((await refusalOf(token)).code).toBe(code))).toBe(0)
  })

  // RFC 7748 section 6.1; the last two with the ignored bit set, and above p.
  it.each([
    '00'.repeat(32),
    `01${'00'.repeat(31)}`,
    `ec${'ff'.repeat(30)}7f`,
    `ed${'ff'.repeat(30)}7f`,
    `ee${'ff'.repeat(30)}7f`,
    'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
    '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
    `${'00'.repeat(31)}80`,
    `ed${'ff'.repeat(31)}`,
  ])('refuses an epk of small order on X25519, %s', async (u) => {
    const epk = { kty: 'OKP', crv: 'X25519', x: encode(Buffer.from(u, 'hex')) }
    const token = agree(() => epk, { kid: 'x25519' })
    expect(
      await countCryptography(async () => expect(await answerTo(token)).toEqual(refused('token_decryption_failed'))),
    ).toBe(0)
  })

  it.each<[string, object, ErrorCode]>([
    ['a number', { apu: 1 }, 'header_malformed'],
    ['an object', { apv: {} }, 'header_malformed'],
    ['of 257 characters', { apu: 'A'.repeat(257) }, 'header_malformed'],
    ['of 260 characters', { apv: 'A'.repeat(260) }, 'header_malformed'],
    ['with padding', { apu: 'QQ==' }, 'token_encoding'],
    ['with unused bits set', { apv: 'QR' }, 'token_encoding'],
  ])('refuses apu and apv %s', async (_, header, code) => {
    expect(await answerTo(agree((epk) => epk, header))).toEqual(refused(code))
  })

  it('says for an apu that is too long that the limit is that of Claimgate', async () => {
    expect(await refusalOf(agree((epk) => epk, { apu: 'A'.repeat(257) }))).toMatchObject({
      expected: '"apu: at most 256 characters"',
      actual: '257',
      hint: 'The limit is that of Claimgate and cannot be raised',
    })
  })
})

describe('39. The length is capped first, then there are exactly five parts', () => {
  const good = seal()
  const [header = '', encryptedKey = '', iv = '', ciphertext = '', tag = ''] = good.split('.')

  it.each<[string, string, ErrorCode]>([
    ['a million parts', 'a.'.repeat(1_000_000), 'token_too_long'],
    ['a million dots', '.'.repeat(1_000_000), 'token_too_long'],
    ['a hundred million characters', 'a'.repeat(100_000_000), 'token_too_long'],
    ['16,385 characters', `${good}${'A'.repeat(16_385 - good.length)}`, 'token_too_long'],
    ['sixteen thousand dots', '.'.repeat(16_000), 'token_malformed'],
    ['no part', '', 'token_malformed'],
    ['one part', header, 'token_malformed'],
    ['two parts', `${header}.${encryptedKey}`, 'token_malformed'],
    ['three parts', `${header}.${encryptedKey}.${iv}`, 'token_malformed'],
    ['four parts', `${header}.${encryptedKey}.${iv}.${ciphertext}`, 'token_malformed'],
    ['six parts', `${good}.${tag}`, 'token_malformed'],
    ['five parts without a header', `.${encryptedKey}.${iv}.${ciphertext}.${tag}`, 'json_malformed'],
    ['five parts and a dot', `${good}.`, 'token_malformed'],
    ['a dot and five parts', `.${good}`, 'token_malformed'],
    [
      'JSON',
      JSON.stringify({ protected: header, encrypted_key: encryptedKey, iv, ciphertext, tag }),
      'token_malformed',
    ],
    ['JSON with dots', JSON.stringify({ header: { alg: '.....' } }), 'token_malformed'],
    [
      'an encoded header of 4,097 characters',
      ['A'.repeat(4097), encryptedKey, iv, ciphertext, tag].join('.'),
      'header_too_long',
    ],
  ])('refuses %s without splitting or decoding it, and without any key', async (_, token, code) => {
    const split = vi.spyOn(String.prototype, 'split')
    const splits = (): number => split.mock.contexts.filter((text) => String(text) === token).length
    try {
      expect(await countCryptography(async () => expect((await refusalOf(token)).code).toBe(code))).toBe(0)
      expect(splits()).toBe(0)
    } finally {
      split.mockRestore()
    }
  })

  it('says what was found instead, and if it is a signed token', async () => {
    const [one, three, four, six] = ['a', 'a.b.c', 'a.b.c.d', 'a.b.c.d.e.f'].map((token) => refusalOf(token))
    expect(await one).toMatchObject({ actual: '"one part"', hint: undefined })
    expect(await three).toMatchObject({ actual: '"three parts"', hint: 'This is a signed token that is not encrypted' })
    expect(await four).toMatchObject({ actual: '"four parts"', hint: undefined })
    expect(await six).toMatchObject({ actual: '"more than five parts"', hint: undefined })
  })

  it.each([null, undefined, 1, {}, ['a.b.c.d.e'], { length: 5, indexOf: () => 1 }])(
    'refuses %j, which is not text',
    async (token) => {
      expect((await refusalOf(token as unknown as string)).code).toBe('token_malformed')
    },
  )

  it('accepts a token as long as the limit, and a longer one if the limit is raised', async () => {
    const parts = [header, encryptedKey, iv, ciphertext, tag]
    const padded = (length: number): string => {
      const more = length - good.length
      return parts.with(3, ciphertext + 'A'.repeat(more)).join('.')
    }
    const rest = (16_384 - good.length + ciphertext.length) % 4 === 1 ? 16_383 : 16_384
    expect((await refusalOf(padded(rest))).code).toBe('token_decryption_failed')
    const roomy = nestedWith(keys, { limits: { tokenLength: 65_536 } })
    expect((await refusalOf(padded(rest + 4000), roomy)).code).toBe('token_decryption_failed')
    expect(() => nestedWith(keys, { limits: { tokenLength: 65_537 } })).toThrow(/limits.tokenLength/)
    expect((await refusalOf(good, nestedWith(keys, { limits: { tokenLength: good.length - 1 } }))).code).toBe(
      'token_too_long',
    )
    expect((await refusalOf(good, nestedWith(keys, { limits: { headerLength: header.length - 1 } }))).code).toBe(
      'header_too_long',
    )
    expect((await refusalOf(`${good}${'A'.repeat(16_385)}`)).hint).toBe(
      'If tokens of this issuer may hold so much, raise "limits.tokenLength": it can be up to 65536',
    )
    expect((await refusalOf(seal({ x: 'x'.repeat(4096) }))).hint).toBe(
      'If tokens of this issuer may hold so much, raise "limits.headerLength": it can be up to 8192',
    )
    expect((await refusalOf(seal({ kid: 'rsa-key' }), nestedWith(keys, { limits: { kidLength: 6 } }))).code).toBe(
      'kid_malformed',
    )
  })

  const NAMES = ['header', 'encrypted key', 'initialization vector', 'ciphertext', 'authentication tag']
  it.each(NAMES.map((name, index) => [name, index] as const))(
    'refuses any other spelling of the %s',
    async (_, index) => {
      const parts = [header, encryptedKey, iv, ciphertext, tag]
      const part = parts[index] ?? ''
      const last = part.length % 4 === 0 ? [] : [`${part.slice(0, -1)}${part.endsWith('g') ? 'h' : '_'}`]
      const spellings = [
        `${part}=`,
        ` ${part}`,
        `${part}\n`,
        `${part.slice(0, 3)}+${part.slice(4)}`,
        `${part}\u00e9`,
        ...last,
      ]
      for (const spelling of spellings) {
        const token = parts.with(index, spelling).join('.')
        expect(await countCryptography(async () => expect((await refusalOf(token)).code).toBe('token_encoding'))).toBe(
          0,
        )
      }
    },
  )
})
