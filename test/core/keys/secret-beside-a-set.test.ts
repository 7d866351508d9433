import { createHmac, createPublicKey } from 'node:crypto'

import { createVerifier, firstOf, type IssuerPolicy, type VerifierOptions } from '@claimgate/core'
import { createReferenceVerifier, staticKeySet } from '@claimgate/core/extend'
import { createTestKeys } from '@claimgate/testing'
import type { JWK } from 'jose'
import { describe, expect, it, vi } from 'vitest'

import {
  accessClaims,
  answerTo,
  encode,
  ISSUER,
  AUDIENCE,
  NO_TRAFFIC,
  NOW,
  optionsWith,
  publish,
  refusalOf,
  refused,
  VERIFIED,
  type CountedKeys,
} from '../../support/core/refusal.ts'

const SECRET = 'the secret of a project, long enough for HS512: 0123456789abcdef'
const key = await createTestKeys('ES256', { kid: 'key-1' })
const rsa = await createTestKeys('RS256', { kid: 'rsa-1' })
const token = await key.sign(accessClaims())
const nameless = await key.sign(accessClaims(), { kid: undefined })
const jwks = { keys: [key.publicJwk] }

const signedWith = (secret: string | Uint8Array, header: Readonly<Record<string, unknown>> = {}): string => {
  const whole = { alg: 'HS256', typ: 'JWT', ...header }
  const input = `${encode(whole)}.${encode(accessClaims())}`
  const hash = /^HS\d+$/.test(whole.alg) ? `sha${whole.alg.slice(2)}` : 'sha256'
  return `${input}.${createHmac(hash, secret).update(input).digest('base64url')}`
}

interface Published extends AsyncDisposable {
  readonly options: VerifierOptions
  readonly traffic: CountedKeys['traffic']
  readonly keys: CountedKeys
}

const published = async (
  members: readonly JWK[] = [key.publicJwk],
  algorithms: readonly string[] = ['HS256', 'HS384', 'HS512', 'ES256', 'RS256'],
): Promise<Published> => {
  const keys = await publish(members)
  const { jwksUri, ...rest } = keys.options as IssuerPolicy & VerifierOptions
  const options = {
    ...rest,
    algorithms,
    keys: firstOf({ secret: SECRET }, { jwksUri }),
  } as VerifierOptions
  return { options, keys, traffic: keys.traffic, [Symbol.asyncDispose]: () => keys[Symbol.asyncDispose]() }
}

describe('2. firstOf uses the secret only for HS*, and the public keys only for every other alg', () => {
  it.each(['HS256', 'HS384', 'HS512'])(
    'accepts %s with the secret, with and without kid, and fetches nothing',
    async (alg) => {
      await using set = await published()
      for (const kid of [undefined, 'key-1', 'elsewhere'])
        expect(await answerTo(signedWith(SECRET, { alg, kid }), set.options)).toEqual(VERIFIED)
      expect(await answerTo(signedWith('x'.repeat(64), { alg, kid: 'key-1' }), set.options)).toEqual(
        refused('signature_invalid'),
      )
      expect(await answerTo(signedWith('x'.repeat(64), { alg }), set.options)).toEqual(refused('signature_invalid'))
      expect(set.traffic()).toEqual(NO_TRAFFIC)
    },
  )

  it('accepts the tokens of the set, with and without kid, also from the cache', async () => {
    await using set = await published()
    for (const make of [createVerifier, createReferenceVerifier]) {
      const verifier = make(set.options)
      for (let time = 0; time < 3; time += 1)
        for (const good of [token, nameless, signedWith(SECRET)])
          expect((await verifier.verify(good)).claims).toMatchObject({ sub: 'ada' })
      verifier.close()
    }
  })

  const spki = createPublicKey(key.publicPem).export({ format: 'der', type: 'spki' })
  const secrets: Readonly<Record<string, string | Uint8Array>> = {
    'the PEM': key.publicPem,
    'the PEM without its last newline': key.publicPem.trimEnd(),
    'the DER': spki,
    'the JWK text': JSON.stringify(key.publicJwk),
    'the text of the set': JSON.stringify(jwks),
  }

  it.each(Object.entries(secrets))(
    'refuses HS* signed with %s, before and after keys are fetched',
    async (_, secret) => {
      await using set = await published()
      const verifier = createVerifier(set.options)
      for (const round of ['cold', 'warm'])
        for (const alg of ['HS256', 'HS384', 'HS512'])
          for (const kid of [key.kid, undefined]) {
            if (round === 'warm') await verifier.verify(token)
            const attack = verifier.verify(signedWith(secret, { alg, kid }))
            await expect(attack, `${round} ${alg}`).rejects.toMatchObject({ code: 'signature_invalid', status: 401 })
          }
      verifier.close()
    },
  )

  it.each(['RS256', 'ES256'])('never uses the secret for a token with alg %s', async (alg) => {
    const importKey = vi.spyOn(crypto.subtle, 'importKey')
    try {
      await using set = await published([key.publicJwk, rsa.publicJwk])
      for (const kid of ['key-1', 'rsa-1', 'none', undefined]) {
        const forged = signedWith(SECRET, { alg, kid }).split('.')
        const full = [...forged.slice(0, 2), encode(Buffer.alloc(alg === 'RS256' ? 256 : 64, 1))].join('.')
        for (const attack of [forged.join('.'), full]) expect((await refusalOf(attack, set.options)).status).toBe(401)
      }
      expect(importKey.mock.calls.filter(([, , algorithm]) => JSON.stringify(algorithm).includes('HMAC'))).toEqual([])
    } finally {
      importKey.mockRestore()
    }
  })

  it('never uses an oct member of the set, whatever its name', async () => {
    const shared = 'x'.repeat(64)
    const oct = { kty: 'oct', k: encode(shared), kid: 'shared', alg: 'HS256' }
    await using set = await published([key.publicJwk, oct])
    const verifier = createVerifier(set.options)
    await verifier.verify(token)
    await expect(verifier.verify(signedWith(shared, { kid: 'shared' }))).rejects.toMatchObject({
      code: 'signature_invalid',
    })
    verifier.close()
    expect(() =>
      createVerifier(
        optionsWith({
          algorithms: ['HS256', 'ES256'],
          keys: firstOf({ secret: SECRET }, { jwks: { keys: [oct as JWK] } }),
        }),
      ),
    ).toThrow(/"kty": "oct"/)
  })

  it('uses a new key under the same kid, and answers an unknown kid like the set alone', async () => {
    const old = await createTestKeys('ES256', { kid: 'rotating', generation: 1 })
    const fresh = await createTestKeys('ES256', { kid: 'rotating', generation: 2 })
    await using set = await published([old.publicJwk])
    let now = NOW * 1000
    const clock = { now: () => now, monotonic: () => now }
    const verifier = createVerifier({ ...set.options, clock })
    await verifier.verify(await old.sign(accessClaims()))
    set.keys.server.publish(fresh.publicJwk)
    now += 120_000
    await verifier.verify(await fresh.sign(accessClaims()))
    await expect(verifier.verify(await old.sign(accessClaims()))).rejects.toMatchObject({ code: 'signature_invalid' })
    // A token that was issued long before the set was fetched can be refused for certain.
    const unknown = await key.sign(accessClaims({ iat: NOW - 3600 }), { kid: 'unknown' })
    await expect(verifier.verify(unknown)).rejects.toMatchObject({ code: 'key_not_found', status: 401 })
    verifier.close()
  })

  it('fetches the set at start-up, and describes its keys in explain', async () => {
    await using set = await published()
    const verifier = createVerifier(set.options)
    await verifier.ready()
    expect(set.traffic().requests).toBe(1)
    const explained = JSON.stringify(await verifier.explain(await key.sign(accessClaims(), { kid: 'key-1' })))
    expect(explained).toContain('a secret; or 1 key of ')
    expect(explained).not.toContain(SECRET)
    verifier.close()
  })

  it('supports discovery, a set and a public key', async () => {
    const metadata = { issuer: ISSUER, jwks_uri: `${ISSUER}/jwks` }
    const fetch = vi.fn<(url: string) => Promise<Response>>(async (url) =>
      Response.json(url.endsWith('/jwks') ? jwks : metadata),
    )
    for (const place of [{}, { jwks }, { publicKey: key.publicPem }]) {
      const keys = firstOf({ secret: SECRET }, place)
      const verifier = createVerifier(optionsWith({ algorithms: ['HS256', 'ES256'], keys, fetch }))
      for (const good of [signedWith(SECRET), token, nameless]) await verifier.verify(good)
      verifier.close()
    }
    expect(fetch).toHaveBeenCalledTimes(2)
  })
})

describe('2. firstOf with several issuers', () => {
  const policy = (keys: IssuerPolicy['keys'], algorithms: IssuerPolicy['algorithms']): IssuerPolicy => ({
    issuer: ISSUER,
    audience: AUDIENCE,
    ...(algorithms !== undefined && { algorithms }),
    ...(keys !== undefined && { keys }),
  })
  const clock = { now: () => NOW * 1000 }

  it('belongs to only its issuer', async () => {
    const other = { issuer: 'https://other.example', audience: AUDIENCE, jwks: { keys: [rsa.publicJwk] } }
    const both = policy(firstOf({ secret: SECRET }, { jwks }), ['HS256', 'ES256'])
    const verifier = createVerifier({ issuers: [other, both], clock })
    for (const good of [signedWith(SECRET), token]) await verifier.verify(good)
    const [header = '', , signature = ''] = signedWith(SECRET).split('.')
    const elsewhere = `${header}.${encode(accessClaims({ iss: other.issuer }))}.${signature}`
    await expect(verifier.verify(elsewhere)).rejects.toMatchObject({ code: 'algorithm_not_allowed' })
  })

  it('uses the current result of a function of issuers: a removed secret or key is refused immediately', async () => {
    let given = policy(firstOf({ secret: SECRET }, { jwks }), ['HS256', 'ES256'])
    const verifier = createVerifier({ issuers: async () => given, clock })
    for (const good of [signedWith(SECRET), token]) await verifier.verify(good)
    given = policy(firstOf({ secret: 'y'.repeat(64) }, { jwks: { keys: [rsa.publicJwk] } }), [
      'HS256',
      'ES256',
      'RS256',
    ])
    for (const gone of [signedWith(SECRET), token])
      await expect(verifier.verify(gone)).rejects.toMatchObject({ status: 401 })
    await verifier.verify(signedWith('y'.repeat(64)))
  })

  it('is created once for a function that calls firstOf each time, and again when a set within it has changed', async () => {
    const importKey = vi.spyOn(crypto.subtle, 'importKey')
    try {
      const set = { keys: [key.publicJwk, rsa.publicJwk] }
      const verifier = createVerifier({
        issuers: async () => policy(firstOf({ secret: SECRET }, { jwks: set }), ['HS256', 'ES256']),
        clock,
      })
      for (let time = 0; time < 5; time += 1) await verifier.verify(signedWith(SECRET))
      expect(importKey.mock.calls.filter(([, , algorithm]) => JSON.stringify(algorithm).includes('HMAC'))).toHaveLength(
        1,
      )
      await verifier.verify(token)
      set.keys.shift()
      await expect(verifier.verify(token)).rejects.toMatchObject({ status: 401 })
    } finally {
      importKey.mockRestore()
    }
  })
})

describe('2. firstOf is rejected at start-up', () => {
  const start = (changes: object): unknown => createVerifier(optionsWith(changes))
  const keys = firstOf({ secret: SECRET }, { jwks })

  it.each([
    ['no algorithms', undefined],
    ['HS256 alone', ['HS256']],
    ['ES256 alone', ['ES256', 'RS256']],
  ])('with %s, and the message says what to write', (_, algorithms) => {
    expect(() => start({ keys, ...(algorithms && { algorithms }) })).toThrow(
      /with firstOf, "algorithms" must list those of the secret and those of the public keys, such as \["HS256", "ES256"\]/,
    )
  })

  it.each<[string, object, RegExp]>([
    ['another location with it', { jwks }, /give one of/],
    ['a secret with it', { secret: SECRET }, /give one of/],
    ['an unknown algorithm', { algorithms: ['HS256', 'none'] }, /no signature algorithm/],
    [
      'a secret that is too short',
      { algorithms: ['HS512', 'ES256'], keys: firstOf({ secret: 'x'.repeat(63) }, { jwks }) },
      /64 bytes for HS512/,
    ],
    ['the public key as secret', { keys: firstOf({ secret: key.publicPem }, { jwks }) }, /a public key/],
    ['two public locations', { keys: firstOf({ secret: SECRET }, { jwks, publicKey: key.publicPem }) }, /give one of/],
    ['no issuer to discover from', { issuer: null, keys: firstOf({ secret: SECRET }, {}) }, /say where keys come from/],
    ['an invalid URL', { keys: firstOf({ secret: SECRET }, { jwksUri: 'not-a-url' }) }, /"jwksUri" must be the URL/],
    [
      'hosts for keys that are given',
      { keys: firstOf({ secret: SECRET }, { jwks, allowedKeyHosts: [] }) },
      /"allowedKeyHosts" is for discovery/,
    ],
  ])('with %s', (_, changes, message) => {
    expect(() => start({ keys, algorithms: ['HS256', 'ES256'], ...changes })).toThrow(message)
  })

  it('with a missing JWK Set', () => {
    const place = { jwks: undefined } as unknown as Parameters<typeof firstOf>[1]
    const missing = firstOf({ secret: SECRET }, place)
    expect(() => start({ keys: missing, algorithms: ['HS256', 'ES256'] })).toThrow(/"jwks" must not be undefined/)
  })

  it.each<[string, readonly unknown[]]>([
    ['only the second', [undefined, { jwks }]],
    ['only the first', [{ secret: SECRET }]],
    ['the two in the wrong order', [{ jwks }, { secret: SECRET }]],
    ['no secret', [{}, { jwks }]],
    ['a missing secret', [{ secret: undefined }, { jwks }]],
    ['a bare secret', [SECRET, { jwks }]],
    ['two secrets', [{ secret: SECRET }, { secret: SECRET }]],
    ['a key source', [{ secret: SECRET }, staticKeySet(jwks)]],
    ['another firstOf', [{ secret: SECRET }, firstOf({ secret: SECRET }, { jwks })]],
  ])('of %s', (_, given) => {
    expect(() => Reflect.apply(firstOf, undefined, given)).toThrow(/^Cannot use firstOf: /)
    expect(() => Reflect.apply(firstOf, undefined, given)).not.toThrow(SECRET)
  })

  it('with a copy of it, which has not been checked', () => {
    expect(() => start({ keys: { ...keys }, algorithms: ['HS256', 'ES256'] })).toThrow(/HS256 needs "secret"/)
    expect(() => start({ keys: { ...keys }, algorithms: ['ES256'] })).toThrow(/"keys" must be a key source/)
  })

  it('a secret with a separate JWK Set is rejected with a hint at firstOf', () => {
    expect(() => start({ secret: SECRET, jwks })).toThrow(/"keys": firstOf\(\{ secret \}, \{ jwksUri \}\)/)
  })
})
