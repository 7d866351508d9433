import { exportJWK, generateKeyPair, importJWK } from 'jose'
import { describe, expect, it } from 'vitest'
import { keyMaterial } from '../../../packages/issuer/src/signer/local-signer.ts'

describe('key material', () => {
  it('cannot be generated for an algorithm that the runtime lacks', async () => {
    await expect(keyMaterial(undefined, 'ES1024' as never)).rejects.toThrow(
      new TypeError('Cannot generate key: the algorithm must be one that this runtime has, found "ES1024"'),
    )
  })

  it('has a private key that cannot be extracted, whether generated or imported', async () => {
    const jwk = await exportJWK((await generateKeyPair('ES256', { extractable: true })).privateKey)
    expect((await keyMaterial(undefined, 'ES256')).privateKey.extractable).toBe(false)
    expect((await keyMaterial(jwk, 'ES256')).privateKey.extractable).toBe(false)
  })

  it('is no pair if one half is missing', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256')
    for (const half of [{ privateKey }, { publicKey }]) {
      await expect(keyMaterial(half as never, 'ES256')).rejects.toThrow(
        new TypeError('Cannot use key: it must be a private JWK for ES256, found an object'),
      )
    }
  })

  it('is rejected if the public key cannot be exported', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256')
    const sealed = await importJWK(await exportJWK(publicKey), 'ES256', { extractable: false })
    await expect(keyMaterial({ privateKey, publicKey: sealed as typeof publicKey }, 'ES256')).rejects.toThrow(
      'Cannot use key: it must be a key pair for ES256 with an exportable public key',
    )
  })
})
