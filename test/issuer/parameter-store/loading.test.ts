import { createPublicKey } from 'node:crypto'
import { createVerifier } from '@claimgate/core'
import { createIssuer, SIGNING_ALGORITHMS } from '@claimgate/issuer'
import { parameterStoreKey, parameterStoreSigner, type ParameterStoreEvent } from '@claimgate/issuer/parameter-store'
import { createTestClock, supportedAlgorithms } from '@claimgate/testing'
import { describe, expect, it } from 'vitest'
import { fakeSsm, p256Pem, rejection, ssmClient } from '../../support/issuer/parameter-store.ts'

const NAME = '/orders/signing-key'
const ISSUER = 'https://login.example'
const AUDIENCE = 'orders-api'

const supported = await supportedAlgorithms()
const algorithms = SIGNING_ALGORITHMS.filter((algorithm) => supported.includes(algorithm))

const publicPem = (pem: string | undefined): string =>
  createPublicKey(pem ?? '')
    .export({ type: 'spki', format: 'pem' })
    .toString()

describe('a signer with its key in Parameter Store', () => {
  it('creates signatures that the public half of the stored key verifies', async () => {
    const pem = p256Pem()
    const ssm = await fakeSsm({ parameters: { [NAME]: pem } })
    const signer = await parameterStoreSigner({ client: ssmClient(ssm), name: NAME })
    const issuer = await createIssuer({ issuer: ISSUER, audience: AUDIENCE, keys: [signer] })
    const token = await issuer.issue({ sub: 'ada' })
    const verifier = createVerifier({ issuer: ISSUER, audience: AUDIENCE, publicKey: publicPem(pem) })
    expect((await verifier.verify(token)).claims.sub).toBe('ada')
    expect(Object.keys(signer.publicJwk).toSorted()).toEqual(['crv', 'kty', 'x', 'y'])
  })

  it('is read once, decrypted, for concurrent and later calls', async () => {
    const ssm = await fakeSsm({ parameters: { [NAME]: p256Pem() } })
    const client = ssmClient(ssm)
    const signers = await Promise.all(Array.from({ length: 50 }, () => parameterStoreSigner({ client, name: NAME })))
    expect(new Set([...signers, await parameterStoreSigner({ client, name: NAME })]).size).toBe(1)
    expect(ssm.calls()).toEqual([{ operation: 'GetParameter', input: { Name: NAME, WithDecryption: true } }])
  })

  it('differs by name, algorithm and client', async () => {
    const ssm = await fakeSsm({ parameters: { [NAME]: p256Pem(), '/other': p256Pem() } })
    const client = ssmClient(ssm)
    const [first, other] = await Promise.all([
      parameterStoreSigner({ client, name: NAME }),
      parameterStoreSigner({ client, name: '/other' }),
    ])
    expect(first.kid).not.toBe(other.kid)
    const misfit = await rejection(parameterStoreSigner({ client, name: NAME, algorithm: 'ES384' }))
    expect(misfit).toMatchObject({ code: 'parameter_unfit' })
    await parameterStoreSigner({ client: ssmClient(ssm), name: NAME })
    expect(ssm.requests('GetParameter')).toBe(4)
  })

  it('is loaded again after a failure', async () => {
    const ssm = await fakeSsm()
    const client = ssmClient(ssm)
    expect(await rejection(parameterStoreSigner({ client, name: NAME }))).toMatchObject({ code: 'parameter_not_found' })
    ssm.put(NAME, p256Pem())
    expect((await parameterStoreSigner({ client, name: NAME })).alg).toBe('ES256')
  })

  it('can be that of an earlier version, or of an ARN', async () => {
    const ssm = await fakeSsm({ parameters: { [NAME]: p256Pem() } })
    const client = ssmClient(ssm)
    const first = await parameterStoreSigner({ client, name: NAME })
    ssm.put(NAME, p256Pem())
    const pinned = await parameterStoreSigner({ client, name: `${NAME}:1` })
    const newest = await parameterStoreSigner({
      client,
      name: `arn:aws:ssm:eu-central-1:000000000000:parameter${NAME}`,
    })
    expect(pinned.kid).toBe(first.kid)
    expect(newest.kid).not.toBe(first.kid)
    const issuer = await createIssuer({ issuer: ISSUER, keys: [newest, pinned] })
    expect(issuer.jwks().keys.map(({ kid }) => kid)).toEqual([newest.kid, pinned.kid])
  })
})

describe('keys under labels', () => {
  it('change without a gap in any number of processes: published as next, then current', async () => {
    const ssm = await fakeSsm({ parameters: { [NAME]: p256Pem() } })
    ssm.put(NAME, p256Pem())
    ssm.label(NAME, 'current', 1)
    ssm.label(NAME, 'next', 2)
    const startProcess = async () => {
      const client = ssmClient(ssm)
      const current = await parameterStoreSigner({ client, name: `${NAME}:current` })
      const next = await parameterStoreSigner({ client, name: `${NAME}:next` })
      return createIssuer({ issuer: ISSUER, audience: AUDIENCE, signers: [current, next] })
    }
    const before = await startProcess()
    const verifier = createVerifier({ issuer: ISSUER, audience: AUDIENCE, jwks: before.jwks() })
    ssm.label(NAME, 'current', 2)
    ssm.label(NAME, 'next', 1)
    const after = await startProcess()
    for (const issuer of [before, after]) {
      expect((await verifier.verify(await issuer.issue({ sub: 'ada' }))).claims.sub).toBe('ada')
    }
    expect(after.jwks().keys.map(({ kid }) => kid)).toEqual(
      before
        .jwks()
        .keys.map(({ kid }) => kid)
        .toReversed(),
    )
  })
})

describe('a key that does not exist', () => {
  it('is created and stored once for 50 concurrent calls', async () => {
    const ssm = await fakeSsm()
    const client = ssmClient(ssm)
    const signers = await Promise.all(
      Array.from({ length: 50 }, () => parameterStoreSigner({ client, name: NAME, createIfMissing: true })),
    )
    expect(new Set(signers).size).toBe(1)
    expect(ssm.calls().map(({ operation }) => operation)).toEqual(['GetParameter', 'PutParameter'])
    expect(ssm.calls()[1]?.input).toMatchObject({ Name: NAME, Type: 'SecureString', Overwrite: false })
    expect(ssm.parameter(NAME)).toMatchObject({ type: 'SecureString', version: 1 })
  })

  it('is one key for 20 processes that start at the same time: the first one stored is used by all', async () => {
    const ssm = await fakeSsm()
    // All of them read before the first of them stores.
    ssm
      .at('GetParameter')
      .once(...Array.from({ length: 20 }, () => ({ kind: 'error', type: 'ParameterNotFound' }) as const))
    const events: ParameterStoreEvent[] = []
    const signers = await Promise.all(
      Array.from({ length: 20 }, () =>
        parameterStoreSigner({
          client: ssmClient(ssm),
          name: NAME,
          createIfMissing: true,
          onEvent: (event) => events.push(event),
        }),
      ),
    )
    expect(new Set(signers.map(({ kid }) => kid)).size).toBe(1)
    expect(ssm.parameter(NAME)?.version).toBe(1)
    expect(ssm.requests('PutParameter')).toBeGreaterThan(1)
    expect(events.map(({ type }) => type).toSorted()).toEqual([
      'key.created',
      ...Array.from({ length: 19 }, () => 'key.loaded'),
    ])
    expect(new Set(events.map(({ kid, version }) => `${kid} ${version}`)).size).toBe(1)
  })

  it('is awaited if another process has stored it and it is not visible yet', async () => {
    const ssm = await fakeSsm()
    const missing = { kind: 'error', type: 'ParameterNotFound' } as const
    ssm.at('GetParameter').once(missing, missing, missing)
    ssm.put(NAME, p256Pem())
    await parameterStoreSigner({ client: ssmClient(ssm), name: NAME, createIfMissing: true })
    expect(ssm.requests('GetParameter')).toBe(4)
    expect(ssm.parameter(NAME)?.version).toBe(1)
  })

  it('is not created unless configured, nor if the parameter cannot be read', async () => {
    const ssm = await fakeSsm()
    const client = ssmClient(ssm)
    await rejection(parameterStoreSigner({ client, name: NAME }))
    ssm.behave({ kind: 'denied' })
    await rejection(parameterStoreSigner({ client, name: NAME, createIfMissing: true }))
    ssm.behave({ kind: 'throttle' })
    await rejection(parameterStoreSigner({ client, name: NAME, createIfMissing: true }))
    expect(ssm.requests('PutParameter')).toBe(0)
  })

  it('is stored with the configured KMS key and description', async () => {
    const ssm = await fakeSsm()
    const createIfMissing = { keyId: 'alias/orders', description: 'Signs tokens of the orders API' }
    await parameterStoreSigner({ client: ssmClient(ssm), name: NAME, createIfMissing })
    expect(ssm.calls()[1]?.input).toMatchObject({
      KeyId: 'alias/orders',
      Description: 'Signs tokens of the orders API',
    })
  })

  it.each(algorithms)('is created for %s, and signs the same way when read again', async (algorithm) => {
    const ssm = await fakeSsm()
    const options = { name: NAME, algorithm }
    const made = await parameterStoreSigner({ ...options, client: ssmClient(ssm), createIfMissing: true })
    const read = await parameterStoreSigner({ ...options, client: ssmClient(ssm) })
    expect(read).toMatchObject({ alg: algorithm, kid: made.kid, publicJwk: made.publicJwk })
    const issuer = await createIssuer({ issuer: ISSUER, audience: AUDIENCE, keys: [read] })
    const token = await issuer.issue({ sub: 'ada' })
    const { publicJwk: jwk } = made
    const jwks = { keys: [{ ...jwk, kid: made.kid, alg: algorithm }] }
    const verifier = createVerifier({
      issuer: ISSUER,
      audience: AUDIENCE,
      jwks,
      algorithms: [algorithm],
    })
    expect((await verifier.verify(token)).claims.sub).toBe('ada')
  })
})

describe('a key with a ttl', () => {
  const start = async () => {
    const ssm = await fakeSsm({ parameters: { [NAME]: p256Pem() } })
    const clock = createTestClock()
    const events: ParameterStoreEvent[] = []
    const onEvent = (event: ParameterStoreEvent) => void events.push(event)
    const key = parameterStoreKey({ client: ssmClient(ssm), name: NAME, ttl: 300, clock, onEvent })
    return { ssm, clock, events, key }
  }

  it('is read again once it is older than that, once for concurrent calls, and remains the same signer', async () => {
    const { ssm, clock, key } = await start()
    const first = await key.signer()
    clock.advance(299_999)
    expect(await key.signer()).toBe(first)
    expect(ssm.requests()).toBe(1)
    clock.advance(1)
    const again = await Promise.all(Array.from({ length: 50 }, () => key.signer()))
    expect(new Set(again)).toEqual(new Set([first]))
    expect(ssm.requests()).toBe(2)
  })

  it('is another signer once the parameter contains another key', async () => {
    const { ssm, clock, events, key } = await start()
    const first = await key.signer()
    ssm.put(NAME, p256Pem())
    expect(await key.signer()).toBe(first)
    clock.advance(300_000)
    const second = await key.signer()
    expect(second.kid).not.toBe(first.kid)
    expect(events).toEqual([
      { type: 'key.loaded', kid: first.kid, version: 1 },
      { type: 'key.loaded', kid: second.kid, version: 2 },
    ])
  })

  it('continues to sign during an outage, and is read again after a pause', async () => {
    const { ssm, clock, events, key } = await start()
    const first = await key.signer()
    ssm.behave({ kind: 'throttle' })
    clock.advance(300_000)
    const during = await Promise.all(Array.from({ length: 50 }, () => key.signer()))
    expect(new Set(during)).toEqual(new Set([first]))
    clock.advance(29_999)
    await key.signer()
    expect(ssm.requests()).toBe(2)
    expect(events.at(-1)).toEqual({ type: 'key.kept', kid: first.kid, code: 'parameter_store_throttled' })
    expect(events).toHaveLength(2)
    ssm.behave({ kind: 'ok' })
    ssm.put(NAME, p256Pem())
    clock.advance(1)
    expect((await key.signer()).kid).not.toBe(first.kid)
  })

  it('stops signing if it was deleted or access was revoked, and an outage does not restore it', async () => {
    const { ssm, clock, key } = await start()
    const first = await key.signer()
    ssm.behave({ kind: 'denied' })
    clock.advance(300_000)
    expect(await rejection(key.signer())).toMatchObject({ code: 'parameter_store_denied' })
    ssm.behave({ kind: 'throttle' })
    expect(await rejection(key.signer())).toMatchObject({ code: 'parameter_store_throttled' })
    ssm.behave({ kind: 'ok' })
    expect((await key.signer()).kid).toBe(first.kid)
    ssm.remove(NAME)
    clock.advance(300_000)
    expect(await rejection(key.signer())).toMatchObject({ code: 'parameter_not_found' })
  })

  // Vitest fails on unhandled rejections.
  it.each<readonly [string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('the log is full')
      },
    ],
    ['rejects', async () => Promise.reject(new Error('the log is full'))],
  ])('survives a listener that %s', async (_, onEvent) => {
    const ssm = await fakeSsm({ parameters: { [NAME]: p256Pem() } })
    const key = parameterStoreKey({ client: ssmClient(ssm), name: NAME, onEvent })
    expect((await key.signer()).alg).toBe('ES256')
  })
})

describe('an issuer that follows a parameter', () => {
  const start = async () => {
    const ssm = await fakeSsm({ parameters: { [NAME]: p256Pem() } })
    const clock = createTestClock()
    const key = parameterStoreKey({ client: ssmClient(ssm), name: NAME, ttl: 300, clock })
    const issuer = await createIssuer({ issuer: ISSUER, audience: AUDIENCE, clock, createSigner: key.reload })
    return { ssm, clock, key, issuer }
  }
  const kids = (issuer: { jwks(): { readonly keys: readonly { readonly kid?: string }[] } }) =>
    issuer.jwks().keys.map(({ kid }) => kid)

  it('publishes the new key before it signs, and the old one until its tokens expire', async () => {
    const { ssm, clock, key, issuer } = await start()
    const [old] = kids(issuer)
    const early = await issuer.issue({ sub: 'ada' })
    ssm.put(NAME, p256Pem())
    expect(await key.follow(issuer)).toBeUndefined()
    clock.advance(300_000)
    const rotation = await key.follow(issuer)
    expect(rotation?.kid).not.toBe(old)
    expect(kids(issuer)).toEqual([old, rotation?.kid])
    clock.advance(300_000)
    const late = await issuer.issue({ sub: 'bob' })
    const verifier = createVerifier({ issuer: ISSUER, audience: AUDIENCE, jwks: issuer.jwks(), clock })
    expect((await verifier.verify(early)).claims.sub).toBe('ada')
    expect((await verifier.verify(late)).header?.kid).toBe(rotation?.kid)
    clock.advance(700_000)
    expect(kids(issuer)).toEqual([rotation?.kid])
  })

  it('switches once for 50 concurrent calls, even if the new key signs immediately', async () => {
    const { ssm, clock, key, issuer } = await start()
    ssm.put(NAME, p256Pem())
    clock.advance(300_000)
    const rotations = await Promise.all(Array.from({ length: 50 }, () => key.follow(issuer, { publishAhead: 0 })))
    expect(rotations.filter((rotation) => rotation !== undefined)).toHaveLength(1)
    expect(kids(issuer)).toHaveLength(1)
    expect(await key.follow(issuer)).toBeUndefined()
  })

  it('also reads the stored key in rotate(), and rejects rotate() if there is none', async () => {
    const { ssm, issuer } = await start()
    await expect(issuer.rotate()).rejects.toThrow('must return a new key')
    ssm.put(NAME, p256Pem())
    const { kid } = await issuer.rotate()
    expect(kids(issuer)).toContain(kid)
  })

  it('is rejected if it creates its own keys', async () => {
    const { key } = await start()
    const other = await createIssuer({ issuer: ISSUER })
    await expect(key.follow(other)).rejects.toThrow('"createSigner" of the issuer must be "reload" of this key')
  })
})
