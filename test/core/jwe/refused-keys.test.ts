import { decryptionKeys } from '@claimgate/core/jwe'
import { generateKeyPairSync } from 'node:crypto'
import { exportJWK, type JWK } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { pairOf, p256, rsa, x25519 } from '../../support/core/encrypted.ts'

const pem = (kind: 'pkcs1' | 'sec1' | 'spki' | 'pkcs8', more: object = {}): string => {
  const { publicKey, privateKey } =
    kind === 'pkcs1'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return (kind === 'spki' ? publicKey : privateKey).export({ type: kind, format: 'pem', ...more }).toString()
}

/** Why a key is refused, at once or when it is imported. */
async function refusalOf(key: unknown): Promise<string> {
  try {
    await decryptionKeys(key as JWK).ready()
    return 'accepted'
  } catch (error) {
    const { message } = error as Error
    expect(error).toBeInstanceOf(TypeError)
    return message.replace('Cannot use decryption keys: ', '')
  }
}

let weak: JWK
beforeAll(async () => {
  weak = await exportJWK(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey)
})

describe('a key that cannot decrypt is refused', () => {
  it.each<readonly [string, () => unknown, string]>([
    ['nothing', () => undefined, 'key 1 must be a JWK, a PEM text or a CryptoKey, found undefined'],
    ['a number', () => 5, 'key 1 must be a JWK, a PEM text or a CryptoKey, found a number'],
    ['the second of two', () => [p256.privateJwk, null], 'key 2 must be a JWK, a PEM text or a CryptoKey, found null'],
    ['an empty list', () => [], 'there must be at least one'],
    ['an empty JWK Set', () => ({ keys: [] }), 'there must be at least one'],
    [
      'two with one kid',
      () => [
        { ...p256.privateJwk, kid: 'a' },
        { ...rsa.privateJwk, kid: 'a' },
      ],
      'there must not be two with one "kid", found "a"',
    ],
    ['a public key', () => p256.publicJwk, 'key 1 must be a private key, and has no "d"'],
    [
      'a secret',
      () => ({ kty: 'oct', k: 'c2VjcmV0' }),
      'key 1 must be an RSA key, or a key on P-256, P-384, P-521 or X25519, found "oct "',
    ],
    ['another curve', () => ({ ...p256.privateJwk, crv: 'secp256k1' }), 'P-521 or X25519, found "EC secp256k1"'],
    ['a curve with ten characters', () => ({ ...p256.privateJwk, crv: 'secp256k-1' }), 'found "EC secp256k-1"'],
    ['a long curve', () => ({ ...p256.privateJwk, crv: 'secp256k1-1' }), 'P-521 or X25519, found "EC "'],
    ['a curve of another type', () => ({ ...x25519.privateJwk, kty: 'EC' }), 'P-521 or X25519, found "EC X25519"'],
    ['Ed25519', () => ({ kty: 'OKP', crv: 'Ed25519', x: 'A', d: 'A' }), 'P-521 or X25519, found "OKP Ed25519"'],
    ['a weak key', () => weak, 'key 1 is not fit for use: '],
    [
      'a point that is not on its curve',
      () => ({ ...p256.privateJwk, y: p256.privateJwk.x }),
      'key 1 is not fit for use: invalid_point',
    ],
    [
      'a point of small order',
      () => ({ ...x25519.privateJwk, x: 'A'.repeat(43) }),
      'key 1 is not fit for use: invalid_point',
    ],
    ['a short point', () => ({ ...x25519.privateJwk, x: 'AA' }), 'key 1 is not fit for use: malformed'],
    ['a signing key', () => ({ ...p256.privateJwk, use: 'sig' }), 'the "use" of key 1 must be "enc", found "sig"'],
    [
      'key_ops without decryption',
      () => ({ ...p256.privateJwk, key_ops: ['sign'] }),
      'the "key_ops" of key 1 must allow to decrypt or to derive keys',
    ],
    [
      'key_ops that are no list',
      () => ({ ...p256.privateJwk, key_ops: 'decrypt' }),
      'the "key_ops" of key 1 must allow',
    ],
    [
      'an empty kid',
      () => ({ ...p256.privateJwk, kid: '' }),
      'the "kid" of key 1 must have 1 to 256 characters, found ""',
    ],
    [
      'a long kid',
      () => ({ ...p256.privateJwk, kid: 'a'.repeat(257) }),
      'the "kid" of key 1 must have 1 to 256 characters',
    ],
    [
      'a number as kid',
      () => ({ ...p256.privateJwk, kid: 1 }),
      'the "kid" of key 1 must have 1 to 256 characters, found 1',
    ],
    [
      'an unknown alg',
      () => ({ ...rsa.privateJwk, alg: 'RSA-OAEP' }),
      'the "alg" of key 1 must be one that RSA keys decrypt with here, found "RSA-OAEP"',
    ],
    [
      'the alg of another kind',
      () => ({ ...p256.privateJwk, alg: 'RSA-OAEP-256' }),
      'the "alg" of key 1 must be one that P-256 keys decrypt with here',
    ],
    [
      'the alg of another kind, the other way round',
      () => ({ ...rsa.privateJwk, alg: 'ECDH-ES' }),
      'the "alg" of key 1 must be one that RSA keys decrypt with here',
    ],
    [
      'private members that do not fit',
      () => ({ ...p256.privateJwk, d: 'AA' }),
      'key 1 must be a P-256 key that this JavaScript runtime accepts',
    ],
    ['PKCS#1', () => pem('pkcs1'), 'found PKCS#1: convert it with "openssl pkcs8 -topk8 -nocrypt"'],
    [
      'SEC 1',
      () => pem('sec1'),
      'found SEC 1: convert it with "openssl pkcs8 -topk8 -nocrypt", or read it by decryptionKeyFromPem() of "@claimgate/core/node"',
    ],
    [
      'a public PEM',
      () => pem('spki'),
      'key 1 must be a private key as a JWK, or in PKCS#8 PEM ("-----BEGIN PRIVATE KEY-----"), found a public key',
    ],
    [
      'an encrypted PEM',
      () => pem('pkcs8', { cipher: 'aes-256-cbc', passphrase: 'a' }),
      'found an encrypted one: read one with a passphrase by decryptionKeyFromPem()',
    ],
    ['a certificate', () => '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', 'found a certificate'],
    ['another PEM', () => '-----BEGIN OTHER KEY-----\nMAMCAQE=\n-----END OTHER KEY-----\n', 'found another PEM'],
    [
      'a PEM of a key for signatures',
      () => generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      'key 1 must be an RSA key, or a key on P-256, P-384, P-521 or X25519',
    ],
    [
      'a PEM of nothing',
      () => '-----BEGIN PRIVATE KEY-----\nMAMCAQE=\n-----END PRIVATE KEY-----\n',
      'key 1 must be an RSA key, or a key on P-256, P-384, P-521 or X25519, in PKCS#8 form',
    ],
    [
      'DER',
      () => Uint8Array.from(generateKeyPairSync('x25519').privateKey.export({ type: 'pkcs8', format: 'der' })),
      'convert it to PEM with "openssl pkey -inform DER"',
    ],
    ['a public WebCrypto key', () => p256.publicKey, 'key 1 must be a private key, found "public"'],
    ['a pair without a key', () => ({ privateKey: 'a' }), 'key 1 must be a private key, found "string"'],
    ['a pair with a long kid', () => ({ privateKey: p256.privateKey, kid: 'a'.repeat(257) }), 'the "kid" of key 1'],
    ['a pair with another alg', () => ({ privateKey: p256.privateKey, alg: 'RSA-OAEP-256' }), 'the "alg" of key 1'],
    [
      'a pair with a private half as public one',
      () => ({ privateKey: p256.privateKey, publicKey: p256.privateKey }),
      'the "publicKey" of key 1 must be a public key that can be exported, found "private"',
    ],
  ])('%s', async (_, keyOf, message) => {
    expect(await refusalOf(keyOf())).toContain(message)
  })

  it.each<readonly [string, object, readonly string[], string]>([
    [
      'RSA with SHA-1',
      { name: 'RSA-OAEP', modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1), hash: 'SHA-1' },
      ['decrypt', 'encrypt'],
      'key 1 must be for RSA-OAEP with SHA-256, found "SHA-1"',
    ],
    [
      'RSA that only unwraps',
      { name: 'RSA-OAEP', modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1), hash: 'SHA-256' },
      ['unwrapKey', 'wrapKey'],
      'key 1 must be usable for "decrypt", found ["unwrapKey"]',
    ],
    [
      'RSA with 1024 bits',
      { name: 'RSA-OAEP', modulusLength: 1024, publicExponent: Uint8Array.of(1, 0, 1), hash: 'SHA-256' },
      ['decrypt', 'encrypt'],
      'key 1 is not fit for use: weak, found "1024 bits"',
    ],
    [
      'ECDH that derives keys only',
      { name: 'ECDH', namedCurve: 'P-256' },
      ['deriveKey'],
      'key 1 must be for RSA-OAEP, or be usable for "deriveBits", found "ECDH"',
    ],
    [
      'ECDSA',
      { name: 'ECDSA', namedCurve: 'P-256' },
      ['sign', 'verify'],
      'key 1 must be for RSA-OAEP, or be usable for "deriveBits", found "ECDSA"',
    ],
  ])('as a WebCrypto key: %s', async (_, algorithm, usages, message) => {
    const { privateKey } = await crypto.subtle.generateKey(algorithm as never, true, usages as never)
    expect(await refusalOf(privateKey)).toContain(message)
  })

  it('and so is publishing one whose public half is unknown', async () => {
    await expect(decryptionKeys(p256.privateKey).publicJwks()).rejects.toThrow(
      'Cannot publish decryption keys: give { privateKey, publicKey } for each WebCrypto key',
    )
  })
})

describe('a key that can decrypt', () => {
  it.each<readonly [string, () => unknown]>([
    ['with null members', () => ({ ...p256.privateJwk, kid: null, alg: null, use: null, key_ops: null })],
    ['with key_ops', () => ({ ...rsa.privateJwk, key_ops: ['sign', 'unwrapKey'] })],
    ['with a kid of 256 characters', () => ({ ...rsa.privateJwk, kid: 'a'.repeat(256) })],
    ['with the use "enc"', () => ({ ...rsa.privateJwk, use: 'enc' })],
    ['with key_ops for decryption', () => ({ ...rsa.privateJwk, key_ops: ['decrypt'] })],
    ['with key_ops for derivation', () => ({ ...p256.privateJwk, key_ops: ['deriveKey'] })],
    ['as the text of a JWK', () => JSON.stringify(p256.privateJwk)],
    ['as a WebCrypto key', () => x25519.privateKey],
    ['as bytes of a PEM', () => new TextEncoder().encode(pem('pkcs8'))],
  ])('is accepted %s', async (_, keyOf) => {
    expect(await refusalOf(keyOf())).toBe('accepted')
  })

  it('is not extractable once it is imported', async () => {
    const keys = decryptionKeys({ ...rsa.privateJwk, kid: 'a' })
    const key = await keys.resolve({ alg: 'RSA-OAEP-256', kid: 'a' })
    expect([key.type, key.extractable]).toEqual(['private', false])
  })

  it('may be an instance of a class', async () => {
    class Pair {
      get privateKey() {
        return p256.privateKey
      }
      get publicKey() {
        return p256.publicKey
      }
      get kid() {
        return 'own'
      }
      get alg() {
        return 'ECDH-ES' as const
      }
    }
    const { keys } = await decryptionKeys(new Pair()).publicJwks()
    expect(keys).toEqual([{ ...p256.publicJwk, kid: 'own', alg: 'ECDH-ES', use: 'enc' }])
  })

  it('is described by how many there are', async () => {
    expect(decryptionKeys([p256.privateJwk, (await pairOf('ECDH-ES', 'P-521')).privateJwk]).describe()).toBe(
      '2 decryption keys',
    )
  })
})
