import { generateKeyPairSync } from 'node:crypto'
import type { JWK } from 'jose'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { publicKey } from '../../../packages/core/src/keys/public-key.ts'
import { secretKey } from '../../../packages/core/src/keys/secret-key.ts'
import { decryptionKeyFromPem } from '../../../packages/core/src/node.ts'

afterEach(() => vi.restoreAllMocks())

const complaint = (make: () => unknown): string => {
  try {
    make()
    return 'taken'
  } catch (error) {
    return (error as Error).message
  }
}
const jwkOf = (type: 'ed25519' | 'ed448' | 'x25519'): object =>
  (generateKeyPairSync as (type: string) => { publicKey: { export(options: object): object } })(type).publicKey.export({
    format: 'jwk',
  })
const A = 'A'.repeat(43)
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' }) as JWK

describe('a public key that cannot be used is named', () => {
  it.each<readonly [object, string]>([
    [{ kty: 'EC', crv: 'secp256k1', x: A, y: A }, 'an EC key on secp256k1'],
    [{ kty: 'EC', crv: 'x'.repeat(10), x: A, y: A }, `an EC key on ${'x'.repeat(10)}`],
    [{ kty: 'EC', crv: 'x'.repeat(11), x: A, y: A }, 'an EC key on an unknown curve'],
    [{ kty: 'EC', crv: 5, x: A, y: A }, 'an EC key on an unknown curve'],
    [{ kty: 'EC', crv: ['P-256'], x: A, y: A }, 'an EC key on an unknown curve'],
    [jwkOf('x25519'), 'an X25519 key'],
    [{ kty: 'OKP', crv: 'Goo', x: A }, 'a Goo key'],
    [{ kty: 'OKP', crv: 'Ab', x: A }, 'an Ab key'],
    [{ kty: 'AKP', alg: 'ML-DSA-0', pub: A }, 'an ML-DSA-0 key'],
    [{ kty: 'Bar' }, 'a Bar key'],
    [{ kty: 'GAE' }, 'a GAE key'],
    [{ kty: 'two words' }, 'a key of an unknown type'],
    [{ kty: 'x'.repeat(11) }, 'a key of an unknown type'],
    [{ kty: '' }, 'a key of an unknown type'],
  ])('%o', (jwk, name) => {
    expect(complaint(() => publicKey(jwk as never))).toMatch(
      new RegExp(`^Cannot use public key: the key in "publicKey" is ${name}(?::|, and)`),
    )
  })

  it('also if only the runtime refuses it', async () => {
    vi.spyOn(crypto.subtle, 'importKey').mockRejectedValue(new Error('not supported'))
    const made = publicKey(jwkOf('ed25519'), ['EdDSA'])
    await expect(made.ready?.()).rejects.toThrow(
      new TypeError(
        'Cannot use public key: this JavaScript runtime does not accept the key in "publicKey", found "an Ed25519 key"',
      ),
    )
  })
})

describe('a public key', () => {
  it('is ready if one of its algorithms is', async () => {
    const made = publicKey(jwkOf('ed25519'), ['EdDSA', 'ES256'])
    expect(made.current?.({ alg: 'EdDSA' })).toBeUndefined()
    await made.ready?.()
    const key = made.current?.({ alg: 'EdDSA' })
    expect(key?.usages).toEqual(['verify'])
    expect(await made.resolve({ alg: 'EdDSA' })).toBe(key)
  })

  it('is ready if the runtime accepts it for one of two algorithms', async () => {
    vi.spyOn(crypto.subtle, 'importKey').mockRejectedValueOnce(new Error('not supported'))
    await expect(publicKey(rsa, ['RS256', 'PS256']).ready?.()).resolves.toBeUndefined()
  })

  it('is used only for the algorithm that its JWK names', async () => {
    const made = publicKey({ ...rsa, alg: 'RS256' }, ['RS256', 'RS512'])
    await expect(made.resolve({ alg: 'RS256' })).resolves.toBeInstanceOf(CryptoKey)
    await expect(made.resolve({ alg: 'RS512' })).rejects.toMatchObject({
      code: 'algorithm_key_mismatch',
      actual: '"RS512"',
      hint: 'The configured public key is an RSA key',
    })
  })

  it.each([
    ['bytes', (der: Buffer) => new Uint8Array(der), 'DER'],
    ['base64', (der: Buffer) => der.toString('base64'), 'DER in base64'],
  ] as const)('is not any other DER, as %s', (_, written, found) => {
    const { privateKey } = generateKeyPairSync('ed25519')
    const der = privateKey.export({ type: 'pkcs8', format: 'der' })
    expect(complaint(() => publicKey(written(der)))).toBe(
      `Cannot use public key: "publicKey" must be a public key or certificate in PEM, the base64 of that text, or a JWK, found ${found}`,
    )
  })
})

describe('a secret', () => {
  const secret = 's'.repeat(64)

  it.each<readonly [string, unknown, string]>([
    ['a JWK', { kty: 'oct', k: 'AA' }, 'a JWK: give the bytes that its "k" is the base64url of'],
    ['another JWK', { kty: 'EC' }, 'a public key: give it as "publicKey"'],
    ['a number', 5, 'a number'],
    ['nothing', undefined, 'undefined'],
    ['a text in quotes', `"${secret}"`, 'quotes around it: take them off'],
    ['a text in single quotes', `'${secret}'`, 'quotes around it: take them off'],
    ['a text with a line in quotes', `\`${secret}\n${secret}\``, 'quotes around it: take them off'],
    ['a text with a space before it', ` ${secret}`, 'white space around it: take it off, or give the bytes'],
    ['a text with a line break after it', `${secret}\n`, 'white space around it: take it off, or give the bytes'],
  ])('is not %s', (_, given, found) => {
    expect(complaint(() => secretKey(given as never, ['HS256']))).toBe(
      `Cannot use secret: "secret" must be text, or bytes as a Uint8Array, found ${found}`,
    )
  })

  it.each([`"${secret}`, `${secret}"`, `"${secret}'`, `a"${secret}"`, `"${secret}"a`])(
    'may have quotes that are not around it: %s',
    (given) => {
      expect(complaint(() => secretKey(given, ['HS256']))).toBe('taken')
    },
  )

  it.each([
    ['HS256', 32],
    ['HS384', 48],
    ['HS512', 64],
  ] as const)('for %s has at least %d bytes', (alg, fewest) => {
    expect(complaint(() => secretKey('s'.repeat(fewest), [alg]))).toBe('taken')
    expect(complaint(() => secretKey('s'.repeat(fewest - 1), [alg]))).toBe(
      `Cannot use secret: "secret" must have at least ${fewest} bytes for ${alg}, found "${fewest - 1} bytes"`,
    )
  })

  it('is imported once for each algorithm, and is what the bytes were then', async () => {
    const bytes = new Uint8Array(80).fill(7).subarray(8, 72)
    const made = secretKey(bytes, ['HS256', 'HS512'])
    bytes.fill(0)
    expect([made.current?.({ alg: 'HS256' }), made.describe?.()]).toEqual([undefined, 'a secret'])
    const key = await made.resolve({ alg: 'HS256' })
    expect([made.current?.({ alg: 'HS256' }), await made.resolve({ alg: 'HS256' })]).toEqual([key, key])
    expect([key.extractable, key.usages]).toEqual([false, ['verify']])
    const same = await crypto.subtle.importKey(
      'raw',
      new Uint8Array(64).fill(7),
      { name: 'HMAC', hash: 'SHA-256' },
      false,
      ['sign'],
    )
    const data = Uint8Array.of(1, 2)
    expect(await crypto.subtle.verify('HMAC', key, await crypto.subtle.sign('HMAC', same, data), data)).toBe(true)
  })
})

describe('a decryption key', () => {
  it.each<readonly [string, unknown, string]>([
    ['a JWK', { kty: 'EC' }, 'it must be a PEM text, found a JWK'],
    ['a JWK in JSON', '{"kty":"EC"}', 'it must be a PEM text, found a JWK'],
    ['a text', 'x', 'it must be a PEM text, found 1 characters of something else'],
  ])('is not %s', (_, given, message) => {
    expect(complaint(() => decryptionKeyFromPem(given as never))).toBe(`Cannot read decryption key: ${message}`)
  })

  it('that is a public key is refused', () => {
    const { publicKey: made } = generateKeyPairSync('x25519')
    const pem = String(made.export({ type: 'spki', format: 'pem' }))
    expect(complaint(() => decryptionKeyFromPem(pem))).toBe(
      'Cannot read decryption key: it must be a private key in PEM',
    )
    expect(complaint(() => decryptionKeyFromPem(`x Proc-Type: 4,ENCRYPTED\n${pem}`))).toBe(
      'Cannot read decryption key: it must be a private key in PEM',
    )
  })

  it('whose PEM only mentions the header of an encrypted one needs no passphrase', () => {
    const pem = '-----BEGIN PRIVATE KEY-----\nX-Proc-Type: 4,ENCRYPTED\n\nMAA=\n-----END PRIVATE KEY-----'
    expect(complaint(() => decryptionKeyFromPem(pem))).toBe(
      'Cannot read decryption key: it must be a private key in PEM',
    )
    expect(complaint(() => decryptionKeyFromPem(pem.replace('X-', '')))).toBe(
      'Cannot read decryption key: the PEM is encrypted, and needs its passphrase',
    )
  })
})
