import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'

import {
  createLambdaHandler,
  type LambdaEvent,
  type LambdaHandlerOptions,
  localSigner,
  type Signer,
} from '../../packages/issuer/src/index.ts'

const NOW = 1_800_000_000_000
const SECONDS = NOW / 1000
const signer = await localSigner()

const handlerWith = (options: Partial<LambdaHandlerOptions> = {}) =>
  createLambdaHandler({ signer, clock: { now: () => NOW + 999 }, randomUUID: () => 'uuid-1', ...options })

const claimsOf = async (event: LambdaEvent, options: Partial<LambdaHandlerOptions> = {}) =>
  decodeJwt((await handlerWith(options)(event)).token)

const failureOf = async (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => 'no failure',
    (error: unknown) => error,
  )

describe('a token of the Lambda handler', () => {
  it('is signed, names the key, and contains exactly the claims', async () => {
    const claims = {
      iss: 'a',
      aud: ['b', 'c'],
      sub: 'd',
      exp: SECONDS + 9,
      iat: 5,
      nbf: 0,
      jti: 'e',
      more: { f: [null] },
    }
    const { token } = await handlerWith()({ claims })
    const jwks = createLocalJWKSet({ keys: [{ ...signer.publicJwk, kid: signer.kid }] })
    const { payload } = await jwtVerify(token, jwks, { currentDate: new Date(NOW) })
    expect(payload).toEqual(claims)
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'ES256', typ: 'JWT', kid: signer.kid })
  })

  it('has the configured typ', async () => {
    const { token } = await handlerWith({ typ: 'at+jwt' })({ claims: {}, ttl: 1 })
    expect(decodeProtectedHeader(token).typ).toBe('at+jwt')
  })

  it.each<[string, LambdaEvent, Partial<LambdaHandlerOptions>, object]>([
    ['ttl sets exp', { claims: {}, ttl: 60 }, {}, { exp: SECONDS + 60 }],
    ['ttl sets exp and overrides that of the claims', { claims: { exp: 1 }, ttl: 60 }, {}, { exp: SECONDS + 60 }],
    ['ttl counts from iat', { claims: { iat: 100 }, ttl: 60 }, {}, { iat: 100, exp: 160 }],
    ['ttl counts from setIat', { claims: { iat: 100 }, ttl: 60, setIat: 200 }, {}, { iat: 200, exp: 260 }],
    ['setIat true sets iat to now', { claims: { exp: 9, iat: 1 }, setIat: true }, {}, { exp: 9, iat: SECONDS }],
    ['setIat sets iat to a number', { claims: { exp: 9, iat: 1 }, setIat: 0 }, {}, { exp: 9, iat: 0 }],
    [
      'the claims set the last second of the year 9999',
      { claims: { exp: 253_402_300_799 } },
      {},
      { exp: 253_402_300_799 },
    ],
    ['setJti true sets a UUID', { claims: { exp: 9, jti: 'x' }, setJti: true }, {}, { exp: 9, jti: 'uuid-1' }],
    ['setJti sets a text', { claims: { exp: 9, jti: 'x' }, setJti: 'y' }, {}, { exp: 9, jti: 'y' }],
    [
      'false and null set nothing',
      { claims: { exp: 9, iat: 1, jti: 'x' }, ttl: null, setIat: false, setJti: false },
      {},
      { exp: 9, iat: 1, jti: 'x' },
    ],
    ['null sets nothing', { claims: { exp: 9 }, ttl: null, setIat: null, setJti: null }, {}, { exp: 9 }],
    [
      'options set missing claims',
      { claims: {}, ttl: 1 },
      { issuer: 'i', audience: ['a'] },
      { iss: 'i', aud: ['a'], exp: SECONDS + 1 },
    ],
    [
      'claims override options',
      { claims: { iss: 'own', aud: 'own', exp: 9 } },
      { issuer: 'i', audience: 'a', ttl: 60 },
      { iss: 'own', aud: 'own', exp: 9 },
    ],
    ['the ttl of the options sets a missing exp', { claims: {} }, { ttl: 60 }, { exp: SECONDS + 60 }],
    ['no exp if allowed', { claims: { sub: 'x' } }, { allowNoExpiry: true }, { sub: 'x' }],
  ])('%s', async (_, event, options, expected) => {
    expect(await claimsOf(event, options)).toEqual(expected)
  })

  it('has a unique UUID', async () => {
    const issue = createLambdaHandler({ signer })
    const tokens = [
      await issue({ claims: {}, ttl: 1, setJti: true }),
      await issue({ claims: {}, ttl: 1, setJti: true }),
    ]
    const [first, second] = tokens.map(({ token }) => decodeJwt(token).jti)
    expect(first).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    expect(second).not.toBe(first)
  })
})

describe('an event', () => {
  it.each<[unknown, string]>([
    [null, 'the event must be an object with "claims", found null'],
    [undefined, 'the event must be an object with "claims", found undefined'],
    ['{"claims":{}}', 'the event must be an object with "claims", found a string of length 13'],
    [{ claims: {}, scope: 'x' }, 'there is no member "scope"; the members are claims, ttl, setIat, setJti'],
    [
      { claims: {}, 'a\nline': 1 },
      String.raw`there is no member "a\nline"; the members are claims, ttl, setIat, setJti`,
    ],
    [[], 'the event must be an object with "claims", found an empty array'],
    [{}, '"claims" must be an object, found undefined'],
    [{ claims: 'sub' }, '"claims" must be an object, found a string of length 3'],
    [{ claims: {}, TTL: 5 }, 'there is no member "TTL"; did you mean "ttl"?'],
    [{ claims: {}, expiresIn: 5 }, 'there is no member "expiresIn"; did you mean "ttl"?'],
    [
      { claims: {} },
      'it would never expire: give "ttl" or "claims.exp", or create the handler with "ttl" or "allowNoExpiry"',
    ],
    [{ claims: {}, ttl: 0 }, '"ttl" must be a whole number of seconds from 1 to 315360000, found 0'],
    [{ claims: {}, ttl: 1.5 }, '"ttl" must be a whole number of seconds from 1 to 315360000, found 1.5'],
    [{ claims: {}, ttl: 315_360_001 }, '"ttl" must be a whole number of seconds from 1 to 315360000, found 315360001'],
    [
      { claims: {}, ttl: '60' },
      '"ttl" must be a whole number of seconds from 1 to 315360000, found a string of length 2',
    ],
    [
      { claims: {}, ttl: 1, setIat: 'now' },
      '"setIat" must be true or a number of seconds since 1970, found a string of length 3',
    ],
    [{ claims: {}, ttl: 1, setIat: NOW }, `"setIat" must be true or a number of seconds since 1970, found ${NOW}`],
    [{ claims: {}, ttl: 1, setIat: -1 }, '"setIat" must be true or a number of seconds since 1970, found -1'],
    [{ claims: {}, ttl: 1, setJti: '' }, '"setJti" must be true or a non-empty string, found an empty string'],
    [{ claims: {}, ttl: 1, setJti: 7 }, '"setJti" must be true or a non-empty string, found 7'],
    [{ claims: { exp: NOW } }, `"claims.exp" must be a number of seconds since 1970, found ${NOW}`],
    [{ claims: { exp: 253_402_300_800 } }, '"claims.exp" must be a number of seconds since 1970, found 253402300800'],
    [{ claims: { exp: '9' } }, '"claims.exp" must be a number of seconds since 1970, found a string of length 1'],
    [{ claims: { exp: null } }, '"claims.exp" must be a number of seconds since 1970, found null'],
    [
      { claims: { iat: '9' }, ttl: 1 },
      '"claims.iat" must be a number of seconds since 1970, found a string of length 1',
    ],
    [{ claims: { nbf: [] }, ttl: 1 }, '"claims.nbf" must be a number of seconds since 1970, found an empty array'],
    [{ claims: { iss: '' }, ttl: 1 }, '"claims.iss" must be a non-empty string, found an empty string'],
    [{ claims: { sub: 42 }, ttl: 1 }, '"claims.sub" must be a non-empty string, found 42'],
    [{ claims: { jti: null }, ttl: 1 }, '"claims.jti" must be a non-empty string, found null'],
    [
      { claims: { aud: [] }, ttl: 1 },
      '"claims.aud" must be a non-empty string or an array of them, found an empty array',
    ],
    [
      { claims: { aud: ['a', 1] }, ttl: 1 },
      '"claims.aud" must be a non-empty string or an array of them, found an array of 2',
    ],
    [
      { claims: JSON.parse('{"__proto__":{"iss":"x"}}'), ttl: 1 },
      '"claims" must not have a member "__proto__", found "one"',
    ],
  ])('%j is rejected', async (event, rule) => {
    expect(await failureOf(handlerWith()(event as LambdaEvent))).toEqual(new TypeError(`Cannot issue token: ${rule}`))
  })

  it('is rejected if the clock gives no time', async () => {
    const attempt = handlerWith({ clock: { now: () => Number.NaN } })({ claims: {}, ttl: 1 })
    expect(await failureOf(attempt)).toEqual(
      new TypeError('Cannot issue token: "claims" must contain only JSON values, found NaN'),
    )
  })

  it('that is wrong does not create a signer', async () => {
    let calls = 0
    const issue = handlerWith({ signer: () => ((calls += 1), signer) })
    expect(await failureOf(issue({ claims: {} }))).toBeInstanceOf(TypeError)
    expect(calls).toBe(0)
  })

  it('is read once, so that an accessor cannot return another value later', async () => {
    let reads = 0
    const claims = Object.defineProperty({}, 'exp', { enumerable: true, get: () => (reads += 1) })
    expect(await claimsOf({ claims })).toEqual({ exp: 1 })
  })
})

describe('the signer of the Lambda handler', () => {
  it('is created at the first event, once for concurrent events, and kept', async () => {
    let calls = 0
    const issue = handlerWith({
      signer: async () => {
        calls += 1
        return signer
      },
    })
    expect(calls).toBe(0)
    await Promise.all([issue({ claims: {}, ttl: 1 }), issue({ claims: {}, ttl: 1 })])
    await issue({ claims: {}, ttl: 1 })
    expect(calls).toBe(1)
  })

  it('is created again at the next event after a failure, and the failure is passed on unchanged', async () => {
    const failure = new Error('key service down')
    let calls = 0
    const issue = handlerWith({
      signer: () => {
        calls += 1
        if (calls === 1) throw failure
        return signer
      },
    })
    expect(await failureOf(issue({ claims: {}, ttl: 1 }))).toBe(failure)
    expect(await issue({ claims: {}, ttl: 1 })).toHaveProperty('token')
  })

  it('is created again at the next event if it was not a signer', async () => {
    const made: unknown[] = [{}, signer]
    const issue = handlerWith({ signer: () => made.shift() as Signer })
    expect(await failureOf(issue({ claims: {}, ttl: 1 }))).toBeInstanceOf(TypeError)
    expect(await issue({ claims: {}, ttl: 1 })).toHaveProperty('token')
  })

  it('is requested at every event if it comes from a source', async () => {
    const signers = [signer, await localSigner()]
    let calls = 0
    const issue = handlerWith({ signer: { signer: async () => signers[calls++] ?? signer } })
    const tokens = [await issue({ claims: {}, ttl: 1 }), await issue({ claims: {}, ttl: 1 })]
    expect(tokens.map(({ token }) => decodeProtectedHeader(token).kid)).toEqual(signers.map(({ kid }) => kid))
  })

  it.each<[string, unknown, string]>([
    ['undefined', undefined, 'it must be a signer, such as localSigner makes, found undefined'],
    ['a JWK', { kty: 'EC' }, 'it must be a signer, such as localSigner makes, found an object without "sign"'],
    [
      'another algorithm',
      { ...signer, alg: 'HS256' },
      '"alg" must be an asymmetric signature algorithm, found "HS256"',
    ],
    ['no key ID', { ...signer, kid: '' }, '"kid" must have 1 to 256 characters, found ""'],
    ['no public key', { ...signer, publicJwk: undefined }, '"publicJwk" must be a JWK, found undefined'],
  ])('is rejected if it is %s', async (_, wrong, rule) => {
    const attempt = handlerWith({ signer: () => wrong as Signer })({ claims: {}, ttl: 1 })
    expect(await failureOf(attempt)).toEqual(new TypeError(`Cannot use key: ${rule}`))
  })
})

describe('creating a Lambda handler', () => {
  it.each<[string, object, string]>([
    ['no signer', {}, '"signer" must be a signer, a source of signers, or a function that gives one, found undefined'],
    [
      'a text as signer',
      { signer: 'secret' },
      '"signer" must be a signer, a source of signers, or a function that gives one, found a string of length 6',
    ],
    [
      'null as signer',
      { signer: null },
      '"signer" must be a signer, a source of signers, or a function that gives one, found null',
    ],
    [
      'a promise as signer',
      { signer: Promise.resolve(signer) },
      '"signer" must be a signer, a source of signers, or a function that gives one, found a promise: give the function that makes it',
    ],
    ['an empty issuer', { signer, issuer: '' }, '"issuer" must be a non-empty string, found ""'],
    [
      'an empty audience',
      { signer, audience: [] },
      '"audience" must be a non-empty string or an array of them, found an empty array',
    ],
    ['a ttl of 0', { signer, ttl: 0 }, '"ttl" must be a whole number of seconds from 1 to 315360000, found 0'],
    ['an empty typ', { signer, typ: '' }, '"typ" must be a non-empty string, found ""'],
    ['a text as switch', { signer, allowNoExpiry: 'yes' }, '"allowNoExpiry" must be a boolean, found "yes"'],
    ['an unknown option', { signer, expiresIn: 5 }, 'there is no option "expiresIn"; did you mean "ttl"?'],
  ])('is rejected with %s', (_, options, rule) => {
    expect(() => createLambdaHandler(options as LambdaHandlerOptions)).toThrow(
      new TypeError(`Cannot create Lambda handler: ${rule}`),
    )
  })
})
