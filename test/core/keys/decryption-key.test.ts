import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { decryptionKeyFromPem } from '../../../packages/core/src/node.ts'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
const pss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey
const ec = (namedCurve: string): KeyObject => generateKeyPairSync('ec', { namedCurve }).privateKey
const p256 = ec('P-256')
const x25519 = generateKeyPairSync('x25519').privateKey
const ed25519 = generateKeyPairSync('ed25519').privateKey

const PASSPHRASE = 'correct horse battery staple'
const open = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString()
const locked = (key: KeyObject, passphrase: string = PASSPHRASE): string =>
  key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase }).toString()

describe('decryptionKeyFromPem', () => {
  it.each([
    ['RSA', rsa],
    ['P-256', p256],
    ['P-384', ec('P-384')],
    ['P-521', ec('P-521')],
    ['X25519', x25519],
  ])('returns the private JWK of %s, with a passphrase or without', (_, key) => {
    const jwk = { ...key.export({ format: 'jwk' }), use: 'enc' }
    expect(decryptionKeyFromPem(open(key))).toEqual(jwk)
    expect(decryptionKeyFromPem(locked(key), PASSPHRASE)).toEqual(jwk)
  })

  it('reads the older forms, encrypted or not', () => {
    const jwk = { ...rsa.export({ format: 'jwk' }), use: 'enc' }
    expect(decryptionKeyFromPem(rsa.export({ type: 'pkcs1', format: 'pem' }).toString())).toEqual(jwk)
    const sec1 = p256.export({ type: 'sec1', format: 'pem', cipher: 'aes-128-cbc', passphrase: PASSPHRASE }).toString()
    expect(decryptionKeyFromPem(sec1, PASSPHRASE)).toMatchObject({ kty: 'EC', crv: 'P-256' })
  })

  it('ignores a passphrase that the PEM does not need', () => {
    expect(decryptionKeyFromPem(open(p256), PASSPHRASE)).toMatchObject({ kty: 'EC' })
  })

  const publicPem = createPrivateKey(open(p256)).export({ type: 'sec1', format: 'der' }).toString('base64')
  it.each<[string, () => unknown, string]>([
    [
      'a missing passphrase',
      () => decryptionKeyFromPem(locked(p256)),
      'the PEM is encrypted, and needs its passphrase',
    ],
    [
      'an empty passphrase',
      () => decryptionKeyFromPem(locked(p256), ''),
      'the PEM is encrypted, and needs its passphrase',
    ],
    [
      'a damaged PEM',
      () => decryptionKeyFromPem(open(p256).replace('MI', 'AA')),
      'it must be a PEM text, found a PEM that is damaged or cut off',
    ],
    ['no PEM', () => decryptionKeyFromPem(publicPem), 'it must be a PEM text, found DER in base64'],
    ['undefined', () => decryptionKeyFromPem(undefined as never), 'it must be a PEM text, found undefined'],
    ['a weak RSA key', () => decryptionKeyFromPem(open(weak)), 'an RSA key must have at least 2048 bits, found 1024'],
    [
      'a signing key',
      () => decryptionKeyFromPem(open(ed25519)),
      'it must be an RSA key, or a key on P-256, P-384, P-521 or X25519, found "ed25519"',
    ],
    [
      'a key for PSS',
      () => decryptionKeyFromPem(open(pss)),
      'it must be an RSA key, or a key on P-256, P-384, P-521 or X25519, found "rsa-pss"',
    ],
    [
      'another curve',
      () => decryptionKeyFromPem(open(ec('secp256k1'))),
      'it must be an RSA key, or a key on P-256, P-384, P-521 or X25519, found "ec"',
    ],
  ])('refuses %s with a sentence', (_, read, sentence) => {
    expect(read).toThrow(new TypeError(`Cannot read decryption key: ${sentence}`))
  })

  it('reports every wrong passphrase alike, and quotes neither it nor the key', () => {
    const pem = locked(p256)
    // Among this many, some decrypt to bytes that look padded.
    const errors = Array.from({ length: 300 }, (_, count): unknown => {
      try {
        return decryptionKeyFromPem(pem, `wrong horse ${count}`)
      } catch (error) {
        return error
      }
    })
    for (const error of errors) {
      expect(error).toEqual(
        new TypeError('Cannot read decryption key: the passphrase is not the one of this PEM, or the PEM is damaged'),
      )
      expect((error as Error).cause).toBeUndefined()
    }
  })
})
