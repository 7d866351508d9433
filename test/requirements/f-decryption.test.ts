import { constants, createPublicKey, publicEncrypt, randomBytes } from 'node:crypto'

import {
  AuthError,
  createAuthenticator,
  createVerifier,
  type ErrorCode,
  type RefusalResponse,
  type Verifier,
} from '@claimgate/core'
import type { KeySource } from '@claimgate/core/extend'
import {
  CONTENT_ENCRYPTIONS,
  createNestedVerifier,
  type DecryptionKey,
  decryptionKeys,
  decryptJwe,
  KEY_MANAGEMENT_ALGORITHMS,
} from '@claimgate/core/jwe'
import { createRandom, createTestKeys } from '@claimgate/testing'
import { CompactEncrypt, type CryptoKey, exportJWK, exportPKCS8, generateKeyPair, type JWK } from 'jose'
import { describe, expect, it, vi } from 'vitest'

import { accessClaims, bearer, describeOutcome, encode, optionsWith, refused, VERIFIED } from './refusal.ts'
import { ephemeralKey, sealAgreed, sealRsa } from './seal.ts'

interface Pair {
  readonly publicKey: CryptoKey
  readonly privateKey: CryptoKey
  readonly publicJwk: JWK
  readonly privateJwk: JWK
}

async function pairOf(alg: string, crv?: string): Promise<Pair> {
  const pair = await generateKeyPair(alg, { extractable: true, ...(crv !== undefined && { crv }) })
  return { ...pair, publicJwk: await exportJWK(pair.publicKey), privateJwk: await exportJWK(pair.privateKey) }
}

const signing = await createTestKeys('ES256', { kid: 'key-1' })
const verifier = createVerifier(optionsWith({ jwks: { keys: [signing.publicJwk] } }))
const jwt = await signing.sign(accessClaims())

const rsa = await pairOf('RSA-OAEP-256')
const p256 = await pairOf('ECDH-ES', 'P-256')
const p384 = await pairOf('ECDH-ES', 'P-384')
const x25519 = await pairOf('ECDH-ES', 'X25519')
const rsaPublic = createPublicKey({ key: rsa.publicJwk, format: 'jwk' })
const keys = decryptionKeys([
  { ...rsa.privateJwk, kid: 'rsa' },
  { ...p256.privateJwk, kid: 'p256' },
  { ...x25519.privateJwk, kid: 'x25519' },
])
await keys.ready()
const nestedWith = (given: Parameters<typeof decryptionKeys>[0] | KeySource, changes: object = {}): Verifier =>
  createNestedVerifier({ verifier, decryption: { keys: given, ...changes } })
const nested = nestedWith(keys)

const HEADER = { alg: 'RSA-OAEP-256', enc: 'A256GCM', kid: 'rsa', cty: 'JWT' }
const seal = (header: object | string = {}): string =>
  sealRsa(rsaPublic, { header: typeof header === 'string' ? header : { ...HEADER, ...header }, plaintext: jwt })
const agree = (change: (epk: Readonly<Record<string, unknown>>, d: string) => object, header: object = {}): string => {
  const { pair, epk, d } = ephemeralKey()
  const agreed = { alg: 'ECDH-ES', enc: 'A256GCM', kid: 'p256', cty: 'JWT', epk: change(epk, d), ...header }
  return sealAgreed(pair, p256.publicJwk, { header: agreed, plaintext: jwt })
}
const encrypt = (publicKey: CryptoKey, header: object = {}): Promise<string> =>
  new CompactEncrypt(new TextEncoder().encode(jwt)).setProtectedHeader({ ...HEADER, ...header }).encrypt(publicKey)

const answerTo = async (token: string, by: Verifier = nested): Promise<object> =>
  describeOutcome(await createAuthenticator(by).authenticate(bearer(token)))
const refusalOf = async (token: string, by: Verifier = nested): Promise<AuthError> => {
  const error: unknown = await by.verify(token).catch((reason: unknown) => reason)
  if (error instanceof AuthError) return error
  throw new Error('the token was not refused', { cause: error })
}
const responseTo = async (token: string, by: Verifier = nested): Promise<RefusalResponse | undefined> => {
  const outcome = await createAuthenticator(by).authenticate(bearer(token))
  return outcome.kind === 'refused' ? outcome.response : undefined
}

const OPERATIONS = ['decrypt', 'deriveBits', 'deriveKey', 'unwrapKey', 'importKey', 'sign', 'digest'] as const

/** How often cryptography of the runtime is used meanwhile. */
async function countCryptography(run: () => Promise<unknown>): Promise<number> {
  const spies = OPERATIONS.map((name) => vi.spyOn(crypto.subtle, name))
  try {
    await run()
    return spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0)
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}

/** What everybody sees of a failure to decrypt, and what a log does. */
const FAILED = {
  code: 'token_decryption_failed',
  status: 401,
  error: 'invalid_token',
  expected: undefined,
  actual: undefined,
  cause: undefined,
  hint: 'It was changed, encrypted to another key, or encrypted in another way than its header says',
}
const said = ({ code, status, error, expected, actual, cause, hint }: AuthError): object => ({
  code,
  status,
  error,
  expected,
  actual,
  cause,
  hint,
})

describe('39. Only listed algorithms decrypt', () => {
  const OTHERS = [
    ...['none', 'NONE', '', 'dir', 'RSA1_5', 'RSA-OAEP', 'RSA-OAEP-384', 'RSA-OAEP-512', 'A128KW', 'A256KW'],
    ...[
      'A256GCMKW',
      'PBES2-HS256+A128KW',
      'PBES2-HS512+A256KW',
      'RS256',
      'ES256',
      'HPKE-0',
      '__proto__',
      'constructor',
    ],
    ...['rsa-oaep-256', ' RSA-OAEP-256', 'RSA-OAEP-256 ', 'RSA-OAEP-256\u0000', 'ECDH-ES+A128GCMKW', 'ecdh-es'],
  ]

  it.each(OTHERS)('refuses alg %j, though it is encrypted with RSA-OAEP-256', async (alg) => {
    expect(
      await countCryptography(async () =>
        expect(await answerTo(seal({ alg }))).toEqual(refused('algorithm_not_allowed')),
      ),
    ).toBe(0)
  })

  it.each([
    'none',
    '',
    'A192CBC-HS384',
    'A256CBC',
    'A256GCMKW',
    'a256gcm',
    'A256GCM ',
    'C20P',
    '__proto__',
    'toString',
  ])('refuses enc %j, though it is encrypted with A256GCM', async (enc) => {
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

  it('refuses what is allowed in general and not here', async () => {
    const few = nestedWith(keys, { algorithms: ['ECDH-ES+A256KW'], encryptions: ['A256GCM'] })
    expect(await answerTo(seal(), few)).toEqual(refused('algorithm_not_allowed'))
    expect(await answerTo(await encrypt(p256.publicKey, { alg: 'ECDH-ES+A256KW', kid: 'p256' }), few)).toEqual(VERIFIED)
    const other = await encrypt(p256.publicKey, { alg: 'ECDH-ES+A256KW', kid: 'p256', enc: 'A128GCM' })
    expect(await answerTo(other, few)).toEqual(refused('algorithm_not_allowed'))
    expect(await answerTo(other)).toEqual(VERIFIED)
  })

  it('refuses RSA1_5 as it was really used, before the key is touched', async () => {
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
    'does not start with %j among the algorithms',
    (alg) => {
      const algorithms = ['ECDH-ES', alg]
      expect(() => nestedWith(keys, { algorithms })).toThrow(/"algorithms" may hold ECDH-ES, /)
    },
  )

  it.each(['A192CBC-HS384', 'none', 'a256gcm'])('does not start with %j among the encryptions', (enc) => {
    expect(() => nestedWith(keys, { encryptions: [enc] })).toThrow(/"encryptions" may hold A128GCM, /)
  })

  it.each(['algorithms', 'encryptions'])('does not start with %s that are empty, or no list', async (option) => {
    for (const list of [[], 'A256GCM', null])
      expect(() => nestedWith(keys, { [option]: list })).toThrow(/must list at least one/)
    await expect(decryptJwe(seal(), { keys, [option]: [] })).rejects.toThrow(TypeError)
  })

  it('has the lists that the documentation names', () => {
    const wrapped = ['A128KW', 'A192KW', 'A256KW'].map((name) => `ECDH-ES+${name}`)
    expect(KEY_MANAGEMENT_ALGORITHMS).toEqual(['ECDH-ES', ...wrapped, 'RSA-OAEP-256'])
    expect(CONTENT_ENCRYPTIONS).toEqual(['A128GCM', 'A192GCM', 'A256GCM', 'A128CBC-HS256', 'A256CBC-HS512'])
  })
})

describe('39. The header of an encrypted token is as strict as that of a signed one', () => {
  it('accepts the one that is well formed', async () => {
    expect(await answerTo(seal())).toEqual(VERIFIED)
    expect(await answerTo(seal({ typ: 'JWT' }))).toEqual(VERIFIED)
    expect(await answerTo(seal({ 'x5t#S256': encode(randomBytes(32)) }))).toEqual(VERIFIED)
    expect(await answerTo(agree((epk) => epk))).toEqual(VERIFIED)
    expect(await answerTo(agree((epk) => epk, { apu: encode('Alice'), apv: encode('Bob') }))).toEqual(VERIFIED)
    expect(await answerTo(agree((epk) => ({ ...epk, kid: 'e', alg: 'ECDH-ES', use: 'enc' })))).toEqual(VERIFIED)
  })

  it.each<[string, object | string, ErrorCode]>([
    ['zip', { zip: 'DEF' }, 'header_critical'],
    ['another zip', { zip: 'GZIP' }, 'header_critical'],
    ['zip that is null', { zip: null }, 'header_critical'],
    ['crit', { crit: ['exp'], exp: 1 }, 'header_critical'],
    ['crit for what is known', { crit: ['alg'] }, 'header_critical'],
    ['b64', { b64: true }, 'header_critical'],
    ['jwk', { jwk: { kty: 'oct', k: 'AAAA' } }, 'header_key_material'],
    ['jku', { jku: 'https://evil.example/jwks.json' }, 'header_key_material'],
    ['x5u', { x5u: 'https://evil.example/x.pem' }, 'header_key_material'],
    ['x5c', { x5c: ['AAAA'] }, 'header_key_material'],
    ['x5t with a URL', { x5t: 'https://evil.example' }, 'header_key_material'],
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
    ['text that is no JSON', 'alg', 'json_malformed'],
    ['1,025 characters', { x: 'x'.repeat(1024) }, 'header_too_long'],
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
    ['with its private part', (epk, d) => ({ ...epk, d }), 'header_key_material'],
    ['a secret', () => ({ kty: 'oct', k: 'AAAA' }), 'header_key_material'],
    ['an RSA key', () => ({ ...rsa.publicJwk }), 'header_malformed'],
    ['on another curve than there are', (epk) => ({ ...epk, crv: 'secp256k1' }), 'header_malformed'],
    ['for signatures', () => ({ kty: 'OKP', crv: 'Ed25519', x: encode(randomBytes(32)) }), 'header_malformed'],
    ['without y', ({ y: _, ...epk }) => epk, 'header_malformed'],
    ['with a short x', (epk) => ({ ...epk, x: encode(randomBytes(31)) }), 'header_malformed'],
    ['with a long x', (epk) => ({ ...epk, x: `AA${String(epk['x'])}` }), 'header_malformed'],
    ['with padding', (epk) => ({ ...epk, x: `${String(epk['x'])}=` }), 'header_malformed'],
    ['beside its curve', (epk) => ({ ...epk, y: encode(randomBytes(32)) }), 'token_decryption_failed'],
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

  // RFC 7748 section 6.1; the last two with the bit set that does not count, and above p.
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
    ['five parts and a dot', `${good}.`, 'token_malformed'],
    ['a dot and five parts', `.${good}`, 'token_malformed'],
    [
      'JSON',
      JSON.stringify({ protected: header, encrypted_key: encryptedKey, iv, ciphertext, tag }),
      'token_malformed',
    ],
    ['JSON with dots', JSON.stringify({ header: { alg: '.....' } }), 'token_malformed'],
    [
      'an encoded header of 1,025 characters',
      ['A'.repeat(1025), encryptedKey, iv, ciphertext, tag].join('.'),
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

  it.each([null, undefined, 1, {}, ['a.b.c.d.e'], { length: 5, indexOf: () => 1 }])(
    'refuses %j, which is no text',
    async (token) => {
      expect((await refusalOf(token as unknown as string)).code).toBe('token_malformed')
    },
  )

  it('takes a token as long as the limit, and one longer where the limit is raised', async () => {
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

describe('39. There is one error for every failure to decrypt', () => {
  const TOKENS: readonly (readonly [name: string, token: () => Promise<string> | string])[] = [
    ['RSA-OAEP-256 with A256GCM', () => seal()],
    ['RSA-OAEP-256 with A128CBC-HS256', () => encrypt(rsa.publicKey, { enc: 'A128CBC-HS256' })],
    ['ECDH-ES with A256GCM', () => encrypt(p256.publicKey, { alg: 'ECDH-ES', kid: 'p256' })],
    [
      'ECDH-ES with A256CBC-HS512',
      () => encrypt(p256.publicKey, { alg: 'ECDH-ES', kid: 'p256', enc: 'A256CBC-HS512' }),
    ],
    [
      'ECDH-ES+A256KW with A128GCM',
      () => encrypt(x25519.publicKey, { alg: 'ECDH-ES+A256KW', kid: 'x25519', enc: 'A128GCM' }),
    ],
    [
      'ECDH-ES+A128KW with A128CBC-HS256',
      () => encrypt(p256.publicKey, { alg: 'ECDH-ES+A128KW', kid: 'p256', enc: 'A128CBC-HS256' }),
    ],
  ]
  const partsOf = (token: string): readonly Buffer[] => token.split('.').map((part) => Buffer.from(part, 'base64url'))
  const join = (parts: readonly Buffer[]): string => parts.map((part) => encode(part)).join('.')
  const flip = (bytes: Buffer, bit: number): Buffer => {
    const copy = Buffer.from(bytes)
    copy.writeUInt8(copy.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
    return copy
  }

  it.each(TOKENS)(
    'for any bit of key, vector, ciphertext and tag of %s',
    async (_, make) => {
      const token = await make()
      const parts = partsOf(token)
      expect(await answerTo(token)).toEqual(VERIFIED)
      let count = 0
      for (const index of [1, 2, 3, 4]) {
        const part = parts[index] ?? Buffer.alloc(0)
        // Every bit of what is short, and every eleventh of the rest, so that each place in a byte has its turn.
        for (let bit = 0; bit < part.length * 8; bit += part.length > 64 ? 11 : 1) {
          const changed = join(parts.with(index, flip(part, bit)))
          expect(said(await refusalOf(changed)), `bit ${bit} of part ${index}`).toEqual(FAILED)
          count += 1
        }
      }
      expect(count).toBeGreaterThan(400)
    },
    60_000,
  )

  it.each(TOKENS)('for parts of %s that are cut, grown, swapped or empty', async (_, make) => {
    const parts = partsOf(await make())
    const other = partsOf(await make())
    for (const index of [1, 2, 3, 4]) {
      const part = parts[index] ?? Buffer.alloc(0)
      const forms = [
        ...(part.length > 0 ? [part.subarray(1), part.subarray(0, -1), Buffer.alloc(0)] : []),
        Buffer.alloc(part.length === 0 ? 16 : part.length),
        Buffer.concat([part, Buffer.alloc(1)]),
        Buffer.concat([Buffer.alloc(1), part]),
        randomBytes(Math.max(1, part.length)),
        ...[4, 8, 12, 13, 14, 15, 16, 32, 64]
          .filter((length) => length < part.length)
          .map((length) => part.subarray(0, length)),
        ...(index === 1 && part.length === 0 ? [] : [other[index] ?? Buffer.alloc(0)]),
      ]
      for (const form of forms) expect(said(await refusalOf(join(parts.with(index, form))))).toEqual(FAILED)
    }
    // The header of another token is authenticated as well.
    expect(said(await refusalOf(join(parts.with(0, Buffer.from(`${String(parts[0])} `)))))).toEqual(FAILED)
  })

  it('for a header with any bit changed nothing but a refusal', async () => {
    for (const [, make] of TOKENS) {
      const parts = partsOf(await make())
      const header = parts[0] ?? Buffer.alloc(0)
      for (let bit = 0; bit < header.length * 8; bit += 1)
        expect((await refusalOf(join(parts.with(0, flip(header, bit))))).status).toBe(401)
    }
  }, 60_000)

  it('for another key, of the same kind or another, called by the same name', async () => {
    const strangers = { rsa: await pairOf('RSA-OAEP-256'), p256: await pairOf('ECDH-ES', 'P-256') }
    const toStranger = await encrypt(strangers.p256.publicKey, { alg: 'ECDH-ES+A256KW', kid: 'p256' })
    expect(said(await refusalOf(toStranger))).toEqual(FAILED)
    expect(said(await refusalOf(await encrypt(strangers.p256.publicKey, { alg: 'ECDH-ES', kid: 'p256' })))).toEqual(
      FAILED,
    )
    expect(said(await refusalOf(await encrypt(strangers.rsa.publicKey)))).toEqual(FAILED)
    // An EC key under the name of the RSA key, and the other way round.
    expect((await refusalOf(await encrypt(p256.publicKey, { alg: 'ECDH-ES', kid: 'rsa' }))).code).toBe(FAILED.code)
    expect((await refusalOf(await encrypt(rsa.publicKey, { kid: 'p256' }))).code).toBe(FAILED.code)
  })

  it('and status, challenge and body are the same, byte for byte, for everything that is refused', async () => {
    const parts = partsOf(seal())
    const tokens = [
      ...[1, 2, 3, 4].map((index) => join(parts.with(index, flip(parts[index] ?? Buffer.alloc(0), 0)))),
      ...[
        { kid: 'other' },
        { kid: undefined, alg: 'ECDH-ES' },
        { zip: 'DEF' },
        { alg: 'dir' },
        { enc: 'none' },
        { cty: 'x' },
      ].map(seal),
      ...[{ jku: 'https://evil.example' }, { crit: [] }, { kid: 1 }].map(seal),
      agree((epk) => ({ ...epk, y: encode(randomBytes(32)) })),
      agree((epk, d) => ({ ...epk, d })),
      ...[
        '{}',
        seal(),
        `${encode({ alg: 'none' })}.${encode(accessClaims())}.`,
        await signing.sign(accessClaims({ exp: 1 })),
      ].map((plaintext) => sealRsa(rsaPublic, { header: HEADER, plaintext })),
      jwt,
      'x',
      `${seal()}.`,
    ]
    const responses = await Promise.all(tokens.map((token) => responseTo(token)))
    const plain = await responseTo('x', verifier)
    expect(plain?.status).toBe(401)
    expect(responses).toEqual(tokens.map(() => plain))
  })

  it('and 503 where the key source cannot tell now', async () => {
    const unavailable: KeySource = { resolve: () => Promise.reject(new AuthError('keys_unavailable')) }
    expect(await answerTo(seal(), nestedWith(unavailable))).toEqual(refused('keys_unavailable'))
  })

  it('and a bug of a key source stays a bug', async () => {
    const broken: KeySource = { resolve: () => Promise.reject(new RangeError('a bug')) }
    await expect(nestedWith(broken).verify(seal())).rejects.toThrow(RangeError)
    await expect(nestedWith(broken).explain(seal())).resolves.toMatchObject({
      accepted: false,
      steps: [{ hint: '"a bug"' }, {}, {}, {}, {}, {}, {}],
    })
  })

  it.each<[string, () => unknown]>([
    ['a public key', () => rsa.publicKey],
    ['nothing', () => undefined],
    ['a secret', () => new Uint8Array(32)],
    ['a JWK', () => rsa.privateJwk],
  ])('where a key source gives %s', async (_, give) => {
    const source: KeySource = { resolve: async () => give() as CryptoKey }
    expect(said(await refusalOf(seal(), nestedWith(source)))).toEqual(FAILED)
  })

  it('where a key source of signing keys refuses in its own words', async () => {
    const source: KeySource = { resolve: () => Promise.reject(new AuthError('key_not_found', { hint: 'secret' })) }
    expect(said(await refusalOf(seal(), nestedWith(source)))).toEqual(FAILED)
  })
})

describe('39. Several keys decrypt by kid', () => {
  it('finds the key by its kid, before and after a rotation', async () => {
    const next = await pairOf('ECDH-ES', 'P-256')
    const rotated = nestedWith([
      { ...next.privateJwk, kid: 'next' },
      { ...p256.privateJwk, kid: 'p256' },
    ])
    const alg = 'ECDH-ES+A256KW'
    expect(await answerTo(await encrypt(p256.publicKey, { alg, kid: 'p256' }), rotated)).toEqual(VERIFIED)
    expect(await answerTo(await encrypt(next.publicKey, { alg, kid: 'next' }), rotated)).toEqual(VERIFIED)
    const dropped = nestedWith({ ...next.privateJwk, kid: 'next' })
    const late = await refusalOf(await encrypt(p256.publicKey, { alg, kid: 'p256' }), dropped)
    expect(late).toMatchObject({ code: 'token_decryption_failed', expected: '["next"]', actual: '"p256"' })
  })

  it.each(['', 'RSA', 'rsa ', 'constructor', 'toString', 'length', '0'])('knows no key by the kid %j', async (kid) => {
    const token = seal({ kid })
    expect(
      await countCryptography(async () => expect(await answerTo(token)).toEqual(refused('token_decryption_failed'))),
    ).toBe(0)
  })

  it('needs exactly one key that fits where there is no kid', async () => {
    expect(await answerTo(seal({ kid: undefined }))).toEqual(VERIFIED)
    // Told apart by the curve of epk.
    const alg = 'ECDH-ES'
    expect(await answerTo(await encrypt(p256.publicKey, { alg, kid: undefined }))).toEqual(VERIFIED)
    expect(await answerTo(await encrypt(x25519.publicKey, { alg, kid: undefined }))).toEqual(VERIFIED)
    expect((await refusalOf(await encrypt(p384.publicKey, { alg, kid: undefined }))).code).toBe(FAILED.code)
    const other = await pairOf('ECDH-ES', 'P-256')
    const two = nestedWith([p256.privateJwk, other.privateJwk])
    const token = await encrypt(p256.publicKey, { alg, kid: undefined })
    const ambiguous = async (): Promise<void> => expect((await refusalOf(token, two)).code).toBe(FAILED.code)
    await two.ready()
    expect(await countCryptography(ambiguous)).toBe(0)
  })

  it('uses a key with an alg for that one alone', async () => {
    const only = nestedWith({ ...p256.privateJwk, alg: 'ECDH-ES+A256KW', kid: 'k' })
    expect(await answerTo(await encrypt(p256.publicKey, { alg: 'ECDH-ES+A256KW', kid: 'k' }), only)).toEqual(VERIFIED)
    expect((await refusalOf(await encrypt(p256.publicKey, { alg: 'ECDH-ES', kid: 'k' }), only)).code).toBe(FAILED.code)
  })
})

describe('39. Keys that are not fit for decrypting stop a program at its start', async () => {
  const weak = await crypto.subtle.generateKey(
    { name: 'RSA-OAEP', hash: 'SHA-256', modulusLength: 1024, publicExponent: Uint8Array.of(1, 0, 1) },
    true,
    ['encrypt', 'decrypt'],
  )
  const sha1 = await crypto.subtle.importKey(
    'pkcs8',
    await crypto.subtle.exportKey('pkcs8', rsa.privateKey),
    { name: 'RSA-OAEP', hash: 'SHA-1' },
    true,
    ['decrypt'],
  )
  const noUse = await crypto.subtle.importKey(
    'pkcs8',
    await crypto.subtle.exportKey('pkcs8', p256.privateKey),
    { name: 'ECDH', namedCurve: 'P-256' },
    true,
    ['deriveKey'],
  )
  const weakJwk = await exportJWK(weak.privateKey)

  it.each<[string, unknown, RegExp]>([
    ['no key', [], /at least one/],
    ['an empty set', { keys: [] }, /at least one/],
    ['nothing', undefined, /JWK, a PEM text or a CryptoKey/],
    ['a number', [1], /JWK, a PEM text or a CryptoKey/],
    ['a weak RSA JWK', weakJwk, /not fit for use: weak/],
    ['a weak RSA key', weak.privateKey, /not fit for use: weak/],
    ['an RSA key with e = 1', { ...rsa.privateJwk, e: 'AQ' }, /not fit for use: weak/],
    ['an RSA key for SHA-1', sha1, /RSA-OAEP with SHA-256/],
    ['an EC key that may not derive bits', noUse, /deriveBits/],
    ['a public JWK', p256.publicJwk, /must be a private key/],
    ['a public key', p256.publicKey, /must be a private key/],
    ['a secret', { kty: 'oct', k: encode(randomBytes(32)) }, /must be an RSA key, or a key on/],
    ['a signing key', signing.privateJwk, /"use" of key 1 must be "enc"/],
    ['a signing CryptoKey', signing.privateKey, /for RSA-OAEP, or be usable for "deriveBits"/],
    [
      'an Ed25519 key',
      { kty: 'OKP', crv: 'Ed25519', x: encode(randomBytes(32)), d: encode(randomBytes(32)) },
      /must be an RSA key, or a key on/,
    ],
    ['a key on secp256k1', { ...p256.privateJwk, crv: 'secp256k1' }, /must be an RSA key, or a key on/],
    ['a point beside its curve', { ...p256.privateJwk, x: p256.privateJwk.y }, /not fit for use: invalid_point/],
    ['a point of small order', { ...x25519.privateJwk, x: encode(Buffer.alloc(32)) }, /not fit for use: invalid_point/],
    ['a short coordinate', { ...p256.privateJwk, x: 'AAAA' }, /not fit for use: malformed/],
    ['key_ops for signatures', { ...p256.privateJwk, key_ops: ['sign'] }, /"key_ops" of key 1/],
    ['alg of a signature', { ...p256.privateJwk, alg: 'ES256' }, /"alg" of key 1/],
    ['alg RSA1_5', { ...rsa.privateJwk, alg: 'RSA1_5' }, /"alg" of key 1/],
    ['alg RSA-OAEP', { ...rsa.privateJwk, alg: 'RSA-OAEP' }, /"alg" of key 1/],
    ['alg of another kind of key', { ...rsa.privateJwk, alg: 'ECDH-ES' }, /"alg" of key 1/],
    ['an empty kid', { ...p256.privateJwk, kid: '' }, /"kid" of key 1 must have 1 to 256/],
    ['a long kid', { ...p256.privateJwk, kid: 'k'.repeat(257) }, /"kid" of key 1 must have 1 to 256/],
    ['a public PEM', signing.publicPem, /holds a public key/],
    [
      'a PEM with passphrase',
      '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----',
      /decryptionKeyFromPem/,
    ],
    ['a PKCS#1 PEM', '-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----', /openssl pkcs8/],
    ['a text', 'secret', /must start with "-----BEGIN PRIVATE KEY-----"/],
  ])('%s', (_, given, message) => {
    const make = (): unknown => decryptionKeys(given as DecryptionKey)
    expect(make).toThrow(TypeError)
    expect(make).toThrow(message)
  })

  it.each<[string, () => Promise<unknown>, RegExp]>([
    ['a weak RSA key in PEM', async () => exportPKCS8(weak.privateKey), /not fit for use: weak/],
    [
      'an Ed25519 key in PEM',
      async () => exportPKCS8((await generateKeyPair('EdDSA', { extractable: true })).privateKey),
      /must be an RSA key, or/,
    ],
    [
      'a damaged PEM',
      async () => '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----',
      /must be an RSA key, or/,
    ],
    [
      'two keys of one name',
      async () => [
        { ...p256.privateJwk, kid: 'a' },
        { ...rsa.privateJwk, kid: 'a' },
      ],
      /two with one "kid"/,
    ],
    ['a key twice', async () => [p256.privateJwk, await exportPKCS8(p256.privateKey)], /two with one "kid"/],
    [
      'a private scalar of another size',
      async () => ({ ...p256.privateJwk, d: 'AAAA' }),
      /that this JavaScript runtime accepts/,
    ],
  ])('%s, when it gets ready', async (_, give, message) => {
    const given = (await give()) as DecryptionKey
    const made = decryptionKeys(given)
    await expect(made.ready()).rejects.toThrow(TypeError)
    await expect(made.ready()).rejects.toThrow(message)
    await expect(nestedWith(given).ready()).rejects.toThrow(message)
    // And it decrypts nothing meanwhile.
    await expect(nestedWith(given).verify(seal())).rejects.toThrow(message)
  })

  it('without any of them in the message', async () => {
    const secrets = [weakJwk.d, p256.privateJwk.d, rsa.privateJwk.d, rsa.privateJwk.p].map(String)
    const given: readonly DecryptionKey[] = [
      weakJwk,
      { ...p256.privateJwk, crv: String(p256.privateJwk.d) },
      { ...rsa.privateJwk, kty: String(rsa.privateJwk.d) },
      await exportPKCS8(weak.privateKey),
    ]
    for (const key of given) {
      const error: unknown = await Promise.try(() => decryptionKeys(key).ready()).catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(TypeError)
      const text = `${String(error)} ${String((error as Error).stack)} ${String((error as Error).cause)}`
      for (const secret of secrets) expect(text).not.toContain(secret.slice(0, 20))
    }
  })
})

describe('39. Random texts', () => {
  it('are refused with 401, whatever they are', async () => {
    const random = createRandom(39)
    const good = seal()
    const characters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_..']
    for (let count = 0; count < 1000; count += 1) {
      const at = random.integer(good.length)
      const token = good.slice(0, at) + random.pick(characters) + good.slice(at + random.integer(3))
      if (token !== good) expect((await refusalOf(token)).status, token).toBe(401)
    }
  })
})
