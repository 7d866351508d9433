import { decodeProtectedHeader, exportJWK, generateKeyPair } from 'jose'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'

import { createIssuer, DEFAULTS, localSigner } from '../../packages/issuer/src/index.ts'

const ISSUER = 'https://issuer.example'
const URL_RULE = '"issuer" must be an http or https URL without query, fragment or credentials'
const SECONDS = 'must be a whole number of seconds from'

describe('creating an issuer', () => {
  it.each([
    [{ issuer: undefined }, `${URL_RULE}, found undefined`],
    [{ issuer: '' }, `${URL_RULE}, found ""`],
    [{ issuer: new URL(ISSUER) }, `${URL_RULE}, found a URL`],
    [{ issuer: 'xhttps://issuer.example' }, `${URL_RULE}, found "xhttps://issuer.example"`],
    [{ issuer: 'issuer.example' }, `${URL_RULE}, found "issuer.example"`],
    [{ issuer: 'ftp://issuer.example' }, `${URL_RULE}, found "ftp://issuer.example"`],
    [{ issuer: `${ISSUER}?a` }, `${URL_RULE}, found "${ISSUER}?a"`],
    [{ issuer: `${ISSUER}#a` }, `${URL_RULE}, found "${ISSUER}#a"`],
    [{ issuer: ` ${ISSUER}` }, `${URL_RULE}, found " ${ISSUER}"`],
    [{ issuer: 'https://name:secret@issuer.example' }, `${URL_RULE}, found "https://***@issuer.example"`],
    [{ algorithm: 'HS256' }, /^"algorithm" must be one of RS256, .*, found "HS256"$/],
    [{ algorithm: 'none' }, /^"algorithm" must be one of .*, found "none"$/],
    [{ algorithm: 'es256' }, /^"algorithm" must be one of .*, found "es256"$/],
    [{ audience: '' }, '"audience" must be a non-empty string or an array of them, found ""'],
    [{ audience: ['a', 1] }, '"audience" must be a non-empty string or an array of them, found an array of 2'],
    [{ typ: '' }, '"typ" must be a non-empty string, found ""'],
    [{ ttl: 0 }, `"ttl" ${SECONDS} 1 to 86400, found 0`],
    [{ ttl: 86_401 }, `"ttl" ${SECONDS} 1 to 86400, found 86401`],
    [{ ttl: '600' }, `"ttl" ${SECONDS} 1 to 86400, found "600"`],
    [{ ttl: Number.NaN }, `"ttl" ${SECONDS} 1 to 86400, found NaN`],
    [{ jwksMaxAge: -1 }, `"jwksMaxAge" ${SECONDS} 0 to 86400, found -1`],
    [{ overlap: { publishAhead: 86_401 } }, `"overlap.publishAhead" ${SECONDS} 0 to 86400, found 86401`],
    [{ overlap: { clockTolerance: 301 } }, `"overlap.clockTolerance" ${SECONDS} 0 to 300, found 301`],
    [{ signers: [] }, '"signers" must be an array of at least one, found an empty array'],
    [{ signers: {} }, '"signers" must be an array of at least one, found an object'],
    [{ signer: 'secret' }, '"signer" must be a key, found "string"'],
    [
      { signer: { kty: 'EC', d: 'secret' } },
      '"signer" is unfit: it must be a signer, such as localSigner makes, found an object without "sign"',
    ],
    [
      { signers: [Promise.resolve()] },
      '"signers[0]" is unfit: it must be a signer, such as localSigner makes, found a promise: await it',
    ],
    [{ signer: {}, algorithm: 'RS256' }, '"algorithm" must be left out beside "signer": each signer has its own'],
    [{ signers: [{}], algorithm: 'RS256' }, '"algorithm" must be left out beside "signers": each signer has its own'],
    [
      { signer: {}, signers: [{}] },
      /^"signer" and "signers" must not both be given: list all in "signers", in the order/,
    ],
    [{ signer: {}, keys: [] }, /^"signer" and "keys" must not both be given: list all in "signers", in the order/],
    [
      { signers: [{}], keys: [{}] },
      /^"signers" and "keys" must not both be given: list all in "signers", in the order/,
    ],
    [{ keys: {} }, '"keys" must be an array, found an object'],
    [{ keys: [null] }, '"keys[0]" must be a key, found "object"'],
    [{ keys: ['secret'] }, '"keys[0]" must be a key, found "string"'],
    [
      { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] },
      '"keys[0]" is unfit: it must be a private JWK for ES256, found an object',
    ],
    [{ keys: [{ kty: 'EC', alg: 'HS256' }] }, /^"keys\[0\]" is unfit: its algorithm must be .*, found "HS256"$/],
    [{ keys: [{ kty: 'EC', kid: '' }] }, '"keys[0]" is unfit: "kid" must have 1 to 256 characters, found ""'],
  ])('is rejected with %j', async (options, rule) => {
    const failure = await createIssuer({ issuer: ISSUER, ...options } as never).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(TypeError)
    const { message } = failure as TypeError
    expect(message.startsWith('Cannot create issuer: ')).toBe(true)
    const said = message.replace('Cannot create issuer: ', '')
    const asExpected = typeof rule === 'string' ? said === rule : rule.test(said)
    expect({ said, asExpected }).toEqual({ said, asExpected: true })
  })

  it('is possible with an http URL', async () => {
    expect((await createIssuer({ issuer: 'http://localhost:8080' })).issuer).toBe('http://localhost:8080')
  })

  it('is rejected with an unfit key, and the error has the cause', async () => {
    const failure = await createIssuer({ issuer: ISSUER, keys: [{ kty: 'EC' }] }).catch((error: unknown) => error)
    expect((failure as Error).cause).toEqual(
      new TypeError('Cannot use key: it must be a private JWK for ES256, found an object'),
    )
  })

  it('shortens quoted values', async () => {
    const failure = await createIssuer({ issuer: 'x'.repeat(10_000) }).catch((error: unknown) => error)
    expect((failure as Error).message.length).toBeLessThan(250)
  })

  it('is rejected with a public key, or a private one for another algorithm, and the error never shows the key', async () => {
    const pair = await generateKeyPair('ES256', { extractable: true })
    const jwk = await exportJWK(pair.privateKey)
    const { d = '', ...publicPart } = jwk
    const broken = { ...jwk, d: `${d}${d}` }
    for (const key of [publicPart, { ...jwk, alg: 'ES384' }, broken]) {
      const failure = await createIssuer({ issuer: ISSUER, keys: [key] }).catch((error: unknown) => error)
      expect(failure).toBeInstanceOf(TypeError)
      expect((failure as Error).message).toMatch(
        /^Cannot create issuer: "keys\[0\]" is unfit: it must be a private JWK/,
      )
      expect(inspect(failure, { depth: Number.POSITIVE_INFINITY })).not.toContain(d)
    }
  })

  it('is rejected with a pair that contains a wrong half', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
    for (const key of [
      { privateKey: publicKey, publicKey },
      { privateKey, publicKey: privateKey },
    ]) {
      await expect(createIssuer({ issuer: ISSUER, keys: [key] })).rejects.toThrow(
        'Cannot create issuer: "keys[0]" is unfit: it must be a key pair for ES256 with an exportable public key',
      )
    }
  })

  it('is rejected with halves of two different pairs', async () => {
    const [one, two] = [await generateKeyPair('ES256'), await generateKeyPair('ES256')]
    const keys = [{ privateKey: one.privateKey, publicKey: two.publicKey }]
    await expect(createIssuer({ issuer: ISSUER, keys })).rejects.toThrow(
      'Cannot create issuer: "keys[0]" is unfit: its public part must verify what it signs',
    )
  })

  it('is rejected with the same key twice', async () => {
    const pair = await generateKeyPair('ES256')
    const signer = await localSigner(pair)
    await expect(createIssuer({ issuer: ISSUER, signers: [signer, signer] })).rejects.toThrow(
      'Cannot create issuer: "signers" must have different key IDs',
    )
    await expect(createIssuer({ issuer: ISSUER, keys: [pair, pair] })).rejects.toThrow('must have different key IDs')
  })

  it('has its documented defaults', async () => {
    const issuer = await createIssuer({ issuer: ISSUER, clock: { now: () => 0 } })
    expect(issuer.jwks().keys[0]?.alg).toBe(DEFAULTS.algorithm)
    expect(issuer.jwksResponse().headers['cache-control']).toBe(`public, max-age=${DEFAULTS.jwksMaxAge}`)
    expect((await issuer.rotate()).signsFrom).toBe(DEFAULTS.jwksMaxAge * 1000)
    expect(DEFAULTS).toEqual({ algorithm: 'ES256', ttl: 600, typ: 'at+jwt', jwksMaxAge: 300, clockTolerance: 5 })
  })
})

describe('a custom signer', () => {
  it('signs, whether given alone or in a list of one', async () => {
    const signer = await localSigner(undefined, { algorithm: 'Ed25519' })
    const alone = await createIssuer({ issuer: ISSUER, signer })
    const listed = await createIssuer({ issuer: ISSUER, signers: [signer] })
    expect(decodeProtectedHeader(await alone.issue({}))).toEqual({ alg: 'Ed25519', typ: 'at+jwt', kid: signer.kid })
    expect(alone.jwks()).toEqual(listed.jwks())
  })

  it('signs tokens and is published without any private member it exposes', async () => {
    const inner = await localSigner(undefined, { algorithm: 'ES384' })
    const careless = { ...inner, kid: 'remote-1', publicJwk: { ...inner.publicJwk, d: 'c2VjcmV0', kid: 'other' } }
    const issuer = await createIssuer({ issuer: ISSUER, keys: [careless] })
    expect(issuer.jwks()).toEqual({ keys: [{ ...inner.publicJwk, kid: 'remote-1', alg: 'ES384', use: 'sig' }] })
  })

  it.each([
    [{ alg: 'HS256' }, '"alg" must be an asymmetric signature algorithm, found "HS256"'],
    [{ kid: '' }, '"kid" must have 1 to 256 characters, found ""'],
    [{ kid: 'k'.repeat(257) }, '"kid" must have 1 to 256 characters, found'],
    [{ publicJwk: { kty: 'oct' } }, '"publicJwk" must be an asymmetric key, found "oct"'],
    [{ sign: async () => new Uint8Array(70) }, 'its public part must verify what it signs'],
  ])('is rejected with %j', async (change, rule) => {
    const keys = [{ ...(await localSigner()), ...change } as never]
    await expect(createIssuer({ issuer: ISSUER, keys })).rejects.toThrow(
      `Cannot create issuer: "keys[0]" is unfit: ${rule}`,
    )
  })

  it('passes its own error on unchanged', async () => {
    const failure = new Error('key service down')
    const keys = [{ ...(await localSigner()), sign: () => Promise.reject(failure) }]
    await expect(createIssuer({ issuer: ISSUER, keys })).rejects.toBe(failure)
  })
})

describe('the local signer', () => {
  it('uses the RFC 7638 thumbprint as key ID', async () => {
    // RFC 7638 section 3.1 prints no private key for its example, so the example of RFC 8037 appendix A is used.
    const signer = await localSigner(
      {
        kty: 'OKP',
        crv: 'Ed25519',
        d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A',
        x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
      },
      { algorithm: 'EdDSA' },
    )
    expect(signer.kid).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k')
    const input = 'eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc'
    const signature = await signer.sign(new TextEncoder().encode(input))
    expect(Buffer.from(signature).toString('base64url')).toBe(
      'hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg',
    )
  })

  it('rejects a header that it would have to encode differently', async () => {
    const signer = await localSigner()
    const header = Buffer.from('{ "alg": "ES256" }').toString('base64url')
    await expect(signer.sign(new TextEncoder().encode(`${header}.e30`))).rejects.toThrow('header must be compact JSON')
  })

  it('names an algorithm that the runtime does not have', async () => {
    await expect(localSigner(undefined, { algorithm: 'HS256' as never })).rejects.toThrow('found "HS256"')
  })
})

describe('an unknown option', () => {
  it.each([
    [{ expiresIn: 60 }, 'Cannot create issuer: there is no option "expiresIn"; did you mean "ttl"?'],
    [{ tlt: 5 }, 'there is no option "tlt"; the options are issuer, '],
    [{ audiance: 'a' }, 'there is no option "audiance"; did you mean "audience"?'],
    [{ aud: 'a' }, 'Cannot create issuer: there is no option "aud"; did you mean "audience"?'],
    [{ jwks_max_age: 5 }, 'Cannot create issuer: there is no option "jwks_max_age"; did you mean "jwksMaxAge"?'],
    [{ overlap: { ahead: 5 } }, 'there is no option "overlap.ahead"; the options are publishAhead, clockTolerance'],
  ])('is rejected: %j', async (options, message) => {
    const attempt = createIssuer({ issuer: 'https://issuer.example', ...(options as object) })
    await expect(attempt).rejects.toThrow(TypeError)
    await expect(attempt).rejects.toThrow(message)
  })

  it('is rejected in a rotation', async () => {
    const issuer = await createIssuer({ issuer: 'https://issuer.example' })
    const attempt = issuer.rotate({ 'publish-ahead': 0 } as never)
    await expect(attempt).rejects.toThrow('did you mean "publishAhead"?')
  })
})
