import { createHash, createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import { GetPublicKeyCommand, type KMSClient, SignCommand, type SigningAlgorithmSpec } from '@aws-sdk/client-kms'
import { type AwsAnswer, type FakeKms, startFakeKms } from '@claimgate/testing/aws'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { kmsClient } from '../support/issuer/kms-client.ts'

const ARN = 'arn:aws:kms:eu-central-1:111122223333'
const MESSAGE = Buffer.from('message')

let kms: FakeKms
let client: KMSClient

beforeAll(async () => {
  kms = await startFakeKms({
    keys: [
      { keyId: 'rsa', keySpec: 'RSA_2048', aliases: ['alias/rsa'] },
      { keyId: 'p256' },
      { keyId: 'p384', keySpec: 'ECC_NIST_P384' },
      { keyId: 'p521', keySpec: 'ECC_NIST_P521' },
      { keyId: 'secp256k1', keySpec: 'ECC_SECG_P256K1' },
      { keyId: 'ed25519', keySpec: 'ECC_NIST_EDWARDS25519' },
      { keyId: 'encryption', keySpec: 'RSA_2048', keyUsage: 'ENCRYPT_DECRYPT' },
      { keyId: 'agreement', keySpec: 'ECC_NIST_P256', keyUsage: 'KEY_AGREEMENT' },
      { keyId: 'hmac', keySpec: 'HMAC_256' },
    ],
  })
  client = kmsClient(kms.endpoint)
})
afterAll(async () => {
  client.destroy()
  await kms.close()
})
beforeEach(() => {
  kms.behave({ kind: 'ok' })
  kms.at('Sign').behave({ kind: 'ok' })
  kms.forget()
})

type Input = ConstructorParameters<typeof SignCommand>[0]
const sign = async (input: Partial<Input>): Promise<Uint8Array> => {
  const SigningAlgorithm = 'ECDSA_SHA_256'
  const answer = await client.send(new SignCommand({ KeyId: 'p256', Message: MESSAGE, SigningAlgorithm, ...input }))
  return answer.Signature ?? new Uint8Array()
}
const publicKeyOf = (keyId: string) => client.send(new GetPublicKeyCommand({ KeyId: keyId }))

const RSA = ['PKCS1_V1_5', 'PSS'].flatMap((scheme) => [256, 384, 512].map((bits) => `RSASSA_${scheme}_SHA_${bits}`))
const SIGNING: readonly (readonly [string, string])[] = [
  ...RSA.map((algorithm) => ['rsa', algorithm] as const),
  ['p256', 'ECDSA_SHA_256'],
  ['p384', 'ECDSA_SHA_384'],
  ['p521', 'ECDSA_SHA_512'],
  ['secp256k1', 'ECDSA_SHA_256'],
]

describe.each(SIGNING)('the key %s of the fake KMS', (keyId, algorithm) => {
  it.each(['RAW', 'DIGEST'] as const)(`signs with ${algorithm} and Node verifies it: %s`, async (MessageType) => {
    const hash = `sha${algorithm.slice(-3)}`
    const Message = MessageType === 'RAW' ? MESSAGE : createHash(hash).update(MESSAGE).digest()
    const SigningAlgorithm = algorithm as SigningAlgorithmSpec
    const { PublicKey = new Uint8Array(), SigningAlgorithms } = await publicKeyOf(keyId)
    expect(SigningAlgorithms).toContain(algorithm)
    const key = createPublicKey({ key: Buffer.from(PublicKey), format: 'der', type: 'spki' })
    const pss = algorithm.includes('PSS') ? { padding: 6, saltLength: -1 } : {}
    for (let times = 0; times < 10; times++) {
      const signature = await sign({ KeyId: keyId, Message, MessageType, SigningAlgorithm })
      expect(verify(hash, MESSAGE, { key, ...pss }, signature)).toBe(true)
    }
  })
})

describe('the fake KMS', () => {
  it('signs with Ed25519, and Node verifies it', async () => {
    const signature = await sign({ KeyId: 'ed25519', SigningAlgorithm: 'ED25519_SHA_512' })
    const pem = kms.keys.find(({ keyId }) => keyId === 'ed25519')?.publicPem ?? ''
    expect(verify(null, MESSAGE, pem, signature)).toBe(true)
  })

  it('describes a public key like KMS', async () => {
    expect(await publicKeyOf('encryption')).toMatchObject({
      KeyId: `${ARN}:key/encryption`,
      KeySpec: 'RSA_2048',
      KeyUsage: 'ENCRYPT_DECRYPT',
      EncryptionAlgorithms: ['RSAES_OAEP_SHA_1', 'RSAES_OAEP_SHA_256'],
    })
    expect(await publicKeyOf('agreement')).toMatchObject({ KeyAgreementAlgorithms: ['ECDH'] })
  })

  it.each(['rsa', `${ARN}:key/rsa`, 'alias/rsa', `${ARN}:alias/rsa`])('finds a key as %s', async (name) => {
    expect((await publicKeyOf(name)).KeyId).toBe(`${ARN}:key/rsa`)
  })

  it('accepts a given key', async () => {
    const { privateKey } = generateKeyPairSync('ed25519')
    const key = await kms.addKey({ keySpec: 'ECC_NIST_EDWARDS25519', privateKey })
    expect(createPublicKey(key.publicPem).equals(createPublicKey(privateKey))).toBe(true)
  })

  it('rejects a key with a use that its spec does not have', async () => {
    await expect(kms.addKey({ keyUsage: 'ENCRYPT_DECRYPT' })).rejects.toThrow(
      'A key of spec ECC_NIST_P256 cannot be used for ENCRYPT_DECRYPT',
    )
  })

  const digest = (length: number) => ({ Message: Buffer.alloc(length), MessageType: 'DIGEST' as const })
  it.each<[string, Partial<Input>, string]>([
    ['an unknown key', { KeyId: 'unknown' }, 'NotFoundException'],
    ['an unknown alias', { KeyId: 'alias/unknown' }, 'NotFoundException'],
    ['a key that encrypts', { KeyId: 'encryption' }, 'InvalidKeyUsageException'],
    ['a key that makes MACs', { KeyId: 'hmac' }, 'InvalidKeyUsageException'],
    ['an algorithm of another spec', { SigningAlgorithm: 'ECDSA_SHA_384' }, 'InvalidKeyUsageException'],
    ['no message', { Message: Buffer.alloc(0) }, 'ValidationException'],
    ['a message over 4,096 bytes', { Message: Buffer.alloc(4097) }, 'ValidationException'],
    ['a digest of another length', digest(48), 'ValidationException'],
    [
      'an Ed25519 digest',
      { KeyId: 'ed25519', SigningAlgorithm: 'ED25519_SHA_512', ...digest(64) },
      'ValidationException',
    ],
  ])('refuses %s as KMS does', async (_what, input, name) => {
    await expect(sign(input)).rejects.toMatchObject({ name, $metadata: { httpStatusCode: 400 } })
  })

  it('has no public key for a symmetric key', async () => {
    await expect(publicKeyOf('hmac')).rejects.toMatchObject({ name: 'UnsupportedOperationException' })
  })

  it.each([
    ['Disabled', 'DisabledException'],
    ['PendingDeletion', 'KMSInvalidStateException'],
  ] as const)('refuses to use a key that is %s', async (state, name) => {
    const { keyId } = await kms.addKey()
    kms.setState(keyId, state)
    await expect(sign({ KeyId: keyId })).rejects.toMatchObject({ name })
    await expect(publicKeyOf(keyId)).rejects.toMatchObject({ name })
    kms.setState(keyId, 'Enabled')
    expect(await sign({ KeyId: keyId })).not.toHaveLength(0)
  })
})

describe('a configured fault', () => {
  it.each<[AwsAnswer, object]>([
    [{ kind: 'throttle' }, { name: 'ThrottlingException' }],
    [{ kind: 'denied' }, { name: 'AccessDeniedException' }],
    [{ kind: 'error', type: 'KMSInternalException', status: 500 }, { $metadata: { httpStatusCode: 500 } }],
    [{ kind: 'reset' }, { code: 'ECONNRESET' }],
    [{ kind: 'garbage' }, { name: 'SyntaxError' }],
    [{ kind: 'truncated' }, {}],
  ])('%j happens once', async (answer, error) => {
    kms.once(answer)
    await expect(sign({})).rejects.toMatchObject(error)
    expect(await sign({})).not.toHaveLength(0)
    expect(kms.requests('Sign')).toBe(2)
  })

  it('hangs until the client closes the connection', async () => {
    kms.once({ kind: 'hang' })
    const command = new SignCommand({ KeyId: 'p256', Message: MESSAGE, SigningAlgorithm: 'ECDSA_SHA_256' })
    await expect(client.send(command, { abortSignal: AbortSignal.timeout(50) })).rejects.toMatchObject({
      name: 'AbortError',
    })
  })

  it('persists for one operation until changed, and does not affect others', async () => {
    kms.at('Sign').behave({ kind: 'throttle' })
    kms.at('Sign').once({ kind: 'denied' })
    await expect(sign({})).rejects.toMatchObject({ name: 'AccessDeniedException' })
    await expect(sign({})).rejects.toMatchObject({ name: 'ThrottlingException' })
    await expect(sign({})).rejects.toMatchObject({ name: 'ThrottlingException' })
    expect((await publicKeyOf('p256')).KeySpec).toBe('ECC_NIST_P256')
    expect([kms.requests(), kms.requests('Sign'), kms.requests('GetPublicKey')]).toEqual([4, 3, 1])
    kms.forget()
    expect([kms.requests(), kms.calls()]).toEqual([0, []])
  })
})

describe('the wire protocol', () => {
  const post = async (headers: Record<string, string>, body = '{}') => {
    const answer = await fetch(kms.endpoint, { method: 'POST', headers, body })
    return [answer.status, ((await answer.json()) as { __type: string }).__type]
  }
  const signed = { authorization: 'AWS4-HMAC-SHA256 Credential=x' }

  it.each([
    ['without a signature', { 'x-amz-target': 'TrentService.Sign' }, '{}', 'MissingAuthenticationTokenException'],
    ['for another service', { ...signed, 'x-amz-target': 'AmazonSSM.Sign' }, '{}', 'UnknownOperationException'],
    ['without an operation', signed, '{}', 'UnknownOperationException'],
    [
      'for an inherited member',
      { ...signed, 'x-amz-target': 'TrentService.toString' },
      '{}',
      'UnknownOperationException',
    ],
    ['that is not JSON', { ...signed, 'x-amz-target': 'TrentService.Sign' }, '{', 'SerializationException'],
    ['that is not an object', { ...signed, 'x-amz-target': 'TrentService.Sign' }, '[]', 'SerializationException'],
    ['without a key', { ...signed, 'x-amz-target': 'TrentService.Sign' }, '{}', 'ValidationException'],
  ])('answers a request %s with an error', async (_what, headers, body, type) => {
    expect(await post(headers as Record<string, string>, body)).toEqual([400, type])
  })
})
