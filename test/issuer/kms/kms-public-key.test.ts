import { createVerifier, optionsFromEnv } from '@claimgate/core'
import { createLambdaHandler, publicKeyBase64, publicKeyPem } from '@claimgate/issuer'
import { kmsSigner } from '@claimgate/issuer/kms'
import { validCertificate } from '@claimgate/testing'
import { type FakeKms, startFakeKms } from '@claimgate/testing/aws'
import type { KMSClient } from '@aws-sdk/client-kms'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kmsClient } from '../../support/issuer/kms-client.ts'

// An API that gets only the public half of a KMS key: no JWK Set, no AWS.
const issuer = 'https://issuer.example'
const audience = 'orders-api'
const KEYS = ['rsa', 'p256', 'p384', 'p521', 'ed25519', 'certified'] as const

let kms: FakeKms
let client: KMSClient

beforeAll(async () => {
  kms = await startFakeKms({
    keys: [
      { keyId: 'rsa', keySpec: 'RSA_2048' },
      { keyId: 'p256', keySpec: 'ECC_NIST_P256' },
      { keyId: 'p384', keySpec: 'ECC_NIST_P384' },
      { keyId: 'p521', keySpec: 'ECC_NIST_P521' },
      { keyId: 'ed25519', keySpec: 'ECC_NIST_EDWARDS25519' },
      { keyId: 'certified', keySpec: 'ECC_NIST_P256', privateKey: validCertificate.key },
    ],
  })
  client = kmsClient(kms.endpoint)
})
afterAll(async () => {
  client.destroy()
  await kms.close()
})

const pemOf = (keyId: string): string => kms.keys.find((key) => key.keyId === keyId)?.publicPem ?? ''
const base64 = (text: string): string => Buffer.from(text).toString('base64')
const tokenOf = async (keyId: string): Promise<string> => {
  const handler = createLambdaHandler({ signer: () => kmsSigner({ client, keyId }) })
  return (await handler({ claims: { iss: issuer, aud: audience, sub: 'ada' }, ttl: 60, setIat: true })).token
}
const fromEnvironment = (publicKey: string) =>
  createVerifier(optionsFromEnv({ JWT_ISSUER: issuer, JWT_AUDIENCE: audience, JWT_PUBLIC_KEY: publicKey }))

describe.each(KEYS)('a token of the KMS key %s is verified', (keyId) => {
  it.each([
    ['public.pem as the console downloads it', (pem: string) => createVerifier({ issuer, audience, publicKey: pem })],
    ['that PEM in the environment', fromEnvironment],
    ['the base64 of it in the environment', (pem: string) => fromEnvironment(base64(pem))],
    ['PEM with the line ends of Windows', (pem: string) => fromEnvironment(pem.replaceAll('\n', '\r\n'))],
  ])('with %s', async (_what, verifierOf) => {
    const { claims, header } = await verifierOf(pemOf(keyId)).verify(await tokenOf(keyId))
    expect([claims.sub, header?.kid]).toEqual(['ada', keyId])
  })

  it('and with the PEM that its signer returns', async () => {
    const signer = await kmsSigner({ client, keyId })
    expect(await publicKeyPem(signer)).toBe(pemOf(keyId))
    expect(await publicKeyBase64(signer)).toBe(base64(pemOf(keyId)))
  })
})

describe('a certificate for a key in KMS', () => {
  it.each([
    ['X.509 PEM', (pem: string) => createVerifier({ issuer, audience, publicKey: pem })],
    ['X.509 PEM in the environment', fromEnvironment],
    ['the base64 of X.509 PEM in the environment', (pem: string) => fromEnvironment(base64(pem))],
  ])('verifies only its tokens, as %s', async (_what, verifierOf) => {
    const verifier = verifierOf(validCertificate.cert)
    expect((await verifier.verify(await tokenOf('certified'))).claims.sub).toBe('ada')
    await expect(verifier.verify(await tokenOf('p256'))).rejects.toMatchObject({ code: 'signature_invalid' })
  })
})

describe('the public half of one key', () => {
  it.each(KEYS)('verifies no token of another key: %s', async (keyId) => {
    const verifier = fromEnvironment(pemOf(keyId))
    for (const other of KEYS.filter((key) => key !== keyId)) {
      await expect(verifier.verify(await tokenOf(other)), other).rejects.toMatchObject({
        name: 'AuthError',
        status: 401,
      })
    }
  })
})
