import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  PARAMETER_STORE_DEFAULTS,
  ParameterStoreError,
  parameterStoreKey,
  parameterStoreSigner,
} from '@claimgate/issuer/parameter-store'
import type { AwsAnswer } from '@claimgate/testing/aws'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  everything,
  expectNothingOf,
  fakeSsm,
  p256Pem,
  rejection,
  ssmClient,
} from '../../support/issuer/parameter-store.ts'

const NAME = '/orders/signing-key'

const failing = async (answer: AwsAnswer, operation = 'GetParameter'): Promise<unknown> => {
  const ssm = await fakeSsm()
  ssm.at(operation).behave(answer)
  const createIfMissing = operation === 'PutParameter'
  const timeout = answer.kind === 'hang' ? 0.2 : 20
  return rejection(parameterStoreSigner({ client: ssmClient(ssm), name: NAME, createIfMissing, timeout }))
}

describe('an error of Parameter Store', () => {
  const refusals = [
    ['ThrottlingException', 'parameter_store_throttled', 'requests must be fewer'],
    ['TooManyUpdates', 'parameter_store_throttled', 'requests must be fewer'],
    ['AccessDeniedException', 'parameter_store_denied', 'ssm:GetParameter'],
    ['UnrecognizedClientException', 'parameter_store_denied', 'credentials'],
    ['ExpiredTokenException', 'parameter_store_denied', 'unexpired'],
    ['ParameterNotFound', 'parameter_not_found', 'createIfMissing'],
    ['ParameterVersionNotFound', 'parameter_not_found', 'createIfMissing'],
    ['InvalidKeyId', 'parameter_key_unusable', 'must exist and be enabled'],
    ['InternalServerError', 'parameter_store_unavailable', 'a usable answer'],
  ] as const
  it.each(refusals)('%s becomes %s with the SDK’s error as its cause', async (type, code, says) => {
    const error = await failing({ kind: 'error', type, status: type === 'InternalServerError' ? 500 : 400 })
    expect(error).toBeInstanceOf(ParameterStoreError)
    expect(error).toMatchObject({ name: 'ParameterStoreError', code, cause: { name: type, message: `${type}.` } })
    expect(String(error)).toContain(`Cannot load key from parameter "${NAME}": `)
    expect(String(error)).toContain(says)
    expect(String(error)).toContain(`found ${type}`)
  })

  it.each(['ParameterLimitExceeded', 'ValidationException', 'ParameterPatternMismatchException'])(
    '%s becomes parameter_store_refused, and only the name of the SDK’s error is kept',
    async (type) => {
      const error = await failing({ kind: 'error', type, message: 'something with the value' }, 'PutParameter')
      expect(error).toMatchObject({ code: 'parameter_store_refused', cause: { name: type } })
      expect(String(error)).toContain(`Cannot store a new key in parameter "${NAME}": `)
      expect(everything(error)).not.toContain('something with the value')
    },
  )

  it.each(['hang', 'reset', 'garbage', 'truncated'] as const)('%s is reported as an outage', async (kind) => {
    const code = kind === 'hang' ? 'parameter_store_timeout' : 'parameter_store_unavailable'
    expect(await failing({ kind })).toMatchObject({ code })
    expect(await failing({ kind }, 'PutParameter')).toMatchObject({ code })
  })

  it('refused connections are reported as an outage', async () => {
    const ssm = await fakeSsm()
    await ssm.close()
    const error = await rejection(parameterStoreSigner({ client: ssmClient(ssm), name: NAME }))
    expect(error).toMatchObject({ code: 'parameter_store_unavailable', cause: { code: 'ECONNREFUSED' } })
  })

  it('an answer that takes longer than "timeout" is reported as a timeout, and one within it is accepted', async () => {
    const ssm = await fakeSsm({ parameters: { [NAME]: p256Pem() } })
    ssm.once({ kind: 'ok', delay: 400 })
    const late = parameterStoreSigner({ client: ssmClient(ssm), name: NAME, timeout: 0.05 })
    expect(await rejection(late)).toMatchObject({ code: 'parameter_store_timeout', cause: { name: 'TimeoutError' } })
    ssm.once({ kind: 'ok', delay: 100 })
    expect((await parameterStoreSigner({ client: ssmClient(ssm), name: NAME })).alg).toBe('ES256')
  })

  it('an answer that never ends is reported as a timeout, and its connection is closed', async () => {
    let given: Promise<unknown> | undefined
    const server = createServer((request, response) => {
      request.resume()
      given = once(response, 'close')
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' }).write('{"Parameter":')
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    const { port } = server.address() as AddressInfo
    const client = ssmClient({ endpoint: `http://127.0.0.1:${port}` })
    const error = await rejection(parameterStoreSigner({ client, name: NAME, timeout: 0.3 }))
    expect(error).toMatchObject({ code: 'parameter_store_timeout' })
    expect(given).toBeDefined()
    await given
  })

  it('a client that sends nothing is reported as a timeout, for example while it waits for credentials', async () => {
    const ssm = await fakeSsm({ parameters: { [NAME]: p256Pem() } })
    const client = ssmClient(ssm, { credentials: () => new Promise(() => {}) })
    const error = await rejection(parameterStoreSigner({ client, name: NAME, timeout: 0.1 }))
    expect(error).toMatchObject({ code: 'parameter_store_timeout' })
    expect(ssm.requests()).toBe(0)
  })

  it('the client retries as often as it is configured to', async () => {
    const ssm = await fakeSsm({ parameters: { [NAME]: p256Pem() } })
    ssm.once({ kind: 'throttle' })
    const signer = await parameterStoreSigner({ client: ssmClient(ssm, { maxAttempts: 2 }), name: NAME })
    expect(signer.alg).toBe('ES256')
    expect(ssm.requests()).toBe(2)
  })

  it('missing credentials are reported', async () => {
    const ssm = await fakeSsm()
    const client = ssmClient(ssm, {
      credentials: async () => {
        throw Object.assign(new Error('Could not load credentials from any providers'), {
          name: 'CredentialsProviderError',
        })
      },
    })
    expect(await rejection(parameterStoreSigner({ client, name: NAME }))).toMatchObject({
      code: 'parameter_store_denied',
      cause: { message: 'Could not load credentials from any providers' },
    })
  })
})

describe('the value of a parameter', () => {
  it.each(['String', 'StringList'] as const)('cannot be a %s', async (type) => {
    const value = p256Pem()
    const ssm = await fakeSsm({ parameters: { [NAME]: { type, value } } })
    const error = await rejection(parameterStoreSigner({ client: ssmClient(ssm), name: NAME, createIfMissing: true }))
    expect(error).toMatchObject({ code: 'parameter_not_secure' })
    expect(String(error)).toContain('must be a SecureString')
    expect(String(error)).toContain('store a new key as SecureString')
    expectNothingOf(value, everything(error))
    expect(ssm.requests('PutParameter')).toBe(0)
  })

  const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pkcs8 = { type: 'pkcs8', format: 'pem' } as const
  const good = p256.privateKey.export(pkcs8).toString()
  const sealed = p256.privateKey.export({ ...pkcs8, cipher: 'aes-256-cbc', passphrase: 'open sesame' }).toString()
  const other = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export(pkcs8).toString()
  const unfit: readonly (readonly [string, string, string])[] = [
    ['a public key', p256.publicKey.export({ type: 'spki', format: 'pem' }).toString(), 'a public key'],
    ['SEC 1', p256.privateKey.export({ type: 'sec1', format: 'pem' }).toString(), 'openssl pkcs8 -topk8 -nocrypt'],
    ['PKCS #1', rsa.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(), 'openssl pkcs8 -topk8 -nocrypt'],
    ['an RSA key', rsa.privateKey.export(pkcs8).toString(), 'a private key for ES256'],
    ['a key of another curve', other, 'a private key for ES256'],
    ['an encrypted key', sealed, 'an encrypted one'],
    ['a truncated key', good.slice(0, 120), 'one that is cut off'],
    ['a key with a missing character', good.replace('MIGH', 'MIG'), 'a damaged text'],
    ['a JWK', JSON.stringify(p256.privateKey.export({ format: 'jwk' })), 'found JSON'],
    ['words', 'correct horse battery staple', 'something else'],
  ]
  it.each(unfit)('cannot be %s', async (_name, value, says) => {
    const ssm = await fakeSsm({ parameters: { [NAME]: value } })
    const error = await rejection(parameterStoreSigner({ client: ssmClient(ssm), name: NAME }))
    expect(error).toMatchObject({ code: 'parameter_unfit' })
    expect(String(error)).toContain(`Cannot use key of parameter "${NAME}": `)
    expect(String(error)).toContain(says)
    expectNothingOf(value, everything(error))
    expect(everything(error)).not.toContain('battery')
  })

  it('may be an RSA key of at least 2048 bits if the algorithm is RSA', async () => {
    const ssm = await fakeSsm({ parameters: { [NAME]: rsa.privateKey.export(pkcs8).toString() } })
    const client = ssmClient(ssm)
    expect((await parameterStoreSigner({ client, name: NAME, algorithm: 'RS256' })).alg).toBe('RS256')
    ssm.put('/short', generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export(pkcs8).toString())
    const error = await rejection(parameterStoreSigner({ client, name: '/short', algorithm: 'RS256' }))
    expect(error).toMatchObject({ code: 'parameter_unfit' })
    expect(String(error)).toContain('at least 2048 bits')
  })

  it('may be an encrypted key, if and only if there is a passphrase', async () => {
    const ssm = await fakeSsm({ parameters: { [NAME]: sealed, '/open': good } })
    const client = ssmClient(ssm)
    const signer = await parameterStoreSigner({ client, name: NAME, passphrase: 'open sesame' })
    expect(signer.kid).toBe((await parameterStoreSigner({ client, name: '/open' })).kid)
    const attempts = [
      { name: NAME, passphrase: 'open barley' },
      { name: '/open', passphrase: 'open sesame' },
    ]
    for (const attempt of attempts) {
      const error = await rejection(parameterStoreSigner({ client, ...attempt }))
      expect(error).toMatchObject({ code: 'parameter_unfit' })
      expectNothingOf(sealed, everything(error))
      expectNothingOf(good, everything(error))
      expect(everything(error)).not.toMatch(/sesame|barley/)
    }
  })

  it('may have blank lines around it, and any line ends', async () => {
    const ssm = await fakeSsm({ parameters: { [NAME]: `\n${p256Pem().replaceAll('\n', '\r\n')}\n` } })
    expect((await parameterStoreSigner({ client: ssmClient(ssm), name: NAME })).alg).toBe('ES256')
  })
})

describe('options', () => {
  it('have the defaults in their TSDoc', async () => {
    const source = new URL('../../../packages/issuer/src/parameter-store/parameter-store-options.ts', import.meta.url)
    const text = await readFile(source, 'utf8')
    for (const [name, value] of Object.entries(PARAMETER_STORE_DEFAULTS)) {
      const [, said] = new RegExp(`@defaultValue (\\S+) \\*/\\n  readonly ${name}\\?:`).exec(text) ?? []
      expect(said, name).toBe(typeof value === 'string' ? `'${value}'` : String(value))
    }
    const ssm = await fakeSsm({ parameters: { [NAME]: p256Pem() } })
    const signer = await parameterStoreSigner({ client: ssmClient(ssm), name: NAME })
    expect(signer.alg).toBe(PARAMETER_STORE_DEFAULTS.algorithm)
  })

  const refused: readonly (readonly [string, object, string])[] = [
    ['no client', { client: undefined }, '"client" must be an SSMClient'],
    ['no name', { name: '' }, '"name" must have 1 to 2048 characters'],
    ['a name that is a number', { name: 5 }, '"name" must have 1 to 2048 characters, none of them a space, found 5'],
    ['a name with a space', { name: 'a b' }, '"name" must have 1 to 2048 characters'],
    ['an algorithm with a shared secret', { algorithm: 'HS256' }, '"algorithm" must be one of'],
    ['a ttl of 0', { ttl: 0 }, '"ttl" must be a whole number of seconds from 1 to 86400, found 0'],
    ['a ttl over a day', { ttl: 86_401 }, '"ttl" must be a whole number of seconds from 1 to 86400'],
    ['a timeout of 0', { timeout: 0 }, '"timeout" must be a number of seconds from 0.01 to 60, found 0'],
    ['a timeout in milliseconds', { timeout: 5000 }, '"timeout" must be a number of seconds from 0.01 to 60'],
    ['creation with a version', { name: '/a:1', createIfMissing: true }, '"name" must be a plain name'],
    [
      'creation with a typo',
      { createIfMissing: { keyID: 'x' } },
      'there is no option "createIfMissing.keyID"; did you mean "keyId"?',
    ],
    ['a missing passphrase', { passphrase: undefined }, '"passphrase" must not be undefined: give it a value'],
    ['an empty passphrase', { passphrase: '' }, '"passphrase" must be a non-empty string'],
    ['creation and a passphrase', { passphrase: 'x', createIfMissing: true }, 'must not stand beside "passphrase"'],
    ['a typo', { alg: 'ES256' }, 'did you mean "algorithm"?'],
    ['a listener that is not a function', { onEvent: 'log' }, '"onEvent" must be a function'],
  ]
  it.each(refused)('are rejected immediately with %s', async (_name, wrong, says) => {
    const ssm = await fakeSsm({ parameters: { [NAME]: p256Pem() } })
    const options = { client: ssmClient(ssm), name: NAME, ...wrong } as Parameters<typeof parameterStoreKey>[0]
    expect(() => parameterStoreKey(options)).toThrow(TypeError)
    expect(() => parameterStoreKey(options)).toThrow(`Cannot use parameter: `)
    expect(() => parameterStoreKey(options)).toThrow(says)
    await expect(parameterStoreSigner(options)).rejects.toThrow(says)
    expect(ssm.requests()).toBe(0)
  })
})
