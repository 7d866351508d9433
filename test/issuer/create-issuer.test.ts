import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'

import { type Claims, createIssuer, type IssueOptions, SIGNING_ALGORITHMS } from '../../packages/issuer/src/index.ts'

const ISSUER = 'https://issuer.example'
const NOW = 1_800_000_000_000
const clock = { now: (): number => NOW }

const verified = async (token: string, jwks: Parameters<typeof createLocalJWKSet>[0]) =>
  jwtVerify(token, createLocalJWKSet(jwks), { currentDate: new Date(NOW) })

describe('an issued token', () => {
  it.each(SIGNING_ALGORITHMS)('is signed with %s and verified by the JWK Set', async (algorithm) => {
    const issuer = await createIssuer({ issuer: ISSUER, algorithm, clock })
    const jwks = issuer.jwks()
    const token = await issuer.issue({ sub: 'ada' })

    const { payload, protectedHeader } = await verified(token, jwks)
    expect(payload.sub).toBe('ada')
    expect(protectedHeader).toEqual({ alg: algorithm, typ: 'at+jwt', kid: jwks.keys[0]?.kid })
    expect(jwks.keys[0]).toMatchObject({ alg: algorithm, use: 'sig' })
    expect(issuer.metadata().id_token_signing_alg_values_supported).toEqual([algorithm])
  })

  it('contains the claims of the issuer and those of the caller', async () => {
    const issuer = await createIssuer({ issuer: ISSUER, audience: 'orders', clock, randomUUID: () => 'id-1' })
    const { payload } = await verified(await issuer.issue({ sub: 'ada', scope: 'read', role: 'writer' }), issuer.jwks())

    const iat = NOW / 1000
    expect(payload).toEqual({
      iss: ISSUER,
      aud: 'orders',
      iat,
      exp: iat + 600,
      jti: 'id-1',
      sub: 'ada',
      scope: 'read',
      role: 'writer',
    })
  })

  it('contains them even if the caller has undefined members of those names', async () => {
    const issuer = await createIssuer({ issuer: ISSUER, audience: 'orders', clock })
    const { payload } = await verified(
      await issuer.issue({ iss: undefined, aud: undefined, exp: undefined, jti: undefined }),
      issuer.jwks(),
    )
    expect(payload).toMatchObject({ iss: ISSUER, aud: 'orders', exp: NOW / 1000 + 600, jti: expect.any(String) })
  })

  it('rounds iat down to whole seconds', async () => {
    const issuer = await createIssuer({ issuer: ISSUER, clock: { now: () => NOW + 999 } })
    const { payload } = await verified(await issuer.issue({}), issuer.jwks())
    expect([payload.iat, payload.exp]).toEqual([NOW / 1000, NOW / 1000 + 600])
  })

  it('accepts its own ttl, audience, typ, header and jti', async () => {
    const issuer = await createIssuer({ issuer: ISSUER, audience: 'orders', clock })
    const token = await issuer.issue(
      { jti: 'mine' },
      { ttl: 1, audience: ['a', 'b'], typ: 'JWT', header: { 'x-trace': '1' } },
    )
    const { payload, protectedHeader } = await verified(token, issuer.jwks())
    expect(payload).toMatchObject({ jti: 'mine', aud: ['a', 'b'], exp: NOW / 1000 + 1 })
    expect(protectedHeader).toMatchObject({ typ: 'JWT', 'x-trace': '1' })
  })

  it.each<[string, Claims, IssueOptions, object]>([
    ['its own iat, from which its lifetime counts', {}, { setIat: 1000, ttl: 60 }, { iat: 1000, exp: 1060 }],
    ['an iat of 0', {}, { setIat: 0, ttl: 60 }, { iat: 0, exp: 60 }],
    ['a number as nbf', { nbf: 5 }, {}, { nbf: 5 }],
    ['an iat up to a day ahead', {}, { setIat: NOW / 1000 + 86_400 }, { iat: NOW / 1000 + 86_400 }],
    ['an iat of now for true', {}, { setIat: true }, { iat: NOW / 1000, exp: NOW / 1000 + 600 }],
    ['its own jti', {}, { setJti: 'mine' }, { jti: 'mine' }],
    ['its own jti in place of the one in the claims', { jti: 'theirs' }, { setJti: 'mine' }, { jti: 'mine' }],
    ['a new UUID in place of the jti in the claims', { jti: 'theirs' }, { setJti: true }, { jti: 'id-1' }],
    ['a new UUID', {}, { setJti: true }, { jti: 'id-1' }],
    ['a subject', {}, { subject: 'ada' }, { sub: 'ada' }],
    ['a subject that the claims also contain', { sub: 'ada' }, { subject: 'ada' }, { sub: 'ada' }],
  ])('takes %s', async (_, claims, options, expected) => {
    const issuer = await createIssuer({ issuer: ISSUER, clock, randomUUID: () => 'id-1' })
    expect(decodeJwt(await issuer.issue(claims, options))).toMatchObject(expected)
  })

  it('has no aud if no audience is configured', async () => {
    const issuer = await createIssuer({ issuer: ISSUER, clock })
    const { payload } = await verified(await issuer.issue({}), issuer.jwks())
    expect(payload).not.toHaveProperty('aud')
  })

  it('has a unique jti', async () => {
    const issuer = await createIssuer({ issuer: ISSUER, clock })
    const { payload: first } = await verified(await issuer.issue({}), issuer.jwks())
    const { payload: second } = await verified(await issuer.issue({}), issuer.jwks())
    expect(first.jti).toMatch(/^[0-9a-f-]{36}$/)
    expect(first.jti).not.toBe(second.jti)
  })

  it.each([
    [
      { iss: 'https://other.example' },
      {},
      'Cannot issue token: "iss" must be left to the issuer, found "https://other.example"',
    ],
    [{ aud: 'x' }, {}, 'Cannot issue token: "aud" must be left to the issuer, found "x"'],
    [{ iat: 1 }, {}, 'Cannot issue token: "iat" must be left to the issuer, found 1'],
    [{ exp: 1 }, {}, 'Cannot issue token: "exp" must be left to the issuer, found 1'],
    [{ sub: 42 }, {}, 'Cannot issue token: "sub" must be a non-empty string, found 42'],
    [{ client_id: '' }, {}, 'Cannot issue token: "client_id" must be a non-empty string, found ""'],
    [{ scope: ['a'] }, {}, 'Cannot issue token: "scope" must be a non-empty string, found an array of 1'],
    [{ jti: null }, {}, 'Cannot issue token: "jti" must be a non-empty string, found null'],
    [{ nbf: '1' }, {}, 'Cannot issue token: "nbf" must be a number of seconds, found "1"'],
    [{}, { expiresIn: 60 }, 'Cannot issue token: there is no option "expiresIn"; did you mean "ttl"?'],
    [{}, { TTL: 60 }, 'Cannot issue token: there is no option "TTL"; did you mean "ttl"?'],
    [
      {},
      { scope: 'a' },
      'Cannot issue token: there is no option "scope"; the options are ttl, setIat, setJti, audience, subject, typ, header',
    ],
    [[], {}, 'Cannot issue token: claims must be an object, found an empty array'],
    [{}, { ttl: 0 }, 'Cannot issue token: "ttl" must be a whole number of seconds from 1 to 86400, found 0'],
    [{}, { ttl: 86_401 }, 'Cannot issue token: "ttl" must be a whole number of seconds from 1 to 86400, found 86401'],
    [{}, { ttl: 1.5 }, 'Cannot issue token: "ttl" must be a whole number of seconds from 1 to 86400, found 1.5'],
    [
      {},
      { audience: [] },
      'Cannot issue token: "audience" must be a non-empty string or an array of them, found an empty array',
    ],
    [
      {},
      { setIat: 1.5 },
      'Cannot issue token: "setIat" must be true or a whole number of seconds since 1970, at most a day ahead, found 1.5',
    ],
    [
      {},
      { setIat: -1 },
      'Cannot issue token: "setIat" must be true or a whole number of seconds since 1970, at most a day ahead, found -1',
    ],
    [
      {},
      { setIat: NOW / 1000 + 86_401 },
      `Cannot issue token: "setIat" must be true or a whole number of seconds since 1970, at most a day ahead, found ${NOW / 1000 + 86_401}`,
    ],
    [
      {},
      { setIat: false },
      'Cannot issue token: "setIat" must be true or a whole number of seconds since 1970, at most a day ahead, found false',
    ],
    [{}, { setJti: '' }, 'Cannot issue token: "setJti" must be true or a non-empty string, found ""'],
    [{}, { setJti: false }, 'Cannot issue token: "setJti" must be true or a non-empty string, found false'],
    [{}, { subject: '' }, 'Cannot issue token: "subject" must be a non-empty string, found ""'],
    [
      { sub: 'bob' },
      { subject: 'ada' },
      'Cannot issue token: "subject" must be left out where the claims have another "sub", found "bob"',
    ],
    [{}, { sub: 'ada' }, 'Cannot issue token: there is no option "sub"; did you mean "subject"?'],
    [{}, { jwtid: 'x' }, 'Cannot issue token: there is no option "jwtid"; did you mean "setJti"?'],
    [{}, { typ: '' }, 'Cannot issue token: "typ" must be a non-empty string, found ""'],
    [{}, { header: { alg: 'none' } }, 'Cannot issue token: "header.alg" must be left to the issuer, found "none"'],
    [{}, { header: { kid: 'x' } }, 'Cannot issue token: "header.kid" must be left to the issuer, found "x"'],
    [{}, { header: { typ: 'x' } }, 'Cannot issue token: "header.typ" must be left to the issuer, found "x"'],
    [
      {},
      { header: { crit: ['x'] } },
      'Cannot issue token: "header.crit" must be left to the issuer, found an array of 1',
    ],
    [{}, { header: { b64: false } }, 'Cannot issue token: "header.b64" must be left to the issuer, found false'],
  ])('is rejected for claims %j with options %j', async (claims, options, message) => {
    const issuer = await createIssuer({ issuer: ISSUER, clock })
    await expect(issuer.issue(claims as never, options as never)).rejects.toThrow(new TypeError(message))
  })
})

describe('the claims and header members of a caller', () => {
  const cyclic: Record<string, unknown> = {}
  cyclic['self'] = cyclic

  it.each([
    ['toJSON', { toJSON: () => ({ iss: 'https://evil.example' }) }, 'claims must contain only JSON values'],
    ['toJSON of a nested value', { act: { toJSON: () => 'x' } }, 'claims must contain only JSON values'],
    ['a class instance', new URL(ISSUER), 'claims must contain only plain objects'],
    ['a nested class instance', { on: [new Date(0)] }, 'claims must contain only plain objects'],
    ['__proto__', JSON.parse('{"__proto__":{"iss":"x"}}'), 'claims must not have a member "__proto__"'],
    ['a nested __proto__', { a: [JSON.parse('{"__proto__":1}')] }, 'claims must not have a member "__proto__"'],
    ['NaN', { nbf: Number.NaN }, 'claims must contain only JSON values, found NaN'],
    ['a big integer', { n: 1n }, 'claims must contain only JSON values, found a bigint'],
    ['undefined in an array', { n: [undefined] }, 'claims must contain only JSON values, found undefined'],
    ['a cycle', cyclic, 'claims must not be nested deeper than 64'],
  ])('may not be, or contain, %s', async (_, claims, message) => {
    const issuer = await createIssuer({ issuer: ISSUER, clock })
    await expect(issuer.issue(claims as never)).rejects.toThrow(message)
    const header = issuer.issue({}, { header: claims as never })
    await expect(header).rejects.toThrow(message.replace('claims', '"header"'))
  })

  it('are read once, so that an accessor cannot return another value later', async () => {
    let reads = 0
    const claims = Object.defineProperty({}, 'sub', { enumerable: true, get: () => `reader ${(reads += 1)}` })
    const issuer = await createIssuer({ issuer: ISSUER, clock })
    const { payload } = await verified(await issuer.issue(claims), issuer.jwks())
    expect(payload.sub).toBe('reader 1')
  })

  it('may be nested and have no prototype', async () => {
    const claims = Object.assign(Object.create(null), { act: { sub: 'bob', roles: ['a', null, { deep: [true] }] } })
    const issuer = await createIssuer({ issuer: ISSUER, clock })
    const { payload } = await verified(await issuer.issue(claims), issuer.jwks())
    expect(payload).toMatchObject({ act: { sub: 'bob', roles: ['a', null, { deep: [true] }] } })
  })
})

describe('an issuer with given keys', () => {
  it('uses the same key ID after a restart', async () => {
    const pair = await generateKeyPair('ES256', { extractable: true })
    const jwk = await exportJWK(pair.privateKey)
    const before = await createIssuer({ issuer: ISSUER, clock, keys: [jwk] })
    const after = await createIssuer({ issuer: ISSUER, clock, keys: [pair] })

    expect(after.jwks()).toEqual(before.jwks())
    await expect(verified(await before.issue({}), after.jwks())).resolves.toBeDefined()
  })

  it('keeps the key ID and the algorithm of a JWK', async () => {
    const { privateKey } = await generateKeyPair('PS256', { extractable: true })
    const issuer = await createIssuer({
      issuer: ISSUER,
      clock,
      keys: [{ ...(await exportJWK(privateKey)), kid: 'key-1', alg: 'PS256', use: 'enc', key_ops: ['sign'] }],
    })
    expect(decodeProtectedHeader(await issuer.issue({}))).toMatchObject({ kid: 'key-1', alg: 'PS256' })
    expect(issuer.jwks().keys[0]?.use).toBe('sig')
  })

  it('signs with the first and publishes the others for a day', async () => {
    let now = NOW
    const keys = [await generateKeyPair('ES256'), await generateKeyPair('ES256')]
    const issuer = await createIssuer({ issuer: ISSUER, clock: { now: () => now }, keys })
    const [first, second] = issuer.jwks().keys

    expect(decodeProtectedHeader(await issuer.issue({})).kid).toBe(first?.kid)
    now += 86_404_000
    expect(issuer.jwks().keys).toEqual([first, second])
    now += 1000
    expect(issuer.jwks().keys).toEqual([first])
  })

  it('keeps private members out of the JWK Set, whatever the key type', async () => {
    for (const algorithm of ['ES256', 'RS256', 'Ed25519', 'ML-DSA-44'] as const) {
      const { privateKey } = await generateKeyPair(algorithm, { extractable: true })
      const issuer = await createIssuer({ issuer: ISSUER, algorithm, keys: [await exportJWK(privateKey)] })
      const text = issuer.jwksResponse().body + JSON.stringify(issuer.jwks())
      expect(text).not.toMatch(/"(d|p|q|dp|dq|qi|priv|k)":/)
    }
  })

  it('returns copies: changing one has no effect', async () => {
    const issuer = await createIssuer({ issuer: ISSUER, clock })
    const before = structuredClone(issuer.jwks())
    const taken = issuer.jwks()
    Object.assign(taken.keys[0] ?? {}, { kid: 'changed' })
    taken.keys.pop()
    expect(issuer.jwks()).toEqual(before)
  })
})

describe('the JWK Set as an HTTP response', () => {
  it('is JSON that caches may keep for jwksMaxAge', async () => {
    const issuer = await createIssuer({ issuer: ISSUER, clock, jwksMaxAge: 120 })
    const { status, headers, body } = issuer.jwksResponse()
    expect(status).toBe(200)
    expect(headers).toEqual({
      'content-type': 'application/jwk-set+json',
      'cache-control': 'public, max-age=120',
      etag: expect.stringMatching(/^"[\w.-]+"$/),
    })
    expect(JSON.parse(body)).toEqual(issuer.jwks())
  })

  it.each([
    ['the entity tag', (etag: string) => etag],
    ['the weak form of it', (etag: string) => `W/${etag}`],
    ['it in a list', (etag: string) => `"old", ${etag}`],
    ['anything', () => '*'],
  ])('is 304 without a body if If-None-Match contains %s', async (_, field) => {
    const issuer = await createIssuer({ issuer: ISSUER, clock })
    const { etag = '' } = issuer.jwksResponse().headers
    expect(issuer.jwksResponse({ ifNoneMatch: field(etag) })).toEqual({
      status: 304,
      headers: { 'cache-control': 'public, max-age=300', etag },
      body: '',
    })
  })

  it.each(['"other"', '', 'etag', undefined])('is 200 for If-None-Match %j', async (ifNoneMatch) => {
    const issuer = await createIssuer({ issuer: ISSUER, clock })
    expect(issuer.jwksResponse({ ifNoneMatch }).status).toBe(200)
  })

  it('has another entity tag after a rotation', async () => {
    const issuer = await createIssuer({ issuer: ISSUER, clock })
    const { etag } = issuer.jwksResponse().headers
    await issuer.rotate()
    expect(issuer.jwksResponse({ ifNoneMatch: etag })).toMatchObject({ status: 200 })
  })

  it('has another entity tag if the same key has another key ID', async () => {
    const jwk = await exportJWK((await generateKeyPair('ES256', { extractable: true })).privateKey)
    const one = await createIssuer({ issuer: ISSUER, clock, keys: [{ ...jwk, kid: 'one' }] })
    const two = await createIssuer({ issuer: ISSUER, clock, keys: [{ ...jwk, kid: 'two' }] })
    expect(one.jwksResponse().headers['etag']).not.toBe(two.jwksResponse().headers['etag'])
  })
})

describe('the metadata', () => {
  it.each([
    [ISSUER, `${ISSUER}/.well-known/jwks.json`],
    [`${ISSUER}/`, `${ISSUER}/.well-known/jwks.json`],
    [`${ISSUER}/tenant`, `${ISSUER}/tenant/.well-known/jwks.json`],
  ])('of %s contains the exact issuer and the address of its JWK Set', async (issuer, jwks_uri) => {
    expect((await createIssuer({ issuer })).metadata()).toMatchObject({ issuer, jwks_uri })
  })

  it('has the members that RFC 8414 and OpenID Connect Discovery require, and the given ones', async () => {
    const issuer = await createIssuer({ issuer: ISSUER })
    expect(issuer.metadata({ jwks_uri: `${ISSUER}/keys`, service_documentation: `${ISSUER}/docs` })).toEqual({
      issuer: ISSUER,
      jwks_uri: `${ISSUER}/keys`,
      service_documentation: `${ISSUER}/docs`,
      response_types_supported: [],
      grant_types_supported: [],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256'],
    })
  })

  it('cannot name another issuer', async () => {
    const issuer = await createIssuer({ issuer: ISSUER })
    expect(() => issuer.metadata({ issuer: 'https://other.example' })).toThrow(
      new TypeError(`Cannot describe issuer: "issuer" must stay "${ISSUER}", found "https://other.example"`),
    )
  })
})
