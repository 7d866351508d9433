import { createPublicKey } from 'node:crypto'
import { createVerifier } from '@claimgate/core'
import { describe, expect, it } from 'vitest'

import {
  createIssuer,
  localSigner,
  publicJwkSet,
  publicKeyBase64,
  publicKeyPem,
  type Signer,
  SIGNING_ALGORITHMS,
} from '@claimgate/issuer'

const ISSUER = 'https://issuer.example'
const AUDIENCE = 'orders'

describe.each(SIGNING_ALGORITHMS)('the public key of a %s signer', async (algorithm) => {
  const signer = await localSigner(undefined, { algorithm })
  const issuer = await createIssuer({ issuer: ISSUER, audience: AUDIENCE, signer })
  const token = await issuer.issue({ sub: 'ada' })
  const options = { issuer: ISSUER, audience: AUDIENCE, algorithms: [algorithm] }

  it('is PEM that Node and core accept', async () => {
    const pem = await publicKeyPem(signer)
    expect(pem).toBe(createPublicKey(pem).export({ type: 'spki', format: 'pem' }))
    const { claims } = await createVerifier({ ...options, publicKey: pem }).verify(token)
    expect(claims['sub']).toBe('ada')
  })

  it('is one line of base64 that core accepts', async () => {
    const line = await publicKeyBase64(signer)
    expect(line).toMatch(/^[A-Za-z0-9+/]+=*$/)
    expect(atob(line)).toBe(await publicKeyPem(signer))
    const { claims } = await createVerifier({ ...options, publicKey: line }).verify(token)
    expect(claims['sub']).toBe('ada')
  })

  it('is a JWK Set that core accepts', async () => {
    const jwks = publicJwkSet([signer])
    expect(jwks).toEqual(issuer.jwks())
    const { claims } = await createVerifier({ ...options, jwks }).verify(token)
    expect(claims['sub']).toBe('ada')
  })
})

describe('the public key of a signer', () => {
  it('contains nothing of the private key, whatever the signer exposes', async () => {
    const signer = await localSigner()
    const careless = { ...signer, publicJwk: { ...signer.publicJwk, d: 'c2VjcmV0' } }
    expect(publicJwkSet([careless])).toEqual(publicJwkSet([signer]))
    expect(await publicKeyPem(careless)).toBe(await publicKeyPem(signer))
  })

  it.each<[string, object, string]>([
    [
      'of another type',
      { publicJwk: { kty: 'oct', k: 'c2VjcmV0' } },
      'Cannot export key: "publicJwk" must be a public',
    ],
    ['for another algorithm', { alg: 'RS256' }, 'Cannot export key: "publicJwk" must be a public key for RS256'],
    ['incomplete', { publicJwk: { kty: 'EC' } }, 'Cannot export key: "publicJwk" must be a public key for ES256'],
    ['missing', { publicJwk: null }, 'Cannot use key: "publicJwk" must be a JWK'],
  ])('is rejected if it is %s', async (_, change, message) => {
    const signer = { ...(await localSigner()), ...change } as Signer
    await expect(publicKeyPem(signer)).rejects.toThrow(TypeError)
    await expect(publicKeyPem(signer)).rejects.toThrow(message)
    await expect(publicKeyBase64(signer)).rejects.toThrow(message)
  })

  it('is rejected in a JWK Set if it is of another type', async () => {
    const signer = { ...(await localSigner()), publicJwk: { kty: 'oct', k: 'c2VjcmV0' } }
    expect(() => publicJwkSet([signer])).toThrow('Cannot use key: "publicJwk" must be an asymmetric key, found "oct"')
    expect(() => publicJwkSet([{} as Signer])).toThrow('Cannot use key: it must be a signer')
  })
})
