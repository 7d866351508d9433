import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import {
  calculateJwkThumbprint,
  CompactEncrypt,
  type CryptoKey,
  exportJWK,
  exportPKCS8,
  generateKeyPair,
  importJWK,
  type JWK,
} from 'jose'
import { describe, expect, it } from 'vitest'
import { decryptionKeyFromPem } from '../../../packages/core/src/node.ts'
import { type DecryptionKey, decryptionKeys, decryptJwe } from '../../../packages/core/src/jwe/index.ts'

const rsa = await generateKeyPair('RSA-OAEP-256', { extractable: true })
const p256 = await generateKeyPair('ECDH-ES', { extractable: true, crv: 'P-256' })
const x25519 = await generateKeyPair('ECDH-ES', { extractable: true, crv: 'X25519' })
const jwkOf = (key: CryptoKey): Promise<JWK> => exportJWK(key)

describe('decryptionKeys', () => {
  it('publishes the public half of each key, for encryption only', async () => {
    const keys = decryptionKeys([
      { ...(await jwkOf(rsa.privateKey)), kid: 'rsa' },
      { ...(await jwkOf(p256.privateKey)), kid: 'ec', alg: 'ECDH-ES+A256KW', use: 'enc', key_ops: ['deriveBits'] },
      await jwkOf(x25519.privateKey),
    ])
    expect(await keys.publicJwks()).toEqual({
      keys: [
        { ...(await jwkOf(rsa.publicKey)), kid: 'rsa', alg: 'RSA-OAEP-256', use: 'enc' },
        { ...(await jwkOf(p256.publicKey)), kid: 'ec', alg: 'ECDH-ES+A256KW', use: 'enc' },
        {
          ...(await jwkOf(x25519.publicKey)),
          kid: await calculateJwkThumbprint(await jwkOf(x25519.publicKey)),
          use: 'enc',
        },
      ],
    })
  })

  it('names a key without kid by its thumbprint, in every format', async () => {
    const kid = await calculateJwkThumbprint(await jwkOf(p256.publicKey))
    const pem = await exportPKCS8(p256.privateKey)
    const forms: readonly DecryptionKey[] = [
      await jwkOf(p256.privateKey),
      pem,
      Buffer.from(pem).toString('base64'),
      pem.replaceAll('\n', '\\n'),
      `Key of the server\n${pem}\n`,
      p256,
      decryptionKeyFromPem(pem),
    ]
    for (const form of forms)
      expect(await decryptionKeys(form).publicJwks()).toEqual({
        keys: [{ ...(await jwkOf(p256.publicKey)), kid, use: 'enc' }],
      })
  })

  it.each(['rsa', 'P-256', 'P-384', 'P-521', 'x25519'] as const)('reads %s from PEM', async (kind) => {
    const pem = keyOf(kind).export({ type: 'pkcs8', format: 'pem' }).toString()
    const keys = decryptionKeys(pem)
    const { keys: published } = await keys.publicJwks()
    const [jwk = {}] = published
    const alg = kind === 'rsa' ? 'RSA-OAEP-256' : 'ECDH-ES'
    const token = await new CompactEncrypt(Buffer.from('Frodo'))
      .setProtectedHeader({ alg, enc: 'A256GCM', kid: jwk.kid ?? '' })
      .encrypt(await importJWK(jwk, alg))
    expect(Buffer.from((await decryptJwe(token, { keys })).plaintext).toString()).toBe('Frodo')
  })

  it('accepts a JWK Set, and WebCrypto keys that cannot be exported', async () => {
    const hidden = await crypto.subtle.importKey(
      'pkcs8',
      await crypto.subtle.exportKey('pkcs8', p256.privateKey),
      { name: 'ECDH', namedCurve: 'P-256' },
      false,
      ['deriveBits'],
    )
    const set = { keys: [await jwkOf(p256.privateKey)] }
    const token = await new CompactEncrypt(Buffer.from('Frodo'))
      .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM', kid: 'a' })
      .encrypt(p256.publicKey)
    await expect(decryptJwe(token, { keys: set })).rejects.toMatchObject({ code: 'token_decryption_failed' })
    const named = { privateKey: hidden, kid: 'a' }
    expect((await decryptJwe(token, { keys: named })).header.kid).toBe('a')
    await expect(decryptionKeys(named).publicJwks()).rejects.toThrow(/give \{ privateKey, publicKey \}/)
    expect((await decryptionKeys({ ...named, publicKey: p256.publicKey }).publicJwks()).keys).toMatchObject([
      { kid: 'a' },
    ])
  })

  it('rejects an invalid public half', async () => {
    for (const publicKey of [
      p256.privateKey,
      await crypto.subtle.importKey(
        'jwk',
        await jwkOf(p256.publicKey),
        { name: 'ECDH', namedCurve: 'P-256' },
        false,
        [],
      ),
    ])
      await expect(decryptionKeys({ privateKey: p256.privateKey, publicKey }).ready()).rejects.toThrow(
        /public key that can be exported/,
      )
  })

  it('keeps its keys, whatever happens to the input later', async () => {
    const jwk = { ...(await jwkOf(p256.privateKey)), kid: 'a' }
    const list: DecryptionKey[] = [jwk]
    const keys = decryptionKeys(list)
    list.pop()
    jwk.kid = 'b'
    jwk.x = ''
    expect((await keys.publicJwks()).keys).toMatchObject([{ kid: 'a', x: expect.stringMatching(/./) }])
  })

  it('imports private keys as non-extractable', async () => {
    const key = await decryptionKeys(await jwkOf(rsa.privateKey)).resolve({ alg: 'RSA-OAEP-256' })
    expect(key).toMatchObject({ type: 'private', extractable: false })
  })

  it('exposes only the number of keys', async () => {
    const keys = decryptionKeys([await jwkOf(rsa.privateKey), p256])
    expect(keys.describe()).toBe('2 decryption keys')
    expect(JSON.stringify(keys)).toBe('{}')
  })
})

const keyOf = (kind: 'rsa' | 'P-256' | 'P-384' | 'P-521' | 'x25519'): KeyObject => {
  if (kind === 'rsa') return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  return kind === 'x25519'
    ? generateKeyPairSync('x25519').privateKey
    : generateKeyPairSync('ec', { namedCurve: kind }).privateKey
}
