import { readFile } from 'node:fs/promises'
import { createPublicKey, verify as verifyWithNode } from 'node:crypto'
import { createVerifier } from '@claimgate/core'
import { createIssuer } from '@claimgate/issuer'
import { KMS_SIGNER_DEFAULTS, type KmsAlgorithm, kmsSigner } from '@claimgate/issuer/kms'
import { type FakeKms, startFakeKms } from '@claimgate/testing/aws'
import type { KMSClient } from '@aws-sdk/client-kms'
import { calculateJwkThumbprint, importSPKI, jwtVerify } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { kmsClient } from '../../support/issuer/kms-client.ts'

const issuer = 'https://issuer.example'
const audience = 'orders-api'

let kms: FakeKms
let client: KMSClient

beforeAll(async () => {
  kms = await startFakeKms({
    keys: [
      { keyId: 'rsa', keySpec: 'RSA_2048', aliases: ['alias/tokens'] },
      { keyId: 'rsa-3072', keySpec: 'RSA_3072' },
      { keyId: 'rsa-4096', keySpec: 'RSA_4096' },
      { keyId: 'p256', keySpec: 'ECC_NIST_P256' },
      { keyId: 'p384', keySpec: 'ECC_NIST_P384' },
      { keyId: 'p521', keySpec: 'ECC_NIST_P521' },
      { keyId: 'ed25519', keySpec: 'ECC_NIST_EDWARDS25519' },
    ],
  })
  client = kmsClient(kms.endpoint)
})
afterAll(async () => {
  client.destroy()
  await kms.close()
})
beforeEach(() => kms.forget())

const pemOf = (keyId: string): string => kms.keys.find((key) => key.keyId === keyId)?.publicPem ?? ''
const hash = (algorithm: string): string | null => (/\d{3}$/.test(algorithm) ? `sha${algorithm.slice(2)}` : null)

const ALGORITHMS: readonly (readonly [KmsAlgorithm, string])[] = [
  ['RS256', 'rsa'],
  ['RS384', 'rsa'],
  ['RS512', 'rsa'],
  ['PS256', 'rsa'],
  ['PS384', 'rsa'],
  ['PS512', 'rsa'],
  ['RS256', 'rsa-3072'],
  ['PS512', 'rsa-4096'],
  ['ES256', 'p256'],
  ['ES384', 'p384'],
  ['ES512', 'p521'],
  ['EdDSA', 'ed25519'],
  ['Ed25519', 'ed25519'],
]
const HASHED = ALGORITHMS.filter(([algorithm]) => hash(algorithm) !== null && algorithm !== 'Ed25519')

describe.each(ALGORITHMS)('a token signed with %s by the KMS key %s', (algorithm, keyId) => {
  it('is verified with only the public PEM', async () => {
    const signer = await kmsSigner({ client, keyId, algorithm })
    const tokens = await createIssuer({ issuer, audience, signer })
    const token = await tokens.issue({ sub: 'ada' })

    const verifier = createVerifier({ issuer, audience, publicKey: pemOf(keyId), algorithms: [algorithm] })
    const { claims, header } = await verifier.verify(token)
    expect([claims.sub, header?.alg, header?.kid]).toEqual(['ada', algorithm, keyId])
    const byJose = await jwtVerify(token, await importSPKI(pemOf(keyId), algorithm), { algorithms: [algorithm] })
    expect(byJose.payload.sub).toBe('ada')
  })
})

describe.each(HASHED)('a message of %s with the KMS key %s', (algorithm, keyId) => {
  it.each([
    [4096, 'RAW'],
    [4097, 'DIGEST'],
    [60_000, 'DIGEST'],
  ])('of %i bytes is sent as %s and verified by Node', async (length, messageType) => {
    const signer = await kmsSigner({ client, keyId, algorithm })
    const message = Buffer.alloc(length, 'claims.')
    const signature = await signer.sign(message)

    expect(kms.calls().at(-1)?.input).toMatchObject({ MessageType: messageType })
    const key = createPublicKey(pemOf(keyId))
    const scheme = algorithm.startsWith('PS') ? { padding: 6, saltLength: -1 } : { dsaEncoding: 'ieee-p1363' as const }
    expect(verifyWithNode(hash(algorithm), message, { key, ...scheme }, signature)).toBe(true)
  })
})

describe('a token over 4,096 bytes', () => {
  it('is signed by its digest, and verified', async () => {
    const signer = await kmsSigner({ client, keyId: 'p256' })
    const token = await (await createIssuer({ issuer, audience, signer })).issue({ sub: 'ada', note: 'n'.repeat(6000) })
    expect(kms.calls().at(-1)?.input).toMatchObject({ MessageType: 'DIGEST' })
    const { claims } = await createVerifier({ issuer, audience, publicKey: pemOf('p256') }).verify(token)
    expect(claims['note']).toHaveLength(6000)
  })

  it('is rejected for an Ed25519 key without a request to KMS, with a hint', async () => {
    const signer = await kmsSigner({ client, keyId: 'ed25519' })
    expect(await signer.sign(Buffer.alloc(4096, 'a'))).toHaveLength(64)
    kms.forget()
    await expect(signer.sign(Buffer.alloc(4097, 'a'))).rejects.toMatchObject({
      name: 'KmsError',
      code: 'kms_message_too_long',
      message:
        'Cannot sign with KMS key: an Ed25519 key in KMS signs at most 4096 bytes, found 4097; ' +
        'put less into the token, or sign with an RSA key or one on a NIST curve',
    })
    expect(kms.requests()).toBe(0)
  })
})

describe('two thousand signatures of an elliptic curve key', () => {
  it('are all r and s of fixed length, including short numbers and high bits', { timeout: 120_000 }, async () => {
    const signer = await kmsSigner({ client, keyId: 'p256' })
    const key = createPublicKey(pemOf('p256'))
    let short = 0
    for (let number = 0; number < 2000; number++) {
      const message = Buffer.from(`message ${number}`)
      const signature = await signer.sign(message)
      expect(signature).toHaveLength(64)
      expect(verifyWithNode('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, signature)).toBe(true)
      if (signature[0] === 0 || signature[32] === 0) short++
    }
    expect(short, 'signatures with a leading zero in r or s').toBeGreaterThan(0)
  })
})

describe('the algorithm', () => {
  it.each([
    ['rsa', 'RS256'],
    ['p256', 'ES256'],
    ['p384', 'ES384'],
    ['p521', 'ES512'],
    ['ed25519', 'EdDSA'],
  ])('follows the spec of the key: %s signs with %s', async (keyId, algorithm) => {
    expect((await kmsSigner({ client, keyId })).alg).toBe(algorithm)
  })
})

describe('the key ID of tokens', () => {
  const names = ['rsa', 'alias/tokens', 'arn:aws:kms:eu-central-1:111122223333:key/rsa']

  it.each([...names, 'arn:aws:kms:eu-central-1:111122223333:alias/tokens'])(
    'is that of the KMS key when requested as %s',
    async (keyId) => expect((await kmsSigner({ client, keyId })).kid).toBe('rsa'),
  )

  it('is the RFC 7638 thumbprint if configured', async () => {
    const { kid, publicJwk } = await kmsSigner({ client, keyId: 'alias/tokens', kid: 'thumbprint' })
    expect(kid).toBe(await calculateJwkThumbprint(publicJwk))
    expect(kid).toHaveLength(43)
  })
})

describe('the public key', () => {
  it('is fetched once, however many tokens are signed', async () => {
    const signer = await kmsSigner({ client, keyId: 'p256' })
    const tokens = await createIssuer({ issuer, audience, signer })
    await Promise.all(Array.from({ length: 20 }, () => tokens.issue({ sub: 'ada' })))
    tokens.jwks()
    expect([kms.requests('GetPublicKey'), kms.requests('Sign')]).toEqual([1, 21])
  })

  it('is published with its key ID and nothing private', async () => {
    const tokens = await createIssuer({ issuer, signer: await kmsSigner({ client, keyId: 'p256' }) })
    expect(tokens.jwks().keys).toEqual([
      { kty: 'EC', crv: 'P-256', x: expect.any(String), y: expect.any(String), kid: 'p256', alg: 'ES256', use: 'sig' },
    ])
  })

  it('matches the private one even after the alias has moved to another key', async () => {
    const { keyId } = await kms.addKey({ aliases: ['alias/moving'] })
    const signer = await kmsSigner({ client, keyId: 'alias/moving' })
    kms.setAlias('alias/moving', 'p256')
    const message = Buffer.from('header.claims')
    const signature = await signer.sign(message)
    const key = createPublicKey(pemOf(keyId))
    expect(verifyWithNode('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, signature)).toBe(true)
  })
})

describe('an omitted option', () => {
  it('has the default that its TSDoc and docs/issuer.md state', async () => {
    const read = (path: string): Promise<string> => readFile(new URL(`../../../${path}`, import.meta.url), 'utf8')
    const [source, page] = await Promise.all([read('packages/issuer/src/kms/kms-signer.ts'), read('docs/issuer.md')])
    for (const [name, value] of Object.entries(KMS_SIGNER_DEFAULTS)) {
      const written = typeof value === 'string' ? `'${value}'` : String(value)
      expect(new RegExp(`@defaultValue (\\S+) \\*/\\n  readonly ${name}\\?:`).exec(source)?.[1], name).toBe(written)
      expect(new RegExp(`\\| \`${name}\` .*\\| +\`([^\`]+)\` +\\|`).exec(page)?.[1], name).toBe(written)
    }
  })
})

describe('a wrong option', () => {
  it.each([
    ['no client', { client: undefined }, '"client" must be a KMSClient, found undefined'],
    ['a client of another kind', { client: {} }, '"client" must be a KMSClient, found an object'],
    ['an empty key ID', { keyId: '' }, '"keyId" must have 1 to 2048 characters, found ""'],
    ['no key ID', { keyId: undefined }, '"keyId" must have 1 to 2048 characters, found undefined'],
    ['a key ID that is too long', { keyId: 'k'.repeat(2049) }, '"keyId" must have 1 to 2048 characters, found'],
    [
      'a symmetric algorithm',
      { algorithm: 'HS256' },
      '"algorithm" must be one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512',
    ],
    ['an algorithm named like an inherited member', { algorithm: 'toString' }, '"algorithm" must be one of'],
    ['another kind of kid', { kid: 'arn' }, '"kid" must be "key-id" or "thumbprint", found "arn"'],
    ['a timeout of 0', { timeout: 0 }, '"timeout" must be a number of seconds from 0.01 to 60, found 0'],
    ['a timeout that is too long', { timeout: 61 }, '"timeout" must be a number of seconds from 0.01 to 60, found 61'],
    [
      'a timeout that is not a number',
      { timeout: Number.NaN },
      '"timeout" must be a number of seconds from 0.01 to 60, found NaN',
    ],
    ['another name for an option', { alg: 'ES256' }, 'there is no option "alg"; did you mean "algorithm"?'],
  ])('is rejected by name: %s', async (_what, wrong, message) => {
    const made = kmsSigner({ client, keyId: 'p256', ...wrong } as never)
    await expect(made).rejects.toThrow(TypeError)
    await expect(made).rejects.toThrow(`Cannot create KMS signer: ${message}`)
    expect(kms.requests()).toBe(0)
  })
})
