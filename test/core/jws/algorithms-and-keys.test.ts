import { createHmac, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import { type Algorithm, AuthError, createVerifier, type VerifierEvent } from '@claimgate/core'
import { createReferenceVerifier, staticKeySet, verifyJws } from '@claimgate/core/extend'
import { createTestClock, createTestKeys, startFaultyJwksServer, weakKeys } from '@claimgate/testing'
import { importJWK, type CryptoKey, type JWK } from 'jose'
import { describe, expect, it, vi } from 'vitest'

import {
  accessClaims,
  answerTo,
  encode,
  NO_TRAFFIC,
  NOW,
  optionsWith,
  publish,
  refusalOf,
  refused,
  signParts,
  VERIFIED,
} from '../../support/core/refusal.ts'

const key = await createTestKeys('ES256', { kid: 'key-1' })
const rsa = await createTestKeys('RS256', { kid: 'rsa-1' })
const attacker = await createTestKeys('ES256', { kid: 'attacker' })
const good = await key.sign(accessClaims())
const [goodHeader = '', goodClaims = '', goodSignature = ''] = good.split('.')
const jwks = { keys: [key.publicJwk] }
const es384 = await createTestKeys('ES384', { kid: 'key-1' })
const ps256 = await createTestKeys('PS256', { kid: 'rsa-1' })
const second = await createTestKeys('ES256', { kid: 'key-2' })
const nameless = await key.sign(accessClaims(), { kid: undefined })
const old = await createTestKeys('ES256', { kid: 'rotating', generation: 1 })
const fresh = await createTestKeys('ES256', { kid: 'rotating', generation: 2 })
const next = await createTestKeys('ES256', { kid: 'next' })

describe('1. `none` in any case is refused by exact comparison, before any key is looked up', () => {
  const spellings = ['none', 'None', 'NONE', 'nOnE', 'none ', ' none', 'NoNe', '']
  const signatures = ['', goodSignature]

  it.each(spellings)('refuses alg "%s", with or without a signature, and fetches nothing', async (alg) => {
    await using keys = await publish([key.publicJwk])
    for (const signature of signatures) {
      const token = `${encode({ alg, kid: key.kid, typ: 'at+jwt' })}.${goodClaims}.${signature}`
      expect(await answerTo(token, keys.options)).toEqual(refused('algorithm_not_allowed'))
    }
    expect(keys.traffic()).toEqual(NO_TRAFFIC)
  })

  it.each(['es256', 'ES256 ', 'Es256', 'ES256\u0000', 'ES384', 'RS256', 'XS256', '__proto__', 'toString'])(
    'refuses alg %j if only ES256 is allowed, and fetches nothing',
    async (alg) => {
      await using keys = await publish([key.publicJwk], { algorithms: ['ES256'] })
      const token = await key.sign(accessClaims(), { alg })
      expect(await answerTo(token, keys.options)).toEqual(refused('algorithm_not_allowed'))
      expect(keys.traffic()).toEqual(NO_TRAFFIC)
    },
  )

  it('refuses an empty signature with an allowed algorithm, and fetches nothing', async () => {
    await using keys = await publish([key.publicJwk, rsa.publicJwk])
    expect(await answerTo(`${goodHeader}.${goodClaims}.`, keys.options)).toEqual(refused('signature_malformed'))
    const [header, claims] = (await rsa.sign(accessClaims())).split('.')
    expect(await answerTo(`${header}.${claims}.`, keys.options)).toEqual(refused('signature_malformed'))
    expect(keys.traffic()).toEqual(NO_TRAFFIC)
  })

  it.each(['none', 'None', 'es256', '', 'RSA-OAEP', '__proto__'])('rejects "%s" in the list at start-up', (name) => {
    expect(() => createVerifier(optionsWith({ jwks, algorithms: [name] }))).toThrow(TypeError)
  })

  it('rejects an empty list at start-up', () => {
    expect(() => createVerifier(optionsWith({ jwks, algorithms: [] }))).toThrow('"algorithms" must be a list')
  })
})

describe('2. HS* with the public key as secret is refused, and HS* never uses public keys', () => {
  const secrets: Readonly<Record<string, string | Uint8Array>> = {
    'the PEM': key.publicPem,
    'the PEM and a newline': `${key.publicPem}\n`,
    'the DER': createPublicKey(key.publicPem).export({ format: 'der', type: 'spki' }),
    'the JWK text': JSON.stringify(key.publicJwk),
    'the empty string': '',
  }
  const attacks = ['256', '384', '512'].flatMap((bits) =>
    Object.entries(secrets).map(([what, secret]) => {
      const input = `${encode({ alg: `HS${bits}`, kid: key.kid, typ: 'at+jwt' })}.${goodClaims}`
      const signature = createHmac(`sha${bits}`, secret).update(input).digest('base64url')
      return [`HS${bits} with ${what}`, `${input}.${signature}`] as const
    }),
  )

  it.each(attacks)('refuses %s with any source of keys, and fetches nothing', async (_, token) => {
    await using keys = await publish([key.publicJwk])
    for (const options of [keys.options, optionsWith({ jwks }), optionsWith({ publicKey: key.publicPem })])
      expect(await answerTo(token, options)).toEqual(refused('algorithm_not_allowed'))
    expect(keys.traffic()).toEqual(NO_TRAFFIC)
  })

  it.each([
    ['a JWK Set', { jwks }],
    ['a JWK Set address', { jwksUri: 'https://issuer.example/jwks' }],
    ['a public key', { publicKey: key.publicPem }],
    ['a key source', { keys: staticKeySet(jwks) }],
    ['discovery', {}],
  ])('rejects HS256 and %s at start-up', (_, place) => {
    for (const algorithms of [['HS256'], ['ES256', 'HS256'], ['HS512']])
      expect(() => createVerifier(optionsWith({ ...place, algorithms }))).toThrow(/HS\d+ needs "secret"/)
  })

  it('rejects a secret with an asymmetric algorithm, or a secret with other keys, at start-up', () => {
    const secret = 'x'.repeat(64)
    expect(() => createVerifier(optionsWith({ secret, algorithms: ['HS256', 'ES256'] }))).toThrow(TypeError)
    expect(() => createVerifier(optionsWith({ secret, jwks }))).toThrow(TypeError)
    expect(() => createVerifier(optionsWith({ secret, jwks, algorithms: ['HS256'] }))).toThrow(TypeError)
  })

  it('rejects a symmetric key in a JWK Set at start-up', () => {
    const oct = { kty: 'oct', k: encode('x'.repeat(32)), kid: 'key-2', alg: 'HS256' }
    expect(() => createVerifier(optionsWith({ jwks: { keys: [key.publicJwk, oct] } }))).toThrow(/"kty": "oct"/)
  })

  it('never verifies HS256 with a member of a fetched set', async () => {
    const secret = 'x'.repeat(32)
    await using keys = await publish([key.publicJwk, { kty: 'oct', k: encode(secret), kid: 'shared', alg: 'HS256' }])
    const input = `${encode({ alg: 'HS256', kid: 'shared' })}.${goodClaims}`
    const token = `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
    expect(await answerTo(token, keys.options)).toEqual(refused('algorithm_not_allowed'))
    const set = staticKeySet(jwks)
    await expect(verifyJws(token, { keys: set, algorithms: ['HS256'] })).rejects.toMatchObject({
      code: 'key_not_found',
      status: 401,
    })
  })

  it.each([
    ['HS256', 32],
    ['HS384', 48],
    ['HS512', 64],
  ] as const)('accepts a secret for %s of at least %i bytes, and verifies with it', async (alg, bytes) => {
    expect(() => createVerifier(optionsWith({ secret: 's'.repeat(bytes - 1), algorithms: [alg] }))).toThrow(
      `at least ${bytes} bytes`,
    )
    const secret = 's'.repeat(bytes)
    const input = `${encode({ alg })}.${goodClaims}`
    const sign = (by: string): string =>
      `${input}.${createHmac(`sha${alg.slice(2)}`, by)
        .update(input)
        .digest('base64url')}`
    const options = optionsWith({ secret, algorithms: [alg] })
    expect(await answerTo(sign(secret), options)).toEqual(VERIFIED)
    expect(await answerTo(sign('other'), options)).toEqual(refused('signature_invalid'))
  })
})

describe('3. The algorithm of the token is allowed, and fits the key', () => {
  const bare = (jwk: JWK): JWK => Object.fromEntries(Object.entries(jwk).filter(([name]) => name !== 'alg'))
  const set = (...keys: readonly JWK[]) => optionsWith({ jwks: { keys } })

  it('uses a key without alg for every algorithm that fits its type', async () => {
    expect(await answerTo(good, set(bare(key.publicJwk)))).toEqual(VERIFIED)
    expect(await answerTo(await rsa.sign(accessClaims()), set(bare(rsa.publicJwk)))).toEqual(VERIFIED)
    expect(await answerTo(await ps256.sign(accessClaims()), set(bare(ps256.publicJwk)))).toEqual(VERIFIED)
  })

  it.each<[string, Algorithm, JWK]>([
    ['another curve', 'ES256', es384.publicJwk],
    ['another key type', 'ES256', { ...rsa.publicJwk, kid: 'key-1' }],
    ['another key type', 'RS256', es384.publicJwk],
    ['another key type', 'EdDSA', es384.publicJwk],
  ])('refuses a token whose key, without alg, is of %s than %s needs', async (_, alg, jwk) => {
    const signature = encode(new Uint8Array(64).fill(1))
    const token = `${encode({ alg, kid: jwk.kid })}.${goodClaims}.${signature}`
    expect(await answerTo(token, set(bare(jwk)))).toEqual(refused('algorithm_key_mismatch'))
  })

  it('refuses an algorithm other than the alg of the key, even if the signature is right', async () => {
    const asRs256 = { ...ps256.publicJwk, alg: 'RS256' }
    const token = await ps256.sign(accessClaims())
    expect(await answerTo(token, set(ps256.publicJwk))).toEqual(VERIFIED)
    expect(await answerTo(token, set(asRs256))).toEqual(refused('algorithm_key_mismatch'))
  })

  it('refuses an algorithm that fits the key and is not allowed', async () => {
    const options = optionsWith({ jwks: { keys: [bare(ps256.publicJwk)] }, algorithms: ['RS256'] })
    expect(await answerTo(await ps256.sign(accessClaims()), options)).toEqual(refused('algorithm_not_allowed'))
  })

  it('verifies with the checked algorithm, whatever key a source returns', async () => {
    const keys = { resolve: async () => ps256.publicKey }
    expect(await answerTo(await ps256.sign(accessClaims()), optionsWith({ keys }))).toEqual(VERIFIED)
    const claimed = await signParts(ps256, encode({ alg: 'RS256', kid: 'rsa-1' }), goodClaims)
    expect(await answerTo(claimed, optionsWith({ keys }))).toEqual(refused('algorithm_key_mismatch'))
    const secretKey = (await importJWK({ kty: 'oct', k: encode('x'.repeat(64)) }, 'HS256')) as unknown as CryptoKey
    const secret = { resolve: async () => secretKey }
    expect(await answerTo(good, optionsWith({ keys: secret }))).toEqual(refused('algorithm_key_mismatch'))
  })

  it('treats EdDSA and Ed25519 as two names of one algorithm', async () => {
    const ed = await createTestKeys('EdDSA', { kid: 'ed' })
    const token = await ed.sign(accessClaims())
    expect(await answerTo(token, set(ed.publicJwk))).toEqual(VERIFIED)
    expect(await answerTo(token, set({ ...ed.publicJwk, alg: 'Ed25519' }))).toEqual(VERIFIED)
  })
})

describe('4. Keys and URLs of keys in the header are never fetched and never used as keys', () => {
  it.each(['jku', 'x5u', 'x5t', 'x5t#S256'])('ignores %s with a URL, and opens no connection', async (name) => {
    await using keys = await publish([key.publicJwk])
    await using trap = await publish([attacker.publicJwk, { ...attacker.publicJwk, kid: key.kid }])
    const header = { [name]: trap.server.url }
    expect(await answerTo(await key.sign(accessClaims(), header), keys.options)).toEqual(VERIFIED)
    const named = await attacker.sign(accessClaims(), { ...header, kid: key.kid })
    expect(await answerTo(named, keys.options)).toEqual(refused('signature_invalid'))
    expect(await answerTo(await attacker.sign(accessClaims(), header), keys.options)).toEqual(refused('key_not_found'))
    expect(trap.traffic()).toEqual(NO_TRAFFIC)
  })

  it.each<[string, object]>([
    ['jwk of the attacker', { jwk: attacker.publicJwk }],
    ['jwk with the kid of the issuer', { jwk: { ...attacker.publicJwk, kid: key.kid } }],
    ['jwk of the issuer', { jwk: key.publicJwk }],
    ['jwk with a secret', { jwk: { kty: 'oct', k: 'AAAA' } }],
    ['jwk null', { jwk: null }],
    ['jku null', { jku: null }],
    ['jku as an object', { jku: { url: 'https://attacker.example' } }],
    ['x5u as a number', { x5u: 7 }],
    ['x5c', { x5c: ['MIIB'] }],
    ['x5c of 2,800 characters', { x5c: ['MIIC'.repeat(700)] }],
    ['x5c empty', { x5c: [] }],
    ['x5c as text', { x5c: 'MIIB' }],
    ['x5t as an object', { x5t: { jku: 'https://attacker.example' } }],
    ['x5t with a key in it', { x5t: JSON.stringify(attacker.publicJwk) }],
    ['x5t of a hash in hex, as WSO2 sends it', { x5t: encode('a'.repeat(40)) }],
    ['x5t null', { x5t: null, 'x5t#S256': null }],
    ['x5t of a certificate', { x5t: 'A'.repeat(27), 'x5t#S256': 'A'.repeat(43) }],
  ])('ignores %s', async (_, header) => {
    const options = optionsWith({ jwks })
    for (const kid of [key.kid, undefined]) {
      expect(await answerTo(await key.sign(accessClaims(), { ...header, kid }), options)).toEqual(VERIFIED)
      const forged = await attacker.sign(accessClaims(), { ...header, kid })
      expect(await answerTo(forged, options)).toEqual(refused('signature_invalid'))
    }
    const unknown = await attacker.sign(accessClaims(), header)
    expect(await answerTo(unknown, options)).toEqual(refused('key_not_found'))
  })
})

describe('5. `kid` is a short string and only the name of a key', () => {
  it.each<[string, unknown]>([
    ['an object', { kid: 'key-1' }],
    ['an object with toString', { toString: 'key-1' }],
    ['an array', ['key-1']],
    ['a number', 1],
    ['a boolean', true],
    ['null', null],
    ['__proto__', '__proto__'],
    ['257 characters', 'k'.repeat(257)],
    ['a null character', 'key-1\u0000'],
    ['a newline', 'key-1\nx: y'],
    ['DEL', 'key-1\u007f'],
    ['a line separator', 'key-1\u2028'],
  ])('refuses %s, and fetches nothing', async (_, kid) => {
    await using keys = await publish([key.publicJwk])
    expect(await answerTo(await key.sign(accessClaims(), { kid }), keys.options)).toEqual(refused('kid_malformed'))
    expect(keys.traffic()).toEqual(NO_TRAFFIC)
  })

  it('refuses a kid of a megabyte, and fetches nothing', async () => {
    await using keys = await publish([key.publicJwk])
    const token = await key.sign(accessClaims(), { kid: 'k'.repeat(1_000_000) })
    expect(await answerTo(token, keys.options)).toEqual(refused('token_too_long'))
    expect(keys.traffic()).toEqual(NO_TRAFFIC)
  })

  it.each(['constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf', '', '../key-1', "' OR 1=1 --"])(
    'treats %j as the name of a missing key',
    async (kid) => {
      const token = await key.sign(accessClaims(), { kid })
      expect(await answerTo(token, optionsWith({ jwks }))).toEqual(refused('key_not_found'))
    },
  )

  it('finds keys with unusual names, up to 256 characters', async () => {
    for (const kid of ['constructor', 'toString', '../key-1', 'k'.repeat(256)]) {
      const named = { ...key.publicJwk, kid }
      const token = await key.sign(accessClaims(), { kid })
      expect(await answerTo(token, optionsWith({ jwks: { keys: [named] } }))).toEqual(VERIFIED)
    }
  })
})

describe('6. Without `kid`, `x5t` selects or at most four keys are tried; a duplicate `kid` is resolved or refused', async () => {
  const listen = (changes: object) => {
    const events: VerifierEvent[] = []
    return { events, options: optionsWith({ onEvent: (event: VerifierEvent) => events.push(event), ...changes }) }
  }
  const more = await Promise.all([3, 4, 5, 6].map(async (number) => createTestKeys('ES256', { kid: `key-${number}` })))
  const others = more.map(({ publicJwk }) => publicJwk)
  const mine = { ...key.publicJwk, x5t: 'a-hash', 'x5t#S256': 'another-hash' }
  const named = (header: object): Promise<string> => key.sign(accessClaims(), { kid: undefined, ...header })

  /** The answer to a token, and the number of signature checks. */
  const checked = async (token: string, members: readonly object[], changes: object = {}) => {
    const verify = vi.spyOn(crypto.subtle, 'verify')
    try {
      const answer = await answerTo(token, optionsWith({ jwks: { keys: members }, ...changes }))
      return { answer, checks: verify.mock.calls.length }
    } finally {
      verify.mockRestore()
    }
  }

  it('uses the only key that fits', async () => {
    const fits = optionsWith({ jwks: { keys: [rsa.publicJwk, key.publicJwk] } })
    expect(await answerTo(nameless, fits)).toEqual(VERIFIED)
  })

  it.each([0, 1, 2, 3])('verifies with the signing one of up to four keys, number %i', async (place) => {
    const members: object[] = [...others.slice(1), rsa.publicJwk]
    members.splice(place, 0, key.publicJwk)
    expect(await checked(nameless, members)).toEqual({ answer: VERIFIED, checks: place + 1 })
  })

  it('refuses a signature by none of them after four checks, and names the tried keys', async () => {
    const { answer, checks } = await checked(nameless, others)
    expect([answer, checks]).toEqual([refused('signature_invalid'), 4])
    const error = await refusalOf(nameless, optionsWith({ jwks: { keys: others } }))
    expect(error.hint).toBe('The token names no key ID. Keys tried: "key-3", "key-4", "key-5", "key-6"')
  })

  it('refuses if five fit, with an event and without a check', async () => {
    const five = [...others, key.publicJwk]
    const { answer, checks } = await checked(nameless, five)
    expect([answer, checks]).toEqual([refused('key_ambiguous'), 0])
    const { events, options } = listen({ jwks: { keys: five } })
    const error = await refusalOf(nameless, options)
    expect(events).toContainEqual({ type: 'key.ambiguous', candidates: 5 })
    expect(error.message).toContain(
      'expected "at most 4 keys that fit", found 5. The token names no key ID, and of several keys that fit at most 4 are tried: a limit of Claimgate',
    )
  })

  it.each([
    ['x5t', { x5t: 'a-hash' }],
    ['x5t#S256', { 'x5t#S256': 'another-hash' }],
    ['both', { x5t: 'a-hash', 'x5t#S256': 'another-hash' }],
    ['x5t, with an x5t#S256 that is not published', { x5t: 'a-hash', 'x5t#S256': 'unknown' }],
  ])('selects by %s, however many fit, and checks one signature', async (_, header) => {
    const expected = { answer: VERIFIED, checks: 1 }
    expect(await checked(await named(header), [...others, mine])).toEqual(expected)
    expect(await checked(await named(header), [second.publicJwk, mine])).toEqual(expected)
  })

  it('tries no key other than the one that x5t selects', async () => {
    const forged = await second.sign(accessClaims(), { kid: undefined, x5t: 'a-hash' })
    expect(await checked(forged, [second.publicJwk, mine])).toEqual({ answer: refused('signature_invalid'), checks: 1 })
  })

  it('uses kid if there is one, whatever x5t is', async () => {
    const token = await second.sign(accessClaims(), { x5t: 'a-hash' })
    expect(await checked(token, [second.publicJwk, mine])).toEqual({ answer: VERIFIED, checks: 1 })
  })

  it.each([
    ['that is not published', { x5t: 'unknown' }],
    ['that is a list', { x5t: ['a-hash'] }],
    ['that is null', { x5t: null, 'x5t#S256': null }],
    ['that is a number', { x5t: 7 }],
    ['in a member of another name', { X5T: 'a-hash' }],
  ])('tries all that fit for an x5t %s', async (_, header) => {
    expect(await checked(await named(header), [second.publicJwk, mine])).toEqual({ answer: VERIFIED, checks: 2 })
    expect((await checked(await named(header), [...others, mine])).answer).toEqual(refused('key_ambiguous'))
  })

  it('matches no x5t of a key that is not text', async () => {
    const odd = [undefined, null, 7, ['a-hash'], 'a-hash'.repeat(30)].map((x5t, index) => ({
      ...others[index % 4],
      x5t,
    }))
    expect((await checked(await named({ x5t: 'a-hash' }), [...odd, mine])).checks).toBe(1)
  })

  it('treats keys of the same material as one key, whatever their names', async () => {
    const { kid: _, ...unnamed } = key.publicJwk
    const same = [key.publicJwk, { ...key.publicJwk, kid: 'again', x5c: ['MIIB'] }, unnamed, unnamed, mine]
    expect(await checked(nameless, same)).toEqual({ answer: VERIFIED, checks: 1 })
  })

  it('gives the same answers with a fetched set, in verifyJws, and on the reference path, and fetches once', async () => {
    await using keys = await publish([second.publicJwk, key.publicJwk])
    const verifiers = [createVerifier(keys.options), createVerifier({ ...keys.options, tokenCache: false })]
    for (const verifier of [...verifiers, createReferenceVerifier(keys.options)]) {
      for (const signer of [key, second, key])
        await verifier.verify(await signer.sign(accessClaims(), { kid: undefined }))
      const forged = verifier.verify(await attacker.sign(accessClaims(), { kid: undefined }))
      await expect(forged).rejects.toMatchObject({ code: 'signature_invalid', status: 401 })
      verifier.close()
    }
    expect(keys.traffic().requests).toBe(3)
    const several = staticKeySet({ keys: [second.publicJwk, key.publicJwk] })
    await expect(verifyJws(nameless, { keys: several, algorithms: ['ES256'] })).resolves.toMatchObject({
      header: { alg: 'ES256' },
    })
  })

  it('explains which keys were tried, and which one signed', async () => {
    const verifier = createVerifier(optionsWith({ jwks: { keys: [second.publicJwk, key.publicJwk] } }))
    const { accepted, steps } = await verifier.explain(nameless)
    expect(accepted).toBe(true)
    expect(steps.find(({ step }) => step === 'key')).toMatchObject({
      expected: '"at most 4 keys that fit"',
      hint: 'The token names no key ID. Keys to try: "key-2", "key-1"',
    })
    expect(steps.find(({ step }) => step === 'signature')?.hint).toBe('Signed by the key "key-1"')
    const forged = await verifier.explain(await attacker.sign(accessClaims(), { kid: undefined }))
    expect(forged).toMatchObject({ accepted: false, code: 'signature_invalid' })
    expect(forged.summary).toContain('Keys tried: "key-2", "key-1"')
  })

  it('accepts up to four keys of a custom source, and refuses none and more', async () => {
    const from = (...given: readonly { readonly publicKey: CryptoKey }[]) =>
      optionsWith({
        keys: {
          resolve: async () => attacker.publicKey,
          candidates: async () => given.map(({ publicKey }) => publicKey),
        },
      })
    expect(await answerTo(nameless, from(second, key))).toEqual(VERIFIED)
    expect(await answerTo(nameless, from())).toEqual(refused('key_not_found'))
    expect(await answerTo(nameless, from(key, second, ...more.slice(1)))).toEqual(refused('key_ambiguous'))
    for (const thrown of [undefined, null, 'route']) {
      // oxlint-disable-next-line prefer-promise-reject-errors -- applications may do this
      const keys = { resolve: async () => key.publicKey, candidates: async () => Promise.reject(thrown) }
      await expect(createVerifier(optionsWith({ keys })).verify(nameless)).rejects.toBeInstanceOf(Error)
    }
    // The source resolves a token that names its key.
    expect(await answerTo(good, from(key))).toEqual(refused('signature_invalid'))
  })

  it('never fetches again for a token without a kid', async () => {
    await using keys = await publish([rsa.publicJwk])
    const verifier = createVerifier(keys.options)
    await verifier.ready()
    for (let n = 0; n < 3; n++)
      await expect(verifier.verify(nameless)).rejects.toMatchObject({ code: 'key_not_found', status: 401 })
    expect(keys.traffic().requests).toBe(1)
  })

  it('distinguishes keys of one name by type, algorithm and use', async () => {
    const same = [
      { ...rsa.publicJwk, kid: 'key-1' },
      { ...second.publicJwk, kid: 'key-1', use: 'enc' },
      { ...second.publicJwk, kid: 'key-1', key_ops: ['encrypt'] },
      key.publicJwk,
    ]
    expect(await answerTo(good, optionsWith({ jwks: { keys: same } }))).toEqual(VERIFIED)
  })

  it('treats the same key twice under one name as one key, also once with a certificate', async () => {
    const { alg: _, ...open } = key.publicJwk
    for (const other of [key.publicJwk, { ...key.publicJwk, x5c: ['MIIB'], x5t: 'a' }, open, { ...open, use: 'sig' }]) {
      const { events, options } = listen({ jwks: { keys: [key.publicJwk, other] } })
      expect(await answerTo(good, options)).toEqual(VERIFIED)
      expect(events).not.toContainEqual(expect.objectContaining({ type: 'key.ambiguous' }))
    }
  })

  it('refuses if several of one name remain, with an event', async () => {
    const { events, options } = listen({ jwks: { keys: [key.publicJwk, { ...second.publicJwk, kid: 'key-1' }] } })
    expect(await answerTo(good, options)).toEqual(refused('key_ambiguous'))
    expect(events).toContainEqual({ type: 'key.ambiguous', candidates: 2 })
  })
})

const inBase64 = (text = ''): string => Buffer.from(text, 'base64url').toString('base64')
const withZero = (text = ''): string => encode(Buffer.concat([Buffer.of(0), Buffer.from(text, 'base64url')]))

/** The result for a set of one good key and one other member: the answers and the events. */
async function besideGood(member: unknown, token?: string) {
  await using keys = await publish([member, key.publicJwk])
  const events: VerifierEvent[] = []
  const verifier = createVerifier({ ...keys.options, onEvent: (event) => events.push(event) })
  const code = async (text: string): Promise<string> =>
    verifier.verify(text).then(
      () => 'verified',
      (error: unknown) => (error instanceof AuthError ? error.code : 'a bug'),
    )
  const goodAnswer = await code(good)
  const weakAnswer = token === undefined ? undefined : await code(token)
  const skipped = events.filter(({ type }) => type === 'key.skipped')
  const refreshed = events.find((event) => event.type === 'keys.refreshed')
  verifier.close()
  return { goodAnswer, weakAnswer, skipped, refreshed }
}

/** A token that the weak key verifies if its private half is known, otherwise one by another key. */
async function tokenOf(privateJwk: Readonly<Record<string, unknown>> | undefined, alg: string): Promise<string> {
  const input = `${encode({ alg, kid: 'weak-key', typ: 'at+jwt' })}.${goodClaims}`
  if (privateJwk === undefined || alg !== 'RS256') {
    const length = alg === 'RS256' ? 256 : 64
    return `${input}.${encode(new Uint8Array(length).fill(1))}`
  }
  const { kty, n, e, d, p, q, dp, dq, qi } = privateJwk as JsonWebKey
  const imported = await crypto.subtle.importKey(
    'jwk',
    { kty, n, e, d, p, q, dp, dq, qi } as JsonWebKey,
    { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
    false,
    ['sign'],
  )
  const signature = await crypto.subtle.sign('RSASSA-PKCS1-v1_5', imported, new TextEncoder().encode(input))
  return `${input}.${encode(new Uint8Array(signature))}`
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n
  for (let square = base % modulus, rest = exponent; rest > 0n; rest >>= 1n, square = (square * square) % modulus)
    if (rest & 1n) result = (result * square) % modulus
  return result
}

const algOf = (jwk: unknown): string => {
  const kty = (jwk as { kty?: unknown } | null)?.kty
  if (kty === 'RSA') return 'RS256'
  return kty === 'OKP' ? 'EdDSA' : 'ES256'
}

describe('7. Unusable members of a set are skipped and counted, and the others work', () => {
  const members = weakKeys('weak-key').filter(({ requirement }) => requirement.includes(7))

  it.each(members)('skips: $name', async ({ jwk }) => {
    const token = await tokenOf(undefined, algOf(jwk))
    const { goodAnswer, weakAnswer, skipped, refreshed } = await besideGood(jwk, token)
    expect(goodAnswer).toBe('verified')
    expect(weakAnswer).toBe('key_not_found')
    expect(skipped.length).toBe(1)
    expect(refreshed).toMatchObject({ keys: 1, skipped: 1 })
  })

  it.each([
    ['oct', 'symmetric', { kty: 'oct', k: 'AAAA', kid: 'x' }],
    ['use enc', 'wrong_use', { ...attacker.publicJwk, use: 'enc' }],
    ['key_ops without verify', 'wrong_use', { ...attacker.publicJwk, key_ops: ['sign'] }],
    ['an unknown kty', 'unsupported_type', { ...attacker.publicJwk, kty: 'XYZ' }],
    ['an unknown alg', 'unsupported_algorithm', { ...attacker.publicJwk, alg: 'ES999' }],
    ['private parts', 'private_parts', attacker.privateJwk],
    ['null', 'malformed', null],
  ])('emits the reason: %s', async (_, reason, member) => {
    const { skipped } = await besideGood(member)
    expect(skipped).toEqual([expect.objectContaining({ type: 'key.skipped', reason })])
  })

  it('skips a key with private members, even if its signature is right, with a warning', async () => {
    const leaked = { ...attacker.publicJwk, ...attacker.privateJwk, kid: 'leaked' }
    const { goodAnswer, weakAnswer, skipped } = await besideGood(
      leaked,
      await attacker.sign(accessClaims(), { kid: 'leaked' }),
    )
    expect([goodAnswer, weakAnswer]).toEqual(['verified', 'key_not_found'])
    expect(skipped).toEqual([expect.objectContaining({ reason: 'private_parts' })])
  })

  it('skips only the member that contains a name twice, and says which', async () => {
    const spoiled = `{"kty":"EC","kid":"spoiled","crv":"P-256","x":"AQ","x":"${key.publicJwk.x}","y":"${key.publicJwk.y}"}`
    const text = `{"keys":[${spoiled},${JSON.stringify(key.publicJwk)}]}`
    const server = createServer((_, response) => void response.end(text)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`
    const events: VerifierEvent[] = []
    const verifier = createVerifier(
      optionsWith({ jwksUri: uri, onEvent: (event: VerifierEvent) => events.push(event) }),
    )
    await expect(verifier.verify(good)).resolves.toMatchObject({ claims: { sub: 'ada' } })
    expect(events).toContainEqual({
      type: 'key.skipped',
      uri,
      reason: 'duplicate_member',
      detail: '"x" of the key with kid "spoiled"',
    })
    const refusal = verifier.verify(await key.sign(accessClaims(), { kid: 'spoiled' }))
    await expect(refusal).rejects.toMatchObject({
      code: 'key_not_found',
      hint: expect.stringContaining('The key with kid "spoiled" was skipped as duplicate_member, because of "x"'),
    })
    verifier.close()
    server.close()
  })

  it.each<[string, (jwk: JWK) => object]>([
    [
      'null for absent members',
      (jwk) => ({ ...jwk, use: null, key_ops: null, d: null, k: null, x5c: null, alg: null }),
    ],
    ['empty key_ops and oth', (jwk) => ({ ...jwk, key_ops: [], oth: [] })],
    ['coordinates in base64 with padding', ({ x, y, ...jwk }) => ({ ...jwk, x: inBase64(x), y: inBase64(y) })],
    ['leading zeros in its coordinates', ({ x, y, ...jwk }) => ({ ...jwk, x: withZero(x), y: withZero(y) })],
  ])('accepts a member with %s from any source', async (_, change) => {
    const member = change(key.publicJwk)
    const { goodAnswer, skipped } = await besideGood({ ...member, kid: 'key-1' })
    expect([goodAnswer, skipped]).toEqual(['verified', []])
    expect(await answerTo(good, optionsWith({ jwks: { keys: [member] } }))).toEqual(VERIFIED)
    expect(await answerTo(good, optionsWith({ publicKey: member }))).toEqual(VERIFIED)
  })

  it('treats an RSA key with a leading zero in its modulus, or with padding, as the same key', async () => {
    const { n, e } = rsa.publicJwk
    const token = await rsa.sign(accessClaims())
    for (const spell of [inBase64, withZero]) {
      const odd = { ...rsa.publicJwk, n: spell(n), e: spell(e) }
      expect(await answerTo(token, optionsWith({ jwks: { keys: [odd] } }))).toEqual(VERIFIED)
      expect(await answerTo(token, optionsWith({ jwks: { keys: [odd, rsa.publicJwk] } }))).toEqual(VERIFIED)
    }
  })

  it('uses a member with a null kid for a token without kid', async () => {
    const unnamed = { ...key.publicJwk, kid: null }
    expect(await answerTo(nameless, optionsWith({ jwks: { keys: [unnamed] } }))).toEqual(VERIFIED)
    expect(await answerTo(good, optionsWith({ jwks: { keys: [unnamed] } }))).toEqual(refused('key_not_found'))
  })

  it('rejects a configured private key at start-up', () => {
    expect(() => createVerifier(optionsWith({ jwks: { keys: [key.privateJwk] } }))).toThrow('a private key')
  })

  it('rejects a configured set with only unusable members at start-up', () => {
    const unusable = { keys: [{ ...key.publicJwk, use: 'enc' }] }
    expect(() => createVerifier(optionsWith({ jwks: unusable }))).toThrow('usable key')
  })
})

describe('8. Weak keys and invalid points are skipped', () => {
  const points: readonly (readonly [string, string])[] = [
    ['of order 1', `01${'00'.repeat(31)}`],
    ['of order 2', `ec${'ff'.repeat(30)}7f`],
    ['of order 4', '00'.repeat(32)],
    ['of order 8', '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'],
    ['with y beyond the field', `ee${'ff'.repeat(30)}7f`],
    ['off the curve', `02${'00'.repeat(31)}`],
  ]
  const smallOrder = points.map(([what, hex]) => ({
    name: `Ed25519 point ${what}`,
    jwk: { kty: 'OKP', crv: 'Ed25519', x: encode(Buffer.from(hex, 'hex')), kid: 'weak-key', alg: 'EdDSA' } as unknown,
    privateJwk: undefined,
  }))
  const members = weakKeys('weak-key').filter(({ requirement }) => requirement.includes(8))

  it.each([...members, ...smallOrder])('skips: $name', async ({ jwk, privateJwk }) => {
    const { goodAnswer, weakAnswer, skipped } = await besideGood(jwk, await tokenOf(privateJwk, algOf(jwk)))
    expect(goodAnswer).toBe('verified')
    expect(weakAnswer).toBe('key_not_found')
    expect(skipped.map((event) => ('reason' in event ? event.reason : ''))).toEqual([
      expect.stringMatching(/^(weak|invalid_point|malformed)$/),
    ])
  })

  it('skips Ed25519 keys whose y has a second encoding, beyond the field', async () => {
    for (let offset = 0xed; offset <= 0xff; offset++) {
      const x = encode(Buffer.from(`${offset.toString(16)}${'ff'.repeat(30)}7f`, 'hex'))
      const { goodAnswer, skipped } = await besideGood({ kty: 'OKP', crv: 'Ed25519', x, kid: 'weak-key', alg: 'EdDSA' })
      expect(goodAnswer).toBe('verified')
      expect(skipped).toEqual([expect.objectContaining({ reason: 'invalid_point' })])
    }
  })

  it('skips EC keys whose x is beyond the field, and accepts fewer or more leading zeros', async () => {
    const p = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n
    const b = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn
    const x = 5n
    const y = power(x ** 3n - 3n * x + b, (p + 1n) / 4n, p)
    const bytes = (value: bigint, size: number): string =>
      encode(Buffer.from(value.toString(16).padStart(size * 2, '0'), 'hex'))
    const member = { kty: 'EC', crv: 'P-256', kid: 'weak-key', alg: 'ES256', y: bytes(y, 32) }
    const skippedAs = async (spelled: string) =>
      (await besideGood({ ...member, x: spelled })).skipped.map((event) => 'reason' in event && event.reason)
    expect(await skippedAs(bytes(x, 32))).toEqual([])
    expect(await skippedAs(bytes(x + p, 32))).toEqual(['invalid_point'])
    expect(await skippedAs(bytes(x, 31))).toEqual([])
    expect(await skippedAs(bytes(x, 1))).toEqual([])
    expect(await skippedAs(bytes(x, 33))).toEqual([])
    expect(await skippedAs('')).toEqual(['malformed'])
    expect(await skippedAs(bytes(x + (1n << 256n), 33))).toEqual(['malformed'])
  })

  it('skips RSA of 8200 bits and accepts 8192', async () => {
    const modulus = (bits: number): string => encode(Buffer.concat([Buffer.alloc(bits / 8 - 1, 0xff), Buffer.of(0xfd)]))
    const member = { ...rsa.publicJwk, kid: 'large' }
    expect((await besideGood({ ...member, n: modulus(8200) })).skipped).toEqual([
      expect.objectContaining({ reason: 'weak' }),
    ])
    expect((await besideGood({ ...member, n: modulus(8192) })).skipped).toEqual([])
  })

  it.each([1024, 2040])('rejects RSA of %i bits as PEM at start-up', (modulusLength) => {
    const pair = generateKeyPairSync('rsa', { modulusLength })
    const pem = pair.publicKey.export({ format: 'pem', type: 'spki' }).toString()
    expect(() => createVerifier(optionsWith({ publicKey: pem }))).toThrow(/not fit for use: weak/)
  })

  it('accepts RSA of 2048 bits, as JWK and as PEM', async () => {
    const token = await rsa.sign(accessClaims())
    expect(await answerTo(token, optionsWith({ jwks: { keys: [rsa.publicJwk] } }))).toEqual(VERIFIED)
    expect(await answerTo(token, optionsWith({ publicKey: rsa.publicPem }))).toEqual(VERIFIED)
  })
})

describe('9. ECDSA signatures are raw r and s of exactly one length', () => {
  const orders = {
    ES256: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
    ES384: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
    ES512:
      0x1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
  }

  describe.each([
    ['ES256', 64],
    ['ES384', 96],
    ['ES512', 132],
  ] as const)('%s', (alg, length) => {
    const made = async () => {
      const own = await createTestKeys(alg, { kid: 'ec' })
      const token = await own.sign(accessClaims())
      const input = token.slice(0, token.lastIndexOf('.'))
      const signature = Buffer.from(token.slice(input.length + 1), 'base64url')
      const answer = (bytes: Uint8Array) =>
        answerTo(`${input}.${encode(bytes)}`, optionsWith({ jwks: { keys: [own.publicJwk] } }))
      return { signature, answer, half: length / 2 }
    }
    const number = (value: bigint, size: number): Buffer =>
      Buffer.from(value.toString(16).padStart(size * 2, '0'), 'hex')

    it(`accepts ${length} bytes and no other length`, async () => {
      const { signature, answer } = await made()
      expect(await answer(signature)).toEqual(VERIFIED)
      for (const wrong of [0, 1, length / 2, length - 1, length + 1, length * 2]) {
        const bytes = Buffer.alloc(wrong)
        signature.copy(bytes)
        expect(await answer(bytes), `${wrong} bytes`).toEqual(refused('signature_malformed'))
      }
    })

    it('refuses DER', async () => {
      const { signature, answer, half } = await made()
      const integer = (bytes: Buffer): Buffer => {
        const first = bytes.findIndex((byte) => byte !== 0)
        const short = bytes.subarray(Math.max(0, first))
        const positive = short.readUInt8(0) < 0x80 ? short : Buffer.concat([Buffer.of(0), short])
        return Buffer.concat([Buffer.of(2, positive.length), positive])
      }
      const body = Buffer.concat([integer(signature.subarray(0, half)), integer(signature.subarray(half))])
      const head = body.length < 0x80 ? Buffer.of(0x30, body.length) : Buffer.of(0x30, 0x81, body.length)
      expect(await answer(Buffer.concat([head, body]))).toEqual(refused('signature_malformed'))
    })

    it('refuses zeros, and r or s equal to the order of the group', async () => {
      const { signature, answer, half } = await made()
      const zero = Buffer.alloc(half)
      const order = number(orders[alg], half)
      const [r, s] = [signature.subarray(0, half), signature.subarray(half)]
      const pairs = [
        [zero, zero],
        [zero, s],
        [r, zero],
        [order, order],
        [order, s],
        [r, order],
      ] as const
      for (const pair of pairs) expect(await answer(Buffer.concat(pair))).toEqual(refused('signature_invalid'))
    })
  })
})

describe('10. A refresh replaces the keys, and a key replaced under its name is used', () => {
  const claims = accessClaims({ exp: NOW + 86_400 })

  const start = async (first: JWK) => {
    const clock = createTestClock({ wall: NOW * 1000 })
    const server = await startFaultyJwksServer({ jwks: { keys: [first] } })
    const verifier = createVerifier(
      optionsWith({ jwksUri: server.url, clock, keySet: { allowLoopbackHttp: true, freshFor: 600 } }),
    )
    const code = async (token: string): Promise<string> => {
      const outcome = await verifier.verify(token).catch((error: unknown) => error)
      if (!(outcome instanceof Error)) return 'verified'
      return outcome instanceof AuthError ? outcome.code : outcome.message
    }
    const fetches = () => server.stats().requests.length
    return { clock, server, code, fetches, [Symbol.asyncDispose]: () => server.close() }
  }

  it('refuses a key that has left the set after the next refresh', async () => {
    await using world = await start(old.publicJwk)
    const [withOld, withNext] = [await old.sign(claims), await next.sign(claims)]
    expect(await world.code(withOld)).toBe('verified')
    world.server.publish(next.publicJwk)
    world.clock.advance(601_000)
    expect(await world.code(withNext)).toBe('verified')
    expect(await world.code(withOld)).toBe('key_not_found')
    expect(world.fetches()).toBe(2)
  })

  it('uses new material under the same kid after one more fetch', async () => {
    await using world = await start(old.publicJwk)
    expect(await world.code(await old.sign(claims))).toBe('verified')
    world.server.publish(fresh.publicJwk)
    expect(await world.code(await fresh.sign(claims))).toBe('verified')
    expect(world.fetches()).toBe(2)
    expect(await world.code(await old.sign(claims))).toBe('signature_invalid')
  })

  it('does not fetch more than once because of bad signatures under a known kid', async () => {
    await using world = await start(old.publicJwk)
    expect(await world.code(await old.sign(claims))).toBe('verified')
    for (let n = 0; n < 20; n++) {
      const forged = await attacker.sign({ ...claims, jti: `${n}` }, { kid: old.kid })
      expect(await world.code(forged)).toBe('signature_invalid')
    }
    expect(world.fetches()).toBe(2)
    expect(await world.code(await old.sign(claims))).toBe('verified')
  })
})
