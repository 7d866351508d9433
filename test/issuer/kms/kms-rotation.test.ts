import { createVerifier, type VerifiedToken } from '@claimgate/core'
import { staticKeySet } from '@claimgate/core/extend'
import { createIssuer, type Issuer } from '@claimgate/issuer'
import { kmsSigner } from '@claimgate/issuer/kms'
import { createTestClock, type TestClock } from '@claimgate/testing'
import { type FakeKms, startFakeKms } from '@claimgate/testing/aws'
import type { KMSClient } from '@aws-sdk/client-kms'
import { decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { kmsClient } from '../../support/issuer/kms-client.ts'

const ISSUER = 'https://issuer.example'
const TTL = 600
const AHEAD = 300

let kms: FakeKms
let client: KMSClient
let clock: TestClock
let issuer: Issuer

beforeAll(async () => {
  const specs = ['ECC_NIST_P256', 'ECC_NIST_EDWARDS25519', 'ECC_NIST_P384'] as const
  kms = await startFakeKms({ keys: specs.map((keySpec, index) => ({ keyId: `key-${index + 1}`, keySpec })) })
  client = kmsClient(kms.endpoint)
})
afterAll(async () => {
  client.destroy()
  await kms.close()
})
beforeEach(async () => {
  clock = createTestClock()
  kms.setState('key-1', 'Enabled')
  const signers = await Promise.all(kms.keys.map(({ keyId }) => kmsSigner({ client, keyId })))
  issuer = await createIssuer({ issuer: ISSUER, signers, ttl: TTL, jwksMaxAge: AHEAD, clock })
})

const kidOf = (token: string): string | undefined => decodeProtectedHeader(token).kid
const published = (): readonly (string | undefined)[] => issuer.jwks().keys.map(({ kid }) => kid)
/** Like an API that has just fetched the JWK Set. */
const verify = async (token: string): Promise<VerifiedToken> =>
  createVerifier({ issuer: ISSUER, audience: null, keys: staticKeySet(issuer.jwks()), clock }).verify(token)

describe('rotation over a list of KMS keys', () => {
  it('publishes all of them from the start and signs with the first', async () => {
    expect(published()).toEqual(['key-1', 'key-2', 'key-3'])
    expect(kidOf(await issuer.issue({ sub: 'ada' }))).toBe('key-1')
  })

  it('signs with the next keys in order, and publishes the previous key until its tokens expire', async () => {
    const first = await issuer.issue({ sub: 'ada' })
    expect((await issuer.rotate()).kid).toBe('key-2')
    clock.advance(AHEAD * 1000)
    const second = await issuer.issue({ sub: 'ada' })
    expect(kidOf(second)).toBe('key-2')
    for (const token of [first, second]) expect((await verify(token)).claims.sub).toBe('ada')

    clock.advance((TTL - AHEAD + 5) * 1000)
    expect(published()).toEqual(['key-2', 'key-3'])
    await expect(verify(first)).rejects.toMatchObject({ status: 401 })
    expect((await verify(second)).claims.sub).toBe('ada')
  })

  it('stops at the end of the list instead of signing with a key that is not in KMS', async () => {
    for (const kid of ['key-2', 'key-3']) {
      expect((await issuer.rotate({ publishAhead: 0 })).kid).toBe(kid)
      expect(kidOf(await issuer.issue({ sub: 'ada' }))).toBe(kid)
    }
    await expect(issuer.rotate({ publishAhead: 0 })).rejects.toThrow('no signer is left in line')
    expect(kidOf(await issuer.issue({ sub: 'ada' }))).toBe('key-3')
  })

  it('skips a disabled key', async () => {
    kms.setState('key-1', 'Disabled')
    await expect(issuer.issue({ sub: 'ada' })).rejects.toMatchObject({ code: 'kms_key_disabled' })
    await issuer.revoke('key-1')
    const token = await issuer.issue({ sub: 'ada' })
    expect(kidOf(token)).toBe('key-2')
    expect((await verify(token)).claims.sub).toBe('ada')
  })

  it('continues with a key that was created in KMS later', async () => {
    const { keyId } = await kms.addKey()
    const createSigner = () => kmsSigner({ client, keyId })
    const signer = await kmsSigner({ client, keyId: 'key-2' })
    issuer = await createIssuer({ issuer: ISSUER, signer, createSigner, clock })
    expect((await issuer.rotate({ publishAhead: 0 })).kid).toBe(keyId)
    expect((await verify(await issuer.issue({ sub: 'ada' }))).header?.kid).toBe(keyId)
  })
})
