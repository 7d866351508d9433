import { randomBytes } from 'node:crypto'

import { type DecryptionKey, decryptionKeys } from '@claimgate/core/jwe'
import { exportJWK, exportPKCS8, generateKeyPair } from 'jose'
import { describe, expect, it } from 'vitest'

import {
  pairOf,
  signing,
  rsa,
  p256,
  p384,
  x25519,
  nestedWith,
  seal,
  encrypt,
  answerTo,
  refusalOf,
  countCryptography,
  FAILED,
  said,
} from '../../support/core/encrypted.ts'
import { encode, refused, VERIFIED } from '../../support/core/refusal.ts'

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

  it.each(['', 'RSA', 'rsa ', 'constructor', 'toString', 'length', '0'])(
    'finds no key with the kid %j',
    async (kid) => {
      const token = seal({ kid })
      expect(
        await countCryptography(async () => expect(await answerTo(token)).toEqual(refused('token_decryption_failed'))),
      ).toBe(0)
    },
  )

  it('tries the keys that fit if there is no kid, at most four', async () => {
    expect(await answerTo(seal({ kid: undefined }))).toEqual(VERIFIED)
    // Distinguished by the curve of epk.
    const alg = 'ECDH-ES'
    expect(await answerTo(await encrypt(p256.publicKey, { alg, kid: undefined }))).toEqual(VERIFIED)
    expect(await answerTo(await encrypt(x25519.publicKey, { alg, kid: undefined }))).toEqual(VERIFIED)
    expect((await refusalOf(await encrypt(p384.publicKey, { alg, kid: undefined }))).code).toBe(FAILED.code)
    const others = await Promise.all([1, 2, 3, 4].map(async () => (await pairOf('ECDH-ES', 'P-256')).privateJwk))
    const token = await encrypt(p256.publicKey, { alg, kid: undefined })
    const four = nestedWith([...others.slice(1), p256.privateJwk])
    expect(await answerTo(token, four)).toEqual(VERIFIED)
    const five = nestedWith([...others, p256.privateJwk])
    const ambiguous = async (): Promise<void> => expect((await refusalOf(token, five)).code).toBe(FAILED.code)
    await five.ready()
    expect(await countCryptography(ambiguous)).toBe(0)
  })

  it.each(['ECDH-ES', 'ECDH-ES+A128KW', 'RSA-OAEP-256'])(
    'reports the same for a token without kid that none of several keys decrypts, with %s',
    async (alg) => {
      const crv = alg === 'RSA-OAEP-256' ? undefined : 'P-256'
      const [one, two, other] = await Promise.all([1, 2, 3].map(async () => pairOf(alg, crv)))
      if (!one || !two || !other) throw new Error('three pairs were made')
      const several = nestedWith([one.privateJwk, two.privateJwk])
      for (const { publicKey } of [one, two])
        expect(await answerTo(await encrypt(publicKey, { alg, kid: undefined }), several)).toEqual(VERIFIED)
      const token = await encrypt(other.publicKey, { alg, kid: undefined })
      expect(said(await refusalOf(token, several))).toEqual(FAILED)
      expect(said(await refusalOf(token, nestedWith(one.privateJwk)))).toEqual(FAILED)
      const damaged = (await encrypt(two.publicKey, { alg, kid: undefined })).replace(/.$/, (last) =>
        last === 'A' ? 'Q' : 'A',
      )
      expect(said(await refusalOf(damaged, several))).toEqual(FAILED)
    },
  )

  it('never tries a key other than the one that the token names', async () => {
    const other = await pairOf('ECDH-ES', 'P-256')
    const two = nestedWith([
      { ...p256.privateJwk, kid: 'a' },
      { ...other.privateJwk, kid: 'b' },
    ])
    const token = await encrypt(other.publicKey, { alg: 'ECDH-ES', kid: 'a' })
    expect(said(await refusalOf(token, two))).toEqual(FAILED)
  })

  it('accepts null for absent members of a JWK, and base64 with padding, and publishes canonical ones', async () => {
    const { x = '', ...jwk } = p256.privateJwk
    const odd = {
      ...jwk,
      x: Buffer.from(x, 'base64url').toString('base64'),
      kid: null,
      use: null,
      alg: null,
      key_ops: [],
    }
    const given = decryptionKeys(odd as unknown as DecryptionKey)
    expect(
      await answerTo(await encrypt(p256.publicKey, { alg: 'ECDH-ES', kid: undefined }), nestedWith(given)),
    ).toEqual(VERIFIED)
    expect((await given.publicJwks()).keys).toMatchObject([{ x, use: 'enc' }])
  })

  it('uses a key with an alg only for that algorithm', async () => {
    const only = nestedWith({ ...p256.privateJwk, alg: 'ECDH-ES+A256KW', kid: 'k' })
    expect(await answerTo(await encrypt(p256.publicKey, { alg: 'ECDH-ES+A256KW', kid: 'k' }), only)).toEqual(VERIFIED)
    expect((await refusalOf(await encrypt(p256.publicKey, { alg: 'ECDH-ES', kid: 'k' }), only)).code).toBe(FAILED.code)
  })
})

describe('39. Keys that are unfit for decryption are rejected at start-up', async () => {
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
    [
      'a point that is not on its curve',
      { ...p256.privateJwk, x: p256.privateJwk.y },
      /not fit for use: invalid_point/,
    ],
    ['a point of small order', { ...x25519.privateJwk, x: encode(Buffer.alloc(32)) }, /not fit for use: invalid_point/],
    ['a truncated coordinate', { ...p256.privateJwk, x: 'AQID' }, /not fit for use: invalid_point/],
    ['a coordinate that is not base64', { ...p256.privateJwk, x: 'A*' }, /not fit for use: malformed/],
    ['key_ops for signatures', { ...p256.privateJwk, key_ops: ['sign'] }, /"key_ops" of key 1/],
    ['alg of a signature', { ...p256.privateJwk, alg: 'ES256' }, /"alg" of key 1/],
    ['alg RSA1_5', { ...rsa.privateJwk, alg: 'RSA1_5' }, /"alg" of key 1/],
    ['alg RSA-OAEP', { ...rsa.privateJwk, alg: 'RSA-OAEP' }, /"alg" of key 1/],
    ['alg of another kind of key', { ...rsa.privateJwk, alg: 'ECDH-ES' }, /"alg" of key 1/],
    ['an empty kid', { ...p256.privateJwk, kid: '' }, /"kid" of key 1 must have 1 to 256/],
    ['a long kid', { ...p256.privateJwk, kid: 'k'.repeat(257) }, /"kid" of key 1 must have 1 to 256/],
    ['a public PEM', signing.publicPem, /found a public key$/],
    [
      'a PEM with passphrase',
      '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----',
      /decryptionKeyFromPem/,
    ],
    ['a PKCS#1 PEM', '-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----', /openssl pkcs8/],
    ['a text that is not base64', '!!!', /must be a private key as a JWK, or in PKCS#8 PEM .*, found 3 characters/],
    ['an empty text', '', /found an empty text$/],
    [
      'DER in base64',
      btoa('0\u0003\u0002\u0001\u0000'),
      /found DER in base64: convert it to PEM with "openssl pkey -inform DER"$/,
    ],
    ['a file path', '/run/secrets/key.pem', /found the path of a file: give what the file holds$/],
    [
      'a PEM encrypted in the older form',
      '-----BEGIN PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n-----END PRIVATE KEY-----',
      /found an encrypted PEM$/,
    ],
    ['a damaged PEM', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----', /found a PEM that is damaged/],
    ['a text', 'secret', /found 6 characters of something else$/],
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
      'a PEM of another type',
      async () => '-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----',
      /must be an RSA key, or/,
    ],
    [
      'two keys with one name',
      async () => [
        { ...p256.privateJwk, kid: 'a' },
        { ...rsa.privateJwk, kid: 'a' },
      ],
      /two with one "kid"/,
    ],
    ['a key twice', async () => [p256.privateJwk, await exportPKCS8(p256.privateKey)], /two with one "kid"/],
    [
      'a private scalar of another length',
      async () => ({ ...p256.privateJwk, d: 'AAAA' }),
      /that this JavaScript runtime accepts/,
    ],
  ])('%s, in ready()', async (_, give, message) => {
    const given = (await give()) as DecryptionKey
    const made = decryptionKeys(given)
    await expect(made.ready()).rejects.toThrow(TypeError)
    await expect(made.ready()).rejects.toThrow(message)
    await expect(nestedWith(given).ready()).rejects.toThrow(message)
    // It decrypts nothing meanwhile.
    await expect(nestedWith(given).verify(seal())).rejects.toThrow(message)
  })

  it('without key material in the message', async () => {
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
