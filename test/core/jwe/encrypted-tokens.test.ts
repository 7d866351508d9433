import { createPublicKey } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'

import {
  AuthError,
  createAuthenticator,
  createVerifier,
  type ErrorCode,
  type Outcome,
  type Verifier,
  type VerifierEvent,
} from '@claimgate/core'
import type { KeySource } from '@claimgate/core/extend'
import { selectVerifier } from '@claimgate/core/hooks'
import { createNestedVerifier, type DecryptionKeys, type DecryptionOptions, decryptionKeys } from '@claimgate/core/jwe'
import { authenticateJwt, getAuth } from '@claimgate/express'
import { claimgate } from '@claimgate/fastify'
import { createGate } from '@claimgate/fetch'
import { createTestKeys } from '@claimgate/testing'
import express from 'express'
import { fastify } from 'fastify'
import { CompactEncrypt, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'

import {
  accessClaims,
  bearer,
  describeOutcome,
  encode,
  optionsWith,
  refused,
  VERIFIED,
} from '../../support/core/refusal.ts'
import { sealRsa } from '../../support/core/seal.ts'

const signing = await createTestKeys('ES256', { kid: 'key-1' })
const options = optionsWith({ jwks: { keys: [signing.publicJwk] } })
const verifier = createVerifier(options)
const jwt = await signing.sign(accessClaims())

const rsa = await generateKeyPair('RSA-OAEP-256', { extractable: true })
const rsaPrivate: JWK = { ...(await exportJWK(rsa.privateKey)), kid: 'enc-rsa' }
const rsaPublic = createPublicKey({ key: await exportJWK(rsa.publicKey), format: 'jwk' })
const ec = await generateKeyPair('ECDH-ES', { extractable: true, crv: 'P-256' })
const ecPrivate: JWK = { ...(await exportJWK(ec.privateKey)), kid: 'enc-ec' }

const HEADER = { alg: 'RSA-OAEP-256', enc: 'A256GCM', kid: 'enc-rsa', cty: 'JWT' }

const nestedWith = (
  inner: Verifier = verifier,
  changes: object = {},
  decryption: Partial<DecryptionOptions> = {},
): Verifier => createNestedVerifier({ verifier: inner, decryption: { keys, ...decryption }, ...changes })

let keys: DecryptionKeys
let nested: Verifier
beforeEach(() => {
  keys = decryptionKeys([rsaPrivate, ecPrivate])
  nested = nestedWith()
})

const seal = (plaintext: string | Uint8Array, header: object = {}): string =>
  sealRsa(rsaPublic, { header: { ...HEADER, ...header }, plaintext })

const outcomeOf = (token: string, by: Verifier = nested): Promise<Outcome> =>
  createAuthenticator(by).authenticate(bearer(token))
const answerTo = async (token: string, by: Verifier = nested): Promise<object> =>
  describeOutcome(await outcomeOf(token, by))

const acceptsAnything: Verifier = {
  verify: async (token) => Object.freeze({ claims: {}, header: { alg: 'none' }, token, scopes: new Set<string>() }),
  explain: async () => ({ accepted: true, summary: 'Accepted', steps: [] }),
  ready: async () => {},
  close: () => {},
}

describe('38. The decrypted content must be a signed JWT that passes the whole verifier', () => {
  it('accepts a token that is signed and then encrypted, and returns the signed claims', async () => {
    const token = seal(jwt)
    const verified = await nested.verify(token)
    expect(verified.claims).toMatchObject({ sub: 'ada' })
    expect(verified.header).toMatchObject({ alg: 'ES256', kid: 'key-1' })
    expect(verified.scopes.has('orders:read')).toBe(true)
    expect(await answerTo(token)).toEqual(VERIFIED)
  })

  it('returns the token as received, and keeps it out of logs', async () => {
    const token = seal(jwt)
    const verified = await nested.verify(token)
    expect(verified.token).toBe(token)
    expect(JSON.stringify(verified)).not.toContain('eyJ')
    expect(Object.keys(verified).toSorted()).toEqual(Object.keys(await verifier.verify(jwt)).toSorted())
    expect(Object.isFrozen(verified)).toBe(true)
  })

  it.each<[string, string | Uint8Array, ErrorCode]>([
    ['bare claims', JSON.stringify(accessClaims({ iss: 'issuer', aud: 'api' })), 'token_malformed'],
    ['bare claims with two dots', JSON.stringify({ iss: 'a.b.c' }), 'token_encoding'],
    ['nothing', '', 'token_malformed'],
    ['an opaque token', '9f86d081884c7d65', 'token_malformed'],
    ['an unsigned JWT', `${encode({ alg: 'none' })}.${encode(accessClaims())}.`, 'algorithm_not_allowed'],
    ['an unsigned JWT in capitals', `${encode({ alg: 'NONE' })}.${encode(accessClaims())}.`, 'algorithm_not_allowed'],
    ['a JWT without a signature', jwt.slice(0, jwt.lastIndexOf('.') + 1), 'signature_malformed'],
    ['a signed JWT after a byte order mark', `\ufeff${jwt}`, 'token_encoding'],
    ['a signed JWT and a line break', `${jwt}\n`, 'token_encoding'],
    ['a signed JWT in a JSON string', JSON.stringify(jwt), 'token_encoding'],
    ['a signed JWT and a byte that is not UTF-8', Buffer.concat([Buffer.from(jwt), Buffer.of(0xff)]), 'token_encoding'],
    ['a token of four parts', `${jwt}.x`, 'token_malformed'],
    ['ten thousand dots', '.'.repeat(10_000), 'token_malformed'],
  ])('refuses %s inside', async (_, plaintext, code) => {
    expect(await answerTo(seal(plaintext))).toEqual(refused(code))
  })

  it('refuses a second layer of encryption, whatever the inner verifier does', async () => {
    const twice = seal(seal(jwt))
    await expect(nested.verify(twice)).rejects.toMatchObject({ actual: '"another encrypted token"' })
    await expect(nested.verify(seal('{}'))).rejects.toMatchObject({ actual: '"something else"' })
    expect(await answerTo(twice)).toEqual(refused('token_malformed'))
    expect(await answerTo(twice, nestedWith(acceptsAnything))).toEqual(refused('token_malformed'))
    expect(await answerTo(twice, nestedWith(acceptsAnything, { accept: 'either' }))).toEqual(refused('token_malformed'))
    expect(() => nestedWith(nested)).toThrow(/must verify signed tokens/)
  })

  it('refuses anything but three parts inside, whatever the inner verifier does', async () => {
    const lenient = nestedWith(acceptsAnything)
    expect(await answerTo(seal(jwt), lenient)).toEqual(VERIFIED)
    for (const plaintext of ['{"sub":"ada"}', 'a.b', 'a.b.c.d', 'a.b.c.d.e.f', ''])
      expect(await answerTo(seal(plaintext), lenient)).toEqual(refused('token_malformed'))
  })

  it.each<[string, () => Promise<string>, ErrorCode]>([
    ['another audience', () => signing.sign(accessClaims({ aud: 'https://other.example' })), 'audience_mismatch'],
    ['another issuer', () => signing.sign(accessClaims({ iss: 'https://other.example' })), 'issuer_mismatch'],
    ['an expired time', () => signing.sign(accessClaims({ iat: 1, exp: 2 })), 'token_expired'],
    ['no exp', () => signing.sign(accessClaims({ exp: undefined })), 'claim_missing'],
    ['an unconfirmed cnf', () => signing.sign(accessClaims({ cnf: { jkt: 'x' } })), 'binding_unsupported'],
    ['a crit', () => signing.sign(accessClaims(), { crit: ['exp'] }), 'header_critical'],
    [
      'a signature of another key',
      async () => (await createTestKeys('ES256', { kid: 'key-1', generation: 1 })).sign(accessClaims()),
      'signature_invalid',
    ],
  ])('refuses a signed JWT with %s inside', async (_, sign, code) => {
    expect(await answerTo(seal(await sign()))).toEqual(refused(code))
  })

  it('runs the token checks, the schema and the times of the inner verifier', async () => {
    const checked = nestedWith(
      createVerifier({
        ...options,
        checks: [{ name: 'never', check: () => Promise.reject(new AuthError('token_refused')) }],
      }),
    )
    expect(await answerTo(seal(jwt), checked)).toEqual(refused('token_refused'))
    const early = nested.verify(seal(jwt), { asOf: { time: 1, maxLag: 60 } })
    await expect(early).rejects.toMatchObject({ code: 'verification_time' })
    const bound = seal(await signing.sign(accessClaims({ cnf: { jkt: 'x' } })))
    await expect(nested.verify(bound, { confirmations: ['jkt'] })).resolves.toMatchObject({ claims: { sub: 'ada' } })
  })

  it.each<[string, object]>([
    ['no cty', { cty: undefined }],
    ['an empty cty', { cty: '' }],
    ['another cty', { cty: 'at+jwt' }],
    ['the long name of the media type', { cty: 'application/jwt' }],
    ['a cty with a space', { cty: 'JWT ' }],
    ['typ instead of cty', { cty: undefined, typ: 'JWT' }],
  ])('refuses %s, even with a signed JWT inside', async (_, header) => {
    expect(await answerTo(seal(jwt, header))).toEqual(refused('token_type'))
  })

  it.each([
    ['array', ['JWT']],
    ['number', 1],
    ['object', { JWT: true }],
  ])('refuses an %s as cty', async (_, cty) => {
    expect(await answerTo(seal(jwt, { cty }))).toEqual(refused('header_malformed'))
  })

  it.each(['JWT', 'jwt', 'Jwt'])('accepts cty %s, because media types are case-insensitive', async (cty) => {
    expect(await answerTo(seal(jwt, { cty }))).toEqual(VERIFIED)
  })

  it('refuses an unencrypted token, unless both are accepted', async () => {
    expect(await answerTo(jwt)).toEqual(refused('token_malformed'))
    expect(await answerTo(jwt, nestedWith(verifier, { accept: 'encrypted' }))).toEqual(refused('token_malformed'))
    const either = nestedWith(verifier, { accept: 'either' })
    expect(await answerTo(jwt, either)).toEqual(VERIFIED)
    expect(await answerTo(seal(jwt), either)).toEqual(VERIFIED)
    expect((await either.verify(jwt)).token).toBe(jwt)
  })

  it('passes both kinds through the whole verifier if it accepts both', async () => {
    const either = nestedWith(verifier, { accept: 'either' })
    const unsigned = `${encode({ alg: 'none' })}.${encode(accessClaims())}.`
    const expired = await signing.sign(accessClaims({ iat: 1, exp: 2 }))
    for (const form of [(text: string) => text, seal]) {
      expect(await answerTo(form(unsigned), either)).toEqual(refused('algorithm_not_allowed'))
      expect(await answerTo(form(expired), either)).toEqual(refused('token_expired'))
    }
    for (const text of ['x', 'x.y', 'a.b.c.d', 'a.b.c.d.e.f'])
      expect(await answerTo(text, either)).toEqual(refused('token_malformed'))
    expect(await answerTo(seal(jwt, { cty: undefined }), either)).toEqual(refused('token_type'))
  })

  it('leaves the length limit of unencrypted tokens to the verifier, and limits it if they are not accepted', async () => {
    const limits = { tokenLength: 65_536, members: 1000, nodes: 65_536 }
    const roomy = createVerifier({ ...options, limits })
    const either = nestedWith(roomy, { accept: 'either' })
    const long = await signing.sign(accessClaims({ more: 'x'.repeat(20_000) }))
    expect(long.length).toBeGreaterThan(16_384)
    await expect(either.verify(long)).resolves.toMatchObject({ claims: { sub: 'ada' } })
    await expect(nestedWith(verifier, { accept: 'either' }).verify(long)).rejects.toMatchObject({
      code: 'token_too_long',
    })
    for (const text of [`${'a'.repeat(100_000_000)}.b.c`, 'a.'.repeat(1_000_000)])
      await expect(either.verify(text)).rejects.toMatchObject({ code: 'token_too_long' })
  })

  it('emits one event per token', async () => {
    const events: VerifierEvent[] = []
    const onEvent = (event: VerifierEvent): void => void events.push(event)
    const told = nestedWith(createVerifier({ ...options, onEvent }), { onEvent, accept: 'either' })
    const tokens = [seal(jwt), jwt, seal('{}'), 'x', seal(jwt, { zip: 'DEF' }), seal(jwt, { kid: 'other' })]
    tokens.push(seal(await signing.sign(accessClaims({ iat: 1, exp: 2 }))))
    for (const token of tokens) await told.verify(token).catch(() => {})
    expect(events).toMatchObject([
      { type: 'token.verified' },
      { type: 'token.verified' },
      { type: 'token.rejected', code: 'token_malformed' },
      { type: 'token.rejected', code: 'token_malformed' },
      { type: 'token.rejected', code: 'header_critical' },
      { type: 'token.rejected', code: 'token_decryption_failed' },
      { type: 'token.rejected', code: 'token_expired' },
    ])
    for (const event of events) expect(event).toHaveProperty('duration', expect.any(Number))
  })

  it('emits a failure, and no refusal, for a bug', async () => {
    const events: VerifierEvent[] = []
    const broken: KeySource = { resolve: () => Promise.reject(new RangeError('a bug')) }
    const told = nestedWith(verifier, { onEvent: (event: VerifierEvent) => void events.push(event) }, { keys: broken })
    await expect(told.verify(seal(jwt))).rejects.toThrow(RangeError)
    expect(events).toEqual([{ type: 'token.failed', duration: expect.any(Number) }])
  })

  it('gives the same answer if a hook throws', async () => {
    const onEvent = (): never => {
      throw new Error('a bug')
    }
    expect(await answerTo('x', nestedWith(verifier, { onEvent }))).toEqual(refused('token_malformed'))
  })

  it('explains both steps, and never repeats a token', async () => {
    const good = await nested.explain(seal(jwt))
    const plain = await verifier.explain(jwt)
    const actual = JSON.stringify({ alg: HEADER.alg, enc: HEADER.enc, kid: HEADER.kid })
    const decrypted = { step: 'decrypt', result: 'passed', expected: 'a signed JWT, encrypted', actual }
    expect(good).toEqual({ ...plain, steps: [decrypted, ...plain.steps] })
    const expired = await nested.explain(seal(await signing.sign(accessClaims({ iat: 1, exp: 2 }))))
    expect(expired).toMatchObject({ accepted: false, code: 'token_expired' })
    expect(expired.steps[0]).toEqual(decrypted)
    expect(await nestedWith(verifier, { accept: 'either' }).explain(jwt)).toEqual(plain)
    const sealed = await nested.explain(seal(jwt, { kid: 'other' }))
    expect(sealed).toMatchObject({ accepted: false, code: 'token_decryption_failed' })
    expect(sealed.steps[0]).toMatchObject({ step: 'decrypt', result: 'failed', code: 'token_decryption_failed' })
    expect(sealed.steps.slice(1).map(({ result }) => result)).toEqual(Array(6).fill('skipped'))
    expect(sealed.summary).toMatch(/^Refused \(token_decryption_failed\): The token cannot be decrypted/)
    expect(JSON.stringify([good, expired, sealed])).not.toContain('eyJ')
  })

  it('works wherever a verifier does: a gate, the plugin of Fastify, the middleware of Express', async () => {
    const tokens = [seal(jwt), seal(await signing.sign(accessClaims({ iat: 1, exp: 2 }))), jwt]
    const expected = [200, 401, 401]
    const headers = (token: string): { authorization: string } => ({ authorization: `Bearer ${token}` })

    const gate = createGate(nested)
    const gated = tokens.map(async (token) =>
      gate(new Request('https://api.example/orders', { headers: headers(token) })),
    )
    expect((await Promise.all(gated)).map((result) => (result instanceof Response ? result.status : 200))).toEqual(
      expected,
    )

    const server = fastify()
    await server.register(claimgate, { verifier: nested })
    server.get('/orders', async ({ auth }) => auth?.claims.sub)
    const injected = tokens.map(async (token) => server.inject({ url: '/orders', headers: headers(token) }))
    expect((await Promise.all(injected)).map(({ statusCode }) => statusCode)).toEqual(expected)
    await server.close()

    const app = express().use(authenticateJwt(nested))
    app.get('/orders', (request, response) => void response.json(getAuth(request).claims.sub))
    const listening = app.listen(0, '127.0.0.1')
    await once(listening, 'listening')
    const url = `http://127.0.0.1:${(listening.address() as AddressInfo).port}/orders`
    const fetched = tokens.map(async (token) => fetch(url, { headers: headers(token) }))
    expect((await Promise.all(fetched)).map(({ status }) => status)).toEqual(expected)
    listening.close()
    listening.closeAllConnections()
  })

  it('is ready when its keys and the inner verifier are, and closes that verifier', async () => {
    const calls: string[] = []
    const inner: Verifier = {
      ...acceptsAnything,
      ready: async () => void calls.push('ready'),
      close: () => void calls.push('close'),
    }
    const source: KeySource = { resolve: keys.resolve, ready: async () => void calls.push('keys') }
    const watched = nestedWith(inner, {}, { keys: source })
    await watched.ready()
    expect(calls.toSorted()).toEqual(['keys', 'ready'])
    watched.close()
    expect(calls.at(-1)).toBe('close')
    const down = { ...inner, ready: () => Promise.reject(new AuthError('keys_unavailable')) }
    await expect(nestedWith(down).ready()).rejects.toMatchObject({ code: 'keys_unavailable' })
    await expect(nestedWith(inner, {}, { keys: { resolve: keys.resolve } }).ready()).resolves.toBeUndefined()
  })

  it("keeps the output of the inner verifier's schema, and its type", async () => {
    const claims = z.object({ tenant: z.string().default('none') })
    const typed: Verifier<{ tenant: string }> = createNestedVerifier({
      verifier: createVerifier({ ...options, claims }),
      decryption: { keys },
    })
    expect((await typed.verify(seal(jwt))).claims.tenant).toBe('none')
    expect(await answerTo(seal(await signing.sign(accessClaims({ tenant: 1 }))), typed)).toEqual(
      refused('claims_schema'),
    )
  })

  it('accepts a key source that changes its set at run time', async () => {
    let current = decryptionKeys(ecPrivate)
    const rotating = nestedWith(verifier, {}, { keys: { resolve: (header) => current.resolve(header) } })
    expect(await answerTo(seal(jwt), rotating)).toEqual(refused('token_decryption_failed'))
    current = decryptionKeys([rsaPrivate, ecPrivate])
    expect(await answerTo(seal(jwt), rotating)).toEqual(VERIFIED)
    current = decryptionKeys(ecPrivate)
    expect(await answerTo(seal(jwt), rotating)).toEqual(refused('token_decryption_failed'))
  })

  it.each<[string, () => unknown, RegExp]>([
    ['no options', () => createNestedVerifier(undefined as never), /give an object with options/],
    ['null', () => createNestedVerifier(null as never), /give an object with options/],
    ['null as verifier', () => nestedWith(null as never), /must be a verifier, which createVerifier makes/],
    ['a text as verifier', () => nestedWith('verifier' as never), /must be a verifier, which createVerifier makes/],
    [
      'a verifier that has only verify',
      () => nestedWith({ verify: verifier.verify } as never),
      /must be a verifier, which createVerifier makes/,
    ],
    [
      'a verifier that depends on the request',
      () => nestedWith(selectVerifier({ verifiers: { a: verifier }, select: () => 'a' })),
      /"verifier" must not depend on the request: make a verifier for each of its verifiers, and give those to selectVerifier/,
    ],
    ['null as decryption', () => nestedWith(verifier, { decryption: null }), /must be an object with "keys"/],
    [
      'null as keys',
      () => nestedWith(verifier, {}, { keys: null as never }),
      /must be decryptionKeys\(…\), or a key to decrypt with/,
    ],
    [
      'a resolve that is not a function',
      () => nestedWith(verifier, {}, { keys: { resolve: 1 } as never }),
      /must be an RSA key/,
    ],
    ['options of a verifier', () => nestedWith(options as never), /must be a verifier, which createVerifier makes/],
    ['an unknown option', () => nestedWith(verifier, { acept: 'either' }), /no option "acept"/],
    ['another word for accept', () => nestedWith(verifier, { accept: 'plain' }), /"accept" must be/],
    ['true for accept', () => nestedWith(verifier, { accept: true }), /"accept" must be/],
    ['a hook that is not a function', () => nestedWith(verifier, { onEvent: 'log' }), /"onEvent" must be/],
    ['no decryption', () => nestedWith(verifier, { decryption: undefined }), /must be an object with "keys"/],
    [
      'no keys',
      () => nestedWith(verifier, {}, { keys: undefined as never }),
      /must be decryptionKeys\(…\), or a key to decrypt with/,
    ],
    ['an unknown option of decryption', () => nestedWith(verifier, {}, { key: keys } as object), /no option "key"/],
  ])('rejects %s at start-up', (_, make, message) => {
    expect(make).toThrow(TypeError)
    expect(make).toThrow(message)
  })

  it('refuses tokens that another library encrypts with a shared secret or without cty', async () => {
    const secret = crypto.getRandomValues(new Uint8Array(32))
    const text = new TextEncoder().encode(jwt)
    const direct = await new CompactEncrypt(text)
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', cty: 'JWT' })
      .encrypt(secret)
    expect(await answerTo(direct)).toEqual(refused('algorithm_not_allowed'))
    const key = await importJWK(await exportJWK(ec.publicKey), 'ECDH-ES')
    const plain = await new CompactEncrypt(text).setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM' }).encrypt(key)
    expect(await answerTo(plain)).toEqual(refused('token_type'))
  })
})
