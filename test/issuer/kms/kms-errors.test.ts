import { inspect } from 'node:util'
import { createIssuer, type Signer } from '@claimgate/issuer'
import { KmsError, kmsSigner } from '@claimgate/issuer/kms'
import { type AwsAnswer, type FakeKms, startFakeKms } from '@claimgate/testing/aws'
import { KMSServiceException } from '@aws-sdk/client-kms'
import type { KMSClient } from '@aws-sdk/client-kms'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { kmsClient, SECRETS } from '../../support/issuer/kms-client.ts'

let kms: FakeKms
let client: KMSClient
let signer: Signer

beforeAll(async () => {
  kms = await startFakeKms({
    keys: [
      { keyId: 'good' },
      { keyId: 'secp256k1', keySpec: 'ECC_SECG_P256K1' },
      { keyId: 'agreement', keySpec: 'ECC_NIST_P256', keyUsage: 'KEY_AGREEMENT' },
      { keyId: 'encryption', keySpec: 'RSA_2048', keyUsage: 'ENCRYPT_DECRYPT' },
      { keyId: 'hmac', keySpec: 'HMAC_256' },
      { keyId: 'symmetric', keySpec: 'SYMMETRIC_DEFAULT' },
      { keyId: 'disabled', state: 'Disabled' },
      { keyId: 'doomed', state: 'PendingDeletion' },
    ],
  })
  client = kmsClient(kms.endpoint)
  signer = await kmsSigner({ client, keyId: 'good' })
})
afterAll(async () => {
  client.destroy()
  await kms.close()
})
beforeEach(() => {
  kms.behave({ kind: 'ok' })
  kms.setState('good', 'Enabled')
  kms.forget()
})

const MESSAGE = Buffer.from('eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZGEifQ')

/** The reason of a rejected promise. */
const failure = async (promise: Promise<unknown>): Promise<KmsError> => {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof KmsError) return error
  throw new Error('It did not fail with a KmsError', { cause: error })
}
const rule = (because: string, found: string): RegExp => new RegExp(`^Cannot [^:]+: ${because}, found ${found}$`)

const SERVICE_ERRORS: readonly (readonly [type: string, code: string, because: string, status: number])[] = [
  ['ThrottlingException', 'kms_throttled', 'requests must be fewer; .+', 400],
  ['LimitExceededException', 'kms_throttled', 'requests must be fewer; .+', 400],
  ['AccessDeniedException', 'kms_denied', 'the credentials must allow kms:GetPublicKey and kms:Sign for the key', 400],
  ['UnrecognizedClientException', 'kms_denied', 'the credentials must be there, right and unexpired', 400],
  ['ExpiredTokenException', 'kms_denied', 'the credentials must be there, right and unexpired', 400],
  [
    'NotFoundException',
    'kms_key_not_found',
    'there must be such a key in the account and the region of the client',
    400,
  ],
  ['DisabledException', 'kms_key_disabled', 'the key must be enabled', 400],
  ['KMSInvalidStateException', 'kms_key_state', 'the key must be ready for use, .+', 400],
  ['InvalidKeyUsageException', 'kms_key_unfit', 'the key must be an asymmetric one with key usage SIGN_VERIFY .+', 400],
  ['KMSInternalException', 'kms_unavailable', 'KMS must give a usable answer', 500],
  ['KeyUnavailableException', 'kms_unavailable', 'KMS must give a usable answer', 500],
  ['DependencyTimeoutException', 'kms_unavailable', 'KMS must give a usable answer', 503],
  ['ValidationException', 'kms_refused', 'KMS must accept the request', 400],
  ['SomethingNewException', 'kms_refused', 'KMS must accept the request', 400],
]

describe.each(SERVICE_ERRORS)('%s', (type, code, because, status) => {
  it.each([
    ['signing', () => signer.sign(MESSAGE)],
    ['fetching the public key', () => kmsSigner({ client, keyId: 'good' })],
  ])(`while %s is ${code}, with what KMS said as its cause`, async (_when, ask) => {
    kms.once({ kind: 'error', type, status, message: 'What KMS says' })
    const error = await failure(ask())
    expect([error.name, error.code]).toEqual(['KmsError', code])
    expect(error.message).toMatch(rule(because, type))
    expect(error.cause).toBeInstanceOf(KMSServiceException)
    expect(error.cause).toMatchObject({
      name: type,
      message: 'What KMS says',
      $metadata: { httpStatusCode: status, requestId: expect.any(String) },
    })
  })
})

describe('a failure of KMS', () => {
  it.each<[string, AwsAnswer, string]>([
    ['closes the connection', { kind: 'reset' }, 'ECONNRESET'],
    ['answers with a page', { kind: 'garbage' }, 'SyntaxError'],
    ['sends half an answer', { kind: 'truncated' }, '\\w+'],
  ])('is kms_unavailable if KMS %s', async (_what, answer, found) => {
    kms.once(answer)
    const error = await failure(signer.sign(MESSAGE))
    expect(error.code).toBe('kms_unavailable')
    expect(error.message).toMatch(rule('KMS must give a usable answer', found))
    expect(error.cause).toBeInstanceOf(Error)
  })

  it('is kms_unavailable if connections are refused', async () => {
    const gone = await startFakeKms()
    await gone.close()
    const unreachable = kmsClient(gone.endpoint)
    const error = await failure(kmsSigner({ client: unreachable, keyId: 'good' }))
    expect(error).toMatchObject({ code: 'kms_unavailable', cause: { code: 'ECONNREFUSED' } })
    unreachable.destroy()
  })

  it('is kms_timeout if the answer is late, and the next request works', async () => {
    const hasty = await kmsSigner({ client, keyId: 'good', timeout: 1 })
    kms.once({ kind: 'hang' })
    const error = await failure(hasty.sign(MESSAGE))
    expect(error.message).toMatch(rule('KMS must answer in time \\("timeout"\\)', 'TimeoutError'))
    expect(error).toMatchObject({ code: 'kms_timeout', cause: { name: 'TimeoutError' } })
    expect(await hasty.sign(MESSAGE)).toHaveLength(64)
  })

  it('is kms_timeout if the public key is late', async () => {
    kms.once({ kind: 'hang' })
    expect((await failure(kmsSigner({ client, keyId: 'good', timeout: 0.05 }))).code).toBe('kms_timeout')
  })

  it('is kms_timeout if the retries of the client take too long', async () => {
    const patient = kmsClient(kms.endpoint, { maxAttempts: 50 })
    const hasty = await kmsSigner({ client: patient, keyId: 'good', timeout: 1 })
    kms.behave({ kind: 'throttle' })
    expect((await failure(hasty.sign(MESSAGE))).code).toBe('kms_timeout')
    patient.destroy()
  })
})

describe('an unexpected answer of KMS', () => {
  const ARN = 'arn:aws:kms:eu-central-1:111122223333:key/good'
  const base64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64')
  const signed = { KeyId: ARN, SigningAlgorithm: 'ECDSA_SHA_256', Signature: base64('3006020101020102') }

  it('is correct before each change in the table below', async () => {
    kms.once({ kind: 'ok', body: signed })
    expect(Buffer.from(await signer.sign(MESSAGE)).toString('hex')).toBe(`${'00'.repeat(31)}01${'00'.repeat(31)}02`)
  })

  it.each<[string, object]>([
    ['nothing', {}],
    ['no signature', { ...signed, Signature: undefined }],
    ['an empty signature', { ...signed, Signature: '' }],
    ['DER with an extra byte', { ...signed, Signature: base64('300602010102010200') }],
    ['DER with a negative number', { ...signed, Signature: base64('3006020181020102') }],
    ['concatenated r and s', { ...signed, Signature: base64('7f'.repeat(64)) }],
    ['the signature of another key', { ...signed, KeyId: ARN.replace('good', 'doomed') }],
    ['the signature of another algorithm', { ...signed, SigningAlgorithm: 'ECDSA_SHA_384' }],
  ])('is rejected while signing: %s', async (_what, body) => {
    kms.once({ kind: 'ok', body })
    const error = await failure(signer.sign(MESSAGE))
    expect(error.code).toBe('kms_unavailable')
    expect(error.message).toMatch(rule('KMS must give a usable answer', 'no signature in it'))
  })

  it.each([
    ['RSA', 'RSA_2048', 256],
    ['Ed25519', 'ECC_NIST_EDWARDS25519', 64],
  ] as const)('is rejected if an %s signature does not have its fixed size', async (_what, keySpec, size) => {
    const { keyId, arn } = await kms.addKey({ keySpec })
    const other = await kmsSigner({ client, keyId })
    const algorithm = keySpec === 'RSA_2048' ? 'RSASSA_PKCS1_V1_5_SHA_256' : 'ED25519_SHA_512'
    for (const length of [size - 1, size + 1]) {
      const Signature = Buffer.alloc(length, 7).toString('base64')
      kms.once({ kind: 'ok', body: { KeyId: arn, SigningAlgorithm: algorithm, Signature } })
      expect((await failure(other.sign(MESSAGE))).code).toBe('kms_unavailable')
    }
  })

  const key = { KeyId: ARN, KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY', SigningAlgorithms: ['ECDSA_SHA_256'] }
  it.each<[string, object, string, string, string]>([
    ['an empty answer', {}, 'kms_key_unfit', 'its key usage must be SIGN_VERIFY', 'none'],
    ['no algorithm', { ...key, SigningAlgorithms: undefined }, 'kms_key_unfit', 'it must offer one of ES256', 'none'],
    [
      'other algorithms',
      { ...key, KeySpec: 'ECC_NIST_EDWARDS25519', SigningAlgorithms: ['ED25519_PH_SHA_512', 'OTHER'] },
      'kms_key_unfit',
      'it must offer one of EdDSA, Ed25519',
      'ED25519_PH_SHA_512, OTHER',
    ],
    ['no public key', key, 'kms_unavailable', 'KMS must give a usable answer', 'no public key in it'],
    [
      'no DER',
      { ...key, PublicKey: 'AAAA' },
      'kms_unavailable',
      'KMS must give a usable answer',
      'no public key in it',
    ],
  ])('is rejected when fetching the public key: %s', async (_what, body, code, because, found) => {
    kms.once({ kind: 'ok', body })
    const error = await failure(kmsSigner({ client, keyId: 'good' }))
    expect(error.code).toBe(code)
    expect(error.message).toMatch(rule(because, found))
  })

  it('is rejected if the public key is of another spec than the answer states', async () => {
    const { publicPem, arn } = await kms.addKey({ keySpec: 'ECC_NIST_P384' })
    const PublicKey = publicPem.replaceAll(/-----.+-----|\n/g, '')
    kms.once({ kind: 'ok', body: { ...key, KeyId: arn, PublicKey } })
    expect((await failure(kmsSigner({ client, keyId: 'good' }))).code).toBe('kms_unavailable')
  })
})

describe('a slow answer', () => {
  it('is awaited within the timeout', async () => {
    kms.once({ kind: 'ok', delay: 50 })
    expect(await signer.sign(MESSAGE)).toHaveLength(64)
  })
})

describe('temporary throttling', () => {
  it('is handled by the retries of the client', async () => {
    const patient = kmsClient(kms.endpoint, { maxAttempts: 3 })
    const enduring = await kmsSigner({ client: patient, keyId: 'good' })
    kms.forget()
    kms.once({ kind: 'throttle' }, { kind: 'throttle' })
    expect(await enduring.sign(MESSAGE)).toHaveLength(64)
    expect(kms.requests('Sign')).toBe(3)
    patient.destroy()
  })
})

describe('a key that cannot sign tokens', () => {
  const SPECS = 'RSA_2048, RSA_3072, RSA_4096, ECC_NIST_P256, ECC_NIST_P384, ECC_NIST_P521, ECC_NIST_EDWARDS25519'

  it.each([
    ['secp256k1', `its spec must be one of ${SPECS}`, 'ECC_SECG_P256K1'],
    ['agreement', 'its key usage must be SIGN_VERIFY', 'KEY_AGREEMENT'],
    ['encryption', 'its key usage must be SIGN_VERIFY', 'ENCRYPT_DECRYPT'],
    ['hmac', 'the key must be an asymmetric one .+', 'UnsupportedOperationException'],
    ['symmetric', 'the key must be an asymmetric one .+', 'UnsupportedOperationException'],
  ])('is rejected before it signs a token: %s', async (keyId, because, found) => {
    const error = await failure(kmsSigner({ client, keyId }))
    expect(error.code).toBe('kms_key_unfit')
    expect(error.message).toMatch(rule(because, found))
    expect(kms.requests('Sign')).toBe(0)
  })

  it('is rejected if it cannot sign with the requested algorithm', async () => {
    const error = await failure(kmsSigner({ client, keyId: 'good', algorithm: 'RS256' }))
    expect(error.code).toBe('kms_key_unfit')
    expect(error.message).toMatch(rule('"algorithm" must be one of ES256 for a key of spec ECC_NIST_P256', 'RS256'))
  })

  it('is rejected with the list of its algorithms if it has several', async () => {
    const { keyId } = await kms.addKey({ keySpec: 'ECC_NIST_EDWARDS25519' })
    const error = await failure(kmsSigner({ client, keyId, algorithm: 'ES256' }))
    const because = '"algorithm" must be one of EdDSA, Ed25519 for a key of spec ECC_NIST_EDWARDS25519'
    expect(error.message).toMatch(rule(because, 'ES256'))
  })

  it.each([
    ['unknown', 'kms_key_not_found'],
    ['disabled', 'kms_key_disabled'],
    ['doomed', 'kms_key_state'],
  ])('is rejected if it cannot be used: %s', async (keyId, code) => {
    expect((await failure(kmsSigner({ client, keyId }))).code).toBe(code)
  })

  it('makes a running issuer fail with its code when it is disabled, and work again when it is enabled', async () => {
    const issuer = await createIssuer({ issuer: 'https://issuer.example', signer })
    kms.setState('good', 'Disabled')
    expect((await failure(issuer.issue({ sub: 'ada' }))).code).toBe('kms_key_disabled')
    kms.setState('good', 'Enabled')
    expect((await issuer.issue({ sub: 'ada' })).split('.')).toHaveLength(3)
  })
})

describe('an error', () => {
  it.each<[AwsAnswer]>([
    [{ kind: 'denied' }],
    [{ kind: 'throttle' }],
    [{ kind: 'error', type: 'KMSInternalException', status: 500 }],
    [{ kind: 'garbage' }],
    [{ kind: 'truncated' }],
    [{ kind: 'reset' }],
    [{ kind: 'hang' }],
  ])('contains neither credentials nor the message, at any depth: %j', async (answer) => {
    const hasty = await kmsSigner({ client, keyId: 'good', timeout: 1 })
    kms.once(answer)
    const shown = inspect(await failure(hasty.sign(MESSAGE)), { depth: 30, showHidden: true, maxStringLength: null })
    expect(shown).toContain('KmsError')
    for (const secret of [...Object.values(SECRETS), MESSAGE.toString(), MESSAGE.toString('base64')]) {
      expect(shown).not.toContain(secret)
    }
  })
})
