import { beforeAll, describe, expect, it } from 'vitest'
import { createAuthenticator } from '../../../packages/core/src/authenticator/authenticator.ts'
import { AUDIENCE, createSigningKey, ISSUER, type SigningKey } from '../../support/core/jose-tokens.ts'
import { DEFAULT_LIMITS, MAXIMUM_LIMITS } from '../../../packages/core/src/model/limits.ts'
import { readOptions } from '../../../packages/core/src/options/read-options.ts'
import { TOKEN_CACHE } from '../../../packages/core/src/pipeline/token-cache-options.ts'
import { optionsFromEnv } from '../../../packages/core/src/pipeline/environment.ts'
import { createVerifier } from '../../../packages/core/src/pipeline/verifier.ts'

let key: SigningKey
beforeAll(async () => {
  key = await createSigningKey()
})

const create = (changes: object): unknown =>
  createVerifier({ issuer: ISSUER, audience: AUDIENCE, jwks: key.jwks, ...changes })

describe('wrong options are rejected at start-up', () => {
  it.each<readonly [string, object, RegExp]>([
    ['no issuer', { issuer: undefined }, /"issuer" must be the exact iss/],
    ['an empty issuer', { issuer: '' }, /"issuer" must be the exact iss/],
    ['no audience', { audience: undefined }, /"audience" must be the name of this API/],
    [
      'an empty list of audiences',
      { audience: [] },
      /"audience" must be the name of this API in aud, a list of names, or null .*, found \[\]/,
    ],
    ['a number as audience', { audience: 1 }, /"audience" must be the name of this API in aud, .*, found 1/],
    ['a misspelled option', { clock_tolerance: 5 }, /no option "clock_tolerance"; did you mean "clockTolerance"/],
    ['an option in the plural', { audiences: 'x' }, /no option "audiences"; did you mean "audience"/],
    [
      'an unknown option',
      { frobnicate: 1 },
      /no option "frobnicate"; take it out: docs\/options\.md lists all options/,
    ],
    [
      'one algorithm without a list',
      { algorithms: 'RS256' },
      /"algorithms" must be a list of algorithms, such as \["RS256"\], found "RS256"/,
    ],
    ['null for the claims', { requiredClaims: null }, /"requiredClaims" must not be null: leave it out/],
    ['null for the checks', { checks: null }, /"checks" must not be null/],
    ['a check that is a function', { checks: [async () => {}] }, /must be an object \{ name, check \}/],
    ['checks without a list', { checks: {} }, /"checks" must be a list/],
    ['claims that are a number', { claims: 5 }, /"claims" must be a Standard Schema validator/],
    ['claims that are a function', { claims: () => true }, /"claims" must be a Standard Schema validator/],
    [
      'a claims schema that cannot validate',
      { claims: { '~standard': {} } },
      /"claims" must be a Standard Schema validator/,
    ],
    ['claims that are not a schema', { claims: { sub: 'string' } }, /"claims" must be a Standard Schema validator/],
    ['a clock that gives seconds', { clock: { now: () => 1_800_000_000 } }, /"clock.now" must return milliseconds/],
    ['a clock without now', { clock: {} }, /"clock" must be an object with a "now"/],
    ['a clock that returns nothing', { clock: { now: () => undefined } }, /"clock.now" must return milliseconds/],
    [
      'an issuer as text in a list',
      { issuer: undefined, audience: undefined, jwks: undefined, issuers: ['https://a.example'] },
      /each issuer needs an object/,
    ],
    ['null for the token cache', { tokenCache: null }, /"tokenCache" must not be null/],
    ['true for the token cache', { tokenCache: true }, /"tokenCache" must be false, or an object such as/],
    ['a number for the token cache', { tokenCache: 100 }, /"tokenCache" must be false, or an object such as/],
    [
      'a misspelled limit of the token cache',
      { tokenCache: { maxSize: 1 } },
      /there is no option "tokenCache.maxSize"; the options are maxEntries, maxBytes, maxAge/,
    ],
    [
      'a name of an inherited member',
      { tokenCache: { constructor: 1 } },
      /there is no option "tokenCache.constructor"/,
    ],
    ...(
      [
        ['maxEntries', 1, 1_000_000],
        ['maxBytes', 65_536, 1_073_741_824],
        ['maxAge', 1, 300],
      ] as const
    ).flatMap(([name, least, most]) =>
      [least - 1, most + 1, least + 0.5, Number.NaN, Infinity, String(least)].map(
        (value) =>
          [
            `${name} of ${String(value)}`,
            { tokenCache: { [name]: value } },
            new RegExp(`"tokenCache.${name}" must be a whole number from ${least} to ${most}, found `),
          ] as const,
      ),
    ),
    ['no algorithms', { algorithms: [] }, /"algorithms" must be a list of algorithms, .*, found \[\]/],
    ['none', { algorithms: ['none'] }, /no signature algorithm, found "none"/],
    ['an algorithm in lower case', { algorithms: ['es256'] }, /no signature algorithm, found "es256"/],
    ['HS256 beside a JWK Set', { algorithms: ['HS256'] }, /HS256 needs "secret"/],
    ['a secret with a JWK Set', { secret: 's'.repeat(32) }, /give one of/],
    ['two key locations', { jwksUri: 'https://a.example' }, /give one of .*found \["jwksUri","jwks"\]/],
    ['a short secret', { jwks: undefined, secret: 's'.repeat(31) }, /at least 32 bytes for HS256, found "31 bytes"/],
    [
      'a short secret for HS512',
      { jwks: undefined, secret: 's'.repeat(63), algorithms: ['HS512'] },
      /at least 64 bytes/,
    ],
    [
      'RS256 with a secret',
      { jwks: undefined, secret: 's'.repeat(32), algorithms: ['RS256'] },
      /works only with HS256/,
    ],
    [
      'text that is not PEM',
      { jwks: undefined, publicKey: 'hello' },
      /must be a public key or certificate in PEM, .*, found 5 characters of something else$/,
    ],
    ['an empty public key', { jwks: undefined, publicKey: '' }, /found an empty text$/],
    [
      'the first line of a PEM',
      { jwks: undefined, publicKey: '-----BEGIN PUBLIC KEY-----\n' },
      /found only the first line/,
    ],
    ['a private key', { jwks: undefined, publicKey: '-----BEGIN EC PRIVATE KEY-----\n' }, /holds a private key/],
    ['keys without resolve', { jwks: undefined, keys: {} }, /"keys" must be a key source/],
    ['an undefined key', { jwks: undefined, jwksUri: undefined }, /"jwks" must not be undefined: give it a value/],
    ['null as a limit of the token cache', { tokenCache: { maxAge: null } }, /"tokenCache.maxAge" must not be null/],
    ['http to another machine', { jwks: undefined, jwksUri: 'http://a.example/jwks' }, /https/],
    ['userinfo in the address', { jwks: undefined, jwksUri: 'https://u:p@a.example/jwks' }, /Cannot/],
    ['a fragment in the address', { jwks: undefined, jwksUri: 'https://a.example/jwks#x' }, /Cannot/],
    ['a file', { jwks: undefined, jwksUri: 'file:///etc/passwd' }, /Cannot/],
    ['data', { jwks: undefined, jwksUri: 'data:application/json,{}' }, /Cannot/],
    ['a negative tolerance', { clockTolerance: -1 }, /"clockTolerance" must be a number of seconds from 0 to 300/],
    ['a tolerance of 301 s', { clockTolerance: 301 }, /from 0 to 300, found 301/],
    ['a tolerance that is not a number', { clockTolerance: Number.NaN }, /from 0 to 300/],
    ['a maxAge of 0', { maxAge: 0 }, /"maxAge" must be a number of seconds from 1/],
    ['a lifetime as text', { maxLifetime: '60' }, /"maxLifetime" must be a number of seconds/],
    ['an unknown profile', { profile: 'rfc7519' }, /"profile" must be "rfc9068"/],
    ['types with the profile', { profile: 'rfc9068', tokenTypes: ['JWT'] }, /"tokenTypes" is fixed by the profile/],
    ['idTokens as a flag', { idTokens: true }, /"idTokens" must be "accept" or "refuse"/],
    [
      'a regular expression for a claim',
      { requiredClaims: { sub: /x/ } },
      /"requiredClaims.sub" must be a plain value/,
    ],
    ['scope sources as text', { scopeSources: 'roles' }, /"scopeSources" must be a list of claims, such as/],
    ['no scope source', { scopeSources: [] }, /"scopeSources" must be a list of claims/],
    ['a scope source without a name', { scopeSources: ['scope', ''] }, /"scopeSources" must be a list of claims/],
    ['a scope source with an empty path', { scopeSources: ['scope', []] }, /"scopeSources" must be a list of claims/],
    ['a scope source in too many lists', { scopeSources: [[['roles']]] }, /"scopeSources" must be a list of claims/],
    ['client claims as text', { clientId: 'a', clientClaims: 'cid' }, /"clientClaims" must be a list of claims/],
    ['client claims without a client', { clientClaims: ['cid'] }, /give "clientId", too, or leave it out/],
    [
      'a required claim of a number',
      { requiredClaims: [1] },
      /"requiredClaims" must be a list of claim names and of claim/,
    ],
    [
      'a required scope',
      { requiredClaims: [{ description: '', scopes: ['a'], isMet: () => true }] },
      /"requiredClaims" must be a list of claim names/,
    ],
    [
      'a scope hierarchy of numbers',
      { scopeHierarchy: { a: [1] } },
      /"scopeHierarchy.a" must be a list of scopes, found \[1\]/,
    ],
    [
      'an unknown limit',
      { limits: { tokens: 1 } },
      /there is no option "limits.tokens"; the options are tokenLength, /,
    ],
    ['a limit of 0', { limits: { kidLength: 0 } }, /"limits.kidLength" must be a whole number from 1 to 1024/],
    [
      'a limit above its maximum',
      { limits: { depth: 65 } },
      /"limits.depth" must be a whole number from 1 to 64, found 65/,
    ],
    [
      'an empty list of issuers',
      { issuer: undefined, audience: undefined, jwks: undefined, issuers: [] },
      /must not be empty/,
    ],
    ['issuers with an issuer', { issuers: [] }, /with "issuers", "issuer" belongs to each issuer/],
    [
      'an issuer twice',
      {
        issuer: undefined,
        audience: undefined,
        jwks: undefined,
        issuers: [
          { issuer: ISSUER, audience: null },
          { issuer: ISSUER, audience: null },
        ],
      },
      /names an issuer twice/,
    ],
    [
      'an issuer without a name in a list',
      {
        issuer: undefined,
        audience: undefined,
        jwks: undefined,
        issuers: [{ issuer: null, audience: null, secret: 's'.repeat(32) }],
      },
      /with several issuers, each needs an "issuer"/,
    ],
  ])('%s', (_, changes, message) => {
    expect(() => create(changes)).toThrow(TypeError)
    expect(() => create(changes)).toThrow(/^Cannot /)
    expect(() => create(changes)).toThrow(message)
  })

  it.each<readonly [string, object, RegExp]>([
    ['a realm with a quote', { realm: 'a"b' }, /"realm" must be printable ASCII/],
    ['a realm with a line break', { realm: 'a\nb' }, /"realm" must be printable ASCII/],
    ['optional as text', { optional: 'false' }, /"optional" must be true or false/],
    ['an empty list of places', { credentials: [] }, /"credentials" must list/],
    ['an unknown place', { credentials: [{ from: 'body' }] }, /a place in "credentials" is/],
    [
      'a header without a name',
      { credentials: [{ from: 'header' }] },
      /"credentials.name" must be the name of a header, found/,
    ],
    [
      'a cookie with a space',
      { credentials: [{ from: 'cookie', name: 'a b' }] },
      /"credentials.name" must be the name of a cookie, found "a b"/,
    ],
    [
      'Authorization as a header',
      { credentials: [{ from: 'header', name: 'Authorization' }] },
      /for the Authorization header write/,
    ],
    ['a place as text', { credentials: ['cookie'] }, /each of "credentials" must be an object/],
    [
      'a misspelled member of a place',
      { credentials: [{ from: 'authorization', bareTokens: 'accept' }] },
      /no option "credentials.bareTokens"; did you mean "credentials.bareToken"/,
    ],
    [
      'bareToken as a flag',
      { credentials: [{ from: 'authorization', bareToken: true }] },
      /"credentials.bareToken" must be "accept" or "refuse"/,
    ],
    [
      'another scheme of a header',
      { credentials: [{ from: 'header', name: 'x-token', scheme: 'DPoP' }] },
      /"credentials.scheme" must be "Bearer", found "DPoP"/,
    ],
    [
      'a scheme of a cookie',
      { credentials: [{ from: 'cookie', name: 'jwt', scheme: 'Bearer' }] },
      /there is no option "credentials.scheme"/,
    ],
    [
      'the same place twice',
      { credentials: [{ from: 'authorization' }, { from: 'authorization', bareToken: 'accept' }] },
      /"credentials" names the same place twice, found "authorization"/,
    ],
    [
      'the same header in another case',
      {
        credentials: [
          { from: 'header', name: 'X-Token' },
          { from: 'header', name: 'x-token', scheme: 'Bearer' },
        ],
      },
      /"credentials" names the same place twice, found "header x-token"/,
    ],
    [
      'the same query by its default name',
      { credentials: [{ from: 'query' }, { from: 'query', name: 'access_token' }] },
      /"credentials" names the same place twice, found "query access_token"/,
    ],
    [
      'a query with an invalid name',
      { credentials: [{ from: 'query', name: 'a b' }] },
      /"credentials.name" must be the name of a query parameter/,
    ],
    ['a binding that is a function', { bindings: [async () => {}] }, /must be an object \{ confirmation, confirm \}/],
    ['bindings without a list', { bindings: {} }, /"bindings" must be a list/],
    [
      'two bindings for one member',
      {
        bindings: [
          { confirmation: 'jkt', confirm: async () => {} },
          { confirmation: 'jkt', confirm: async () => {} },
        ],
      },
      /two for the same member/,
    ],
    ['null for optional', { optional: null }, /"optional" must not be null/],
    ['a body that is text', { refusalBody: 'no' }, /"refusalBody" must be a function/],
    ['a misspelled option', { Realm: 'x' }, /no option "Realm"/],
  ])('of an authenticator: %s', (_, changes, message) => {
    const make = (): unknown => createAuthenticator({ issuer: ISSUER, audience: AUDIENCE, jwks: key.jwks, ...changes })
    expect(make).toThrow(TypeError)
    expect(make).toThrow(message)
  })

  it('accepts a verifier, and no verifier options with it', () => {
    const verifier = createVerifier({ issuer: ISSUER, audience: AUDIENCE, jwks: key.jwks })
    expect(createAuthenticator(verifier).verifier).toBe(verifier)
    expect(createAuthenticator({ verifier, realm: 'x' }).verifier).toBe(verifier)
    expect(() => createAuthenticator({ verifier, issuer: ISSUER } as never)).toThrow(
      /"issuer" belongs to the options of that verifier/,
    )
    expect(() => createAuthenticator({ verifier: {} } as never)).toThrow(
      /"verifier" must be a verifier, which createVerifier makes/,
    )
    const made = createAuthenticator(verifier)
    expect(createAuthenticator(made)).toBe(made)
    expect(() => createAuthenticator({ ...verifier, realm: 'x' })).toThrow(
      /"realm" is ignored on a verifier: write \{ verifier, realm: … \}/,
    )
    expect(() => createAuthenticator({ ...made, optional: true })).toThrow(/"optional" is ignored on a verifier/)
    expect(() => createAuthenticator(undefined as never)).toThrow(/give a verifier, or options/)
    expect(() => createVerifier(undefined as never)).toThrow(/give options/)
    expect(() => createVerifier({ issuer: null, audience: AUDIENCE })).toThrow(/say where keys come from/)
    expect(() => createVerifier({ issuer: 'me', audience: AUDIENCE })).toThrow(/the issuer must be a URL/)
  })
})

describe('the token cache', () => {
  it.each([
    [false],
    [undefined],
    [{}],
    [{ maxEntries: 1, maxBytes: 65_536, maxAge: 1 }],
    [{ maxEntries: 1_000_000, maxBytes: 1_073_741_824, maxAge: 300 }],
    [{ maxEntries: undefined, maxAge: 5 }],
  ])('can be %j', (tokenCache) => {
    expect(create({ tokenCache })).toBeDefined()
  })

  it('is read once: later changes have no effect', () => {
    const tokenCache = { maxAge: 60 }
    const resolved = readOptions('create verifier', tokenCache, TOKEN_CACHE)
    tokenCache.maxAge = 300
    expect(resolved).toEqual({ maxEntries: 10_000, maxBytes: 16_777_216, maxAge: 60 })
    expect(Object.isFrozen(resolved)).toBe(true)
  })
})

describe('options from the environment', () => {
  const minimal = { JWT_ISSUER: 'https://issuer.example', JWT_AUDIENCE: 'api' }

  it('reads every variable', () => {
    expect(
      optionsFromEnv({
        JWT_ISSUER: ' https://issuer.example ',
        JWT_AUDIENCE: 'a, b',
        JWT_JWKS_URI: 'https://issuer.example/jwks',
        JWT_ALGORITHMS: 'ES256,EdDSA',
        JWT_CLOCK_TOLERANCE: '10',
        JWT_ALLOW_HTTP_HOSTS: ' keycloak:8080, auth',
        JWT_PUBLIC_KEY: '',
      }),
    ).toEqual({
      issuer: 'https://issuer.example',
      audience: ['a', 'b'],
      jwksUri: 'https://issuer.example/jwks',
      algorithms: ['ES256', 'EdDSA'],
      clockTolerance: 10,
      allowHttpHosts: ['keycloak:8080', 'auth'],
    })
    expect(optionsFromEnv(minimal)).toEqual({ issuer: 'https://issuer.example', audience: ['api'] })
    const publicKey = JSON.stringify(key.jwks.keys[0])
    expect(optionsFromEnv({ ...minimal, JWT_PUBLIC_KEY: publicKey })).toMatchObject({ publicKey })
  })

  it.each<readonly [string, Record<string, string>, RegExp]>([
    ['no issuer', { JWT_AUDIENCE: 'a' }, /set JWT_ISSUER/],
    ['no audience', { JWT_ISSUER: 'https://i.example' }, /set JWT_AUDIENCE/],
    ['a blank audience', { ...minimal, JWT_AUDIENCE: ' ' }, /set JWT_AUDIENCE/],
    ['an empty item', { ...minimal, JWT_AUDIENCE: 'a,,b' }, /JWT_AUDIENCE has an empty item/],
    [
      'two key locations',
      { ...minimal, JWT_JWKS_URI: 'https://x', JWT_PUBLIC_KEY: 'x' },
      /JWT_JWKS_URI or JWT_PUBLIC_KEY/,
    ],
    ['an invalid address', { ...minimal, JWT_JWKS_URI: 'jwks' }, /JWT_JWKS_URI must be a URL/],
    ['an unknown algorithm', { ...minimal, JWT_ALGORITHMS: 'ES256,none' }, /JWT_ALGORITHMS may name/],
    ['a symmetric algorithm', { ...minimal, JWT_ALGORITHMS: 'HS256' }, /JWT_ALGORITHMS may name/],
    ['a host that is an address', { ...minimal, JWT_ALLOW_HTTP_HOSTS: 'http://keycloak:8080' }, /JWT_ALLOW_HTTP_HOSTS/],
    ['every host', { ...minimal, JWT_ALLOW_HTTP_HOSTS: '*' }, /JWT_ALLOW_HTTP_HOSTS/],
    [
      'hosts with a public key',
      { ...minimal, JWT_ALLOW_HTTP_HOSTS: 'keycloak', JWT_PUBLIC_KEY: 'x' },
      /JWT_ALLOW_HTTP_HOSTS .* JWT_PUBLIC_KEY/,
    ],
    ['a tolerance that is not a number', { ...minimal, JWT_CLOCK_TOLERANCE: 'five' }, /JWT_CLOCK_TOLERANCE/],
    ['too much tolerance', { ...minimal, JWT_CLOCK_TOLERANCE: '301' }, /JWT_CLOCK_TOLERANCE/],
  ])('names the variable: %s', (_, env, message) => {
    expect(() => optionsFromEnv(env)).toThrow(TypeError)
    expect(() => optionsFromEnv(env)).toThrow(message)
  })
})

it('no default of a limit exceeds its maximum', () => {
  for (const [name, value] of Object.entries(DEFAULT_LIMITS))
    expect(value).toBeLessThanOrEqual(MAXIMUM_LIMITS[name as keyof typeof MAXIMUM_LIMITS])
})
