import { beforeAll, expect, it } from 'vitest'
import {
  accessClaims,
  AUDIENCE,
  clock,
  createSigningKey,
  ISSUER,
  NOW,
  type SigningKey,
  verifierOptions,
} from '../../support/core/jose-tokens.ts'
import type { VerifierOptions } from '../../../packages/core/src/pipeline/options.ts'
import { createVerifier } from '../../../packages/core/src/pipeline/verifier.ts'

// All messages for a refused token, in one place for review.

let key: SigningKey
beforeAll(async () => {
  key = await createSigningKey('ES256', 'key-1')
})

type Case = readonly [name: string, claims: Record<string, unknown>, options?: object, header?: object]

const schema = (issues: readonly object[]): object => ({
  claims: { '~standard': { version: 1, vendor: 'test', validate: () => ({ issues }) } },
})

const cases: readonly Case[] = [
  ['iss missing', { iss: undefined }],
  ['another iss', { iss: 'https://other.example' }],
  ['iss with a slash', { iss: `${ISSUER}/` }],
  ['iss in an array', { iss: [ISSUER] }],
  ['iss unknown among several', { iss: 'https://c.example' }, { many: true }],
  ['iss missing among several', { iss: undefined }, { many: true }],
  ['iss in an array among several', { iss: ['https://a.example'] }, { many: true }],
  ['aud missing', { aud: undefined }],
  ['another aud', { aud: ['x', 'y'] }],
  ['aud with a slash, second of two', { aud: ['x', `${AUDIENCE}/`] }],
  ['aud that is the azp', { aud: 'shop', azp: 'shop', client_id: undefined }],
  ['aud that is the client_id', { aud: ['shop'] }],
  ['aud not the client', { aud: 'x', azp: 'shop' }],
  ['aud as a number', { aud: 1 }],
  ['aud with null in it', { aud: [null] }],
  ['aud too long', { aud: Array.from({ length: 129 }, () => 'x') }],
  ['sub as an array', { sub: [] }],
  ['sub as null', { sub: null }],
  ['sub as an object', { sub: {} }],
  ['sub with a line break', { sub: 'a\nb' }],
  ['exp missing', { exp: undefined }],
  ['exp as text', { exp: 'soon' }],
  ['exp as null', { exp: null }],
  ['exp negative', { exp: -1 }],
  ['exp in milliseconds', { exp: NOW * 1000 }],
  ['exp past', { exp: NOW - 100 }],
  ['exp past, more tolerance', { exp: NOW - 100 }, { clockTolerance: 60 }],
  ['nbf ahead', { nbf: NOW + 100 }],
  ['iat ahead', { iat: NOW + 100 }],
  ['iat ahead, more tolerance', { iat: NOW + 100 }, { clockTolerance: 60 }],
  ['iat too old', { iat: NOW - 100 }, { maxAge: 50 }],
  ['iat missing for maxAge', { iat: undefined }, { maxAge: 50 }],
  ['iat missing for maxLifetime', { iat: undefined }, { maxLifetime: 50 }],
  ['exp missing for maxLifetime', { exp: undefined }, { maxLifetime: 50 }],
  ['a lifetime that is too long', {}, { maxLifetime: 50 }],
  ['another client', {}, { clientId: ['a', 'b'] }],
  ['client missing', { client_id: undefined }, { clientId: 'a' }],
  ['claim missing', {}, { requiredClaims: ['tenant'] }],
  ['claim missing that must have a value', {}, { requiredClaims: { tenant: 'a' } }],
  ['another value of a claim', { tenant: 'b' }, { requiredClaims: { tenant: ['a', 'c'] } }],
  ['claim a predicate refuses', { tenant: 'b' }, { requiredClaims: { tenant: () => false } }],
  ['profile without jti', { jti: undefined }, { profile: 'rfc9068' }],
  ['profile without typ', {}, { profile: 'rfc9068' }, { typ: undefined }],
  ['profile with another typ', {}, { profile: 'rfc9068' }, { typ: 'JWT' }],
  ['ID token for the profile', { nonce: 'n', aud: 'x', azp: 'x' }, { profile: 'rfc9068' }, { typ: 'JWT' }],
  ['ID token', { nonce: 'n', azp: 'other' }, {}, { typ: 'JWT' }],
  ['ID token without azp', { at_hash: 'h' }, {}, { typ: undefined }],
  ['events', { events: {} }],
  ['logout token', {}, {}, { typ: 'logout+jwt' }],
  ['security event token', {}, {}, { typ: 'secevent+jwt' }],
  ['odd typ', {}, {}, { typ: 'x' }],
  ['cnf', { cnf: { jkt: 'x' } }],
  ['schema with places', {}, schema([{ message: 'bad', path: ['a', { key: 'b' }, 0] }, { message: 'worse' }])],
  ['schema with four issues', {}, schema(['1', '2', '3', '4'].map((message) => ({ message, path: [] })))],
  ['too many scopes', { scope: 'a '.repeat(1100) }],
  [
    'schema with invalid issues',
    {},
    { claims: { '~standard': { version: 1, vendor: 'x', validate: () => ({ issues: 'bad' }) } } },
  ],
  ['algorithm', {}, { algorithms: ['RS256', 'EdDSA'] }],
  ['kid unknown', {}, {}, { kid: 'key-2' }],
  ['no kid', {}, {}, { kid: undefined }],
  ['check', {}, { checks: [{ name: 'denylist', check: () => Promise.reject(new Error('down')) }] }],
]

async function tell([name, claims, options = {}, header = {}]: Case): Promise<string> {
  const policy = { issuer: ISSUER, audience: AUDIENCE, jwks: key.jwks }
  const { many, ...rest } = options as { many?: boolean }
  const issuers = ['https://a.example', 'https://b.example'].map((issuer) => ({ ...policy, issuer }))
  const made: unknown = { ...(many ? { issuers } : policy), clock, ...rest }
  const verifier = createVerifier(made as VerifierOptions)
  const { steps } = await verifier.explain(await key.sign(accessClaims(claims), header))
  const told = steps
    .filter(({ result }) => result === 'failed')
    .map(({ step, code, expected, actual, hint }) =>
      [`  ${step}: ${code}`, expected && `expected ${expected}`, actual && `found ${actual}`, hint]
        .filter(Boolean)
        .join(' | '),
    )
  return [name, ...told].join('\n')
}

it('reports for every refused claim what was expected, what was found and what to do', async () => {
  const told: string[] = []
  for (const one of cases) told.push(await tell(one))
  expect(`\n${told.join('\n')}\n`).toMatchInlineSnapshot(`
    "
    iss missing
      issuer: issuer_missing | expected "https://issuer.example" | found nothing
    another iss
      issuer: issuer_mismatch | expected "https://issuer.example" | found "https://other.example"
    iss with a slash
      issuer: issuer_mismatch | expected "https://issuer.example" | found "https://issuer.example/" | They differ only by a trailing slash
    iss in an array
      issuer: issuer_mismatch | expected "https://issuer.example" | found ["https://issuer.example"] | iss must be a string
      claims: claim_malformed | expected "iss: a string" | found "an array"
    iss unknown among several
      issuer: issuer_unknown | expected ["https://a.example","https://b.example"] | found "https://c.example"
    iss missing among several
      issuer: issuer_missing | expected ["https://a.example","https://b.example"] | found nothing
    iss in an array among several
      issuer: issuer_unknown | expected ["https://a.example","https://b.example"] | found ["https://a.example"] | iss must be a string
    aud missing
      aud: audience_missing | expected ["https://api.example"] | found nothing
    another aud
      aud: audience_mismatch | expected ["https://api.example"] | found ["x","y"]
    aud with a slash, second of two
      aud: audience_mismatch | expected ["https://api.example"] | found ["x","https://api.example/"] | They differ only by a trailing slash
    aud that is the azp
      aud: audience_mismatch | expected ["https://api.example"] | found "shop" | aud is the client ID, as in an ID token: ask the authorization server for an access token for this API
    aud that is the client_id
      aud: audience_mismatch | expected ["https://api.example"] | found ["shop"] | aud is the client ID, as in an ID token: ask the authorization server for an access token for this API
    aud not the client
      aud: audience_mismatch | expected ["https://api.example"] | found "x"
    aud as a number
      claims: claim_malformed | expected "aud: a string" | found "a value of type number"
      aud: audience_mismatch | expected ["https://api.example"] | found 1
    aud with null in it
      claims: claim_malformed | expected "aud: a string" | found "null"
      aud: audience_mismatch | expected ["https://api.example"] | found [null]
    aud too long
      claims: claim_too_long | expected "at most 128 values of aud" | found 129 | If tokens of this issuer may hold so much, raise "limits.audiences": it can be up to 4096
      aud: audience_mismatch | expected ["https://api.example"] | found ["x","x","x","x","x","x","x","x","x","x","x","x","x","x","x","x","x","x","x","x","x","x","x","x","x","x","x","x","x","x"…
    sub as an array
      claims: claim_malformed | expected "sub: a string" | found "an array"
    sub as null
    sub as an object
      claims: claim_malformed | expected "sub: a string" | found "a value of type object"
    sub with a line break
      claims: claim_malformed | expected "sub: text without control characters" | found "a\\nb"
    exp missing
      exp: claim_missing | expected "exp" | found nothing
    exp as text
      claims: claim_malformed | expected "exp: a number of seconds since the epoch" | found "a value of type string"
      exp: claim_malformed | expected "exp: a number" | found "string"
    exp as null
      claims: claim_malformed | expected "exp: a number of seconds since the epoch" | found "null"
      exp: claim_malformed | expected "exp: a number" | found "object"
    exp negative
      claims: claim_malformed | expected "exp: a number of seconds since the epoch" | found "-1"
      exp: token_expired | expected "after 2027-01-15T07:59:55.000Z" | found "1969-12-31T23:59:59.000Z" | It expired 20833 days ago
    exp in milliseconds
      claims: claim_malformed | expected "exp: seconds since the epoch, at most 253402300799" | found 1800000000000 | exp is in milliseconds: the issuer must divide it by 1000
    exp past
      exp: token_expired | expected "after 2027-01-15T07:59:55.000Z" | found "2027-01-15T07:58:20.000Z" | It expired 100 seconds ago
    exp past, more tolerance
      exp: token_expired | expected "after 2027-01-15T07:59:00.000Z" | found "2027-01-15T07:58:20.000Z" | It expired 100 seconds ago
    nbf ahead
      nbf: token_not_yet_valid | expected "at or before 2027-01-15T08:00:05.000Z" | found "2027-01-15T08:01:40.000Z" | It is 100 seconds ahead: compare the clocks of the issuer and of this server
    iat ahead
      iat: token_issued_in_future | expected "at or before 2027-01-15T08:01:00.000Z" | found "2027-01-15T08:01:40.000Z" | It is 100 seconds ahead: compare the clocks of the issuer and of this server
    iat ahead, more tolerance
      iat: token_issued_in_future | expected "at or before 2027-01-15T08:01:00.000Z" | found "2027-01-15T08:01:40.000Z" | It is 100 seconds ahead: compare the clocks of the issuer and of this server
    iat too old
      iat: token_too_old | expected "at most 50 s old" | found "100 s old" | That is "maxAge" of the configuration: raise it if the issuer is right
    iat missing for maxAge
      iat: claim_missing | expected "iat" | found nothing
    iat missing for maxLifetime
      lifetime: claim_missing | expected "iat" | found nothing
    exp missing for maxLifetime
      exp: claim_missing | expected "exp" | found nothing
      lifetime: claim_missing | expected "exp" | found nothing
    a lifetime that is too long
      lifetime: token_lifetime_too_long | expected "at most 50 s" | found "660 s" | That is "maxLifetime" of the configuration: raise it if the issuer is right
    another client
      client_id: claim_mismatch | expected ["a","b"] | found "shop"
    client missing
      client_id: claim_missing | expected "client_id or azp" | found nothing
    claim missing
      tenant: claim_missing | expected "tenant" | found nothing
    claim missing that must have a value
      tenant: claim_missing | expected "tenant" | found nothing
    another value of a claim
      tenant: claim_mismatch | expected ["a","c"] | found "b" | The claim is "tenant"
    claim a predicate refuses
      tenant: claim_mismatch | expected "tenant: a value its predicate accepts" | found "b"
    profile without jti
      jti: claim_missing | expected "jti" | found nothing
    profile without typ
      typ: token_type | expected ["at+jwt"] | found nothing | The issuer must set typ to at+jwt (RFC 9068 section 2.1)
    profile with another typ
      typ: token_type | expected ["at+jwt"] | found "JWT" | If this issuer gives its access tokens this typ, add it to "tokenTypes"
    ID token for the profile
      typ: token_type | expected ["at+jwt"] | found "JWT" | This looks like an ID token: it has a nonce and its aud is a client ID. Send the access token instead
      aud: audience_mismatch | expected ["https://api.example"] | found "x" | aud is the client ID, as in an ID token: ask the authorization server for an access token for this API
    ID token
      typ: token_type | expected "an access token" | found "a token with nonce" | This looks like an ID token: it has a nonce. Send the access token instead. If this is the access token, because your issuer puts a nonce into it (Keycloak before 25, authentik), set "idTokens" to "accept"
    ID token without azp
      typ: token_type | expected "an access token" | found "a token with at_hash" | This is an ID token: it has an at_hash. Send the access token instead
    events
      typ: token_type | expected "no \\"events\\" claim" | found "events" | This is a security event token or a logout token
    logout token
      typ: token_type | expected ["jwt","at+jwt"] | found "logout+jwt" | This is a logout token
    security event token
      typ: token_type | expected ["jwt","at+jwt"] | found "secevent+jwt" | This is a security event token
    odd typ
      typ: token_type | expected ["jwt","at+jwt"] | found "x" | If this issuer gives its access tokens this typ, add it to "tokenTypes"
    cnf
      cnf: binding_unsupported | expected "no \\"cnf\\" claim" | found ["jkt"] | The token is sender-constrained; accepting it as a bearer token would undo that
    schema with places
      schema: claims_schema | found "a.b.0: bad; worse"
    schema with four issues
      schema: claims_schema | found "1; 2; 3"
    too many scopes
      schema: claim_too_long | expected "at most 1024 scopes" | found 1100 | If tokens of this issuer may hold so much, raise "limits.scopes": it can be up to 4096
    schema with invalid issues
      schema: claims_schema | found "not said"
    algorithm
      algorithm: algorithm_not_allowed | expected ["RS256","EdDSA"] | found "ES256"
    kid unknown
      key: key_not_found | No key with kid "key-2" in a set of 1: "key-1"
    no kid
    check
      checks: check_unavailable | found "denylist"
    "
  `)
})

it('reports the compared values of an accepted token', async () => {
  const options = {
    issuer: ISSUER,
    audience: AUDIENCE,
    jwks: key.jwks,
    clock,
    maxAge: 100,
    maxLifetime: 1000,
    clientId: 'shop',
    requiredClaims: { sub: ['ada', 'eve'], jti: (value: unknown) => value === 'token-1' },
  }
  const lines = async (claims: Record<string, unknown>, changes: object = {}): Promise<string> => {
    const changed = Object.entries({ ...options, ...changes }).filter(([, value]) => value !== undefined)
    const verifier = createVerifier(Object.fromEntries(changed) as typeof options)
    const { steps } = await verifier.explain(await key.sign(accessClaims(claims)))
    const told = steps.map(({ step, result, expected, actual }) =>
      [`${step} ${result}`, expected && `expected ${expected}`, actual && `found ${actual}`]
        .filter(Boolean)
        .join(' | '),
    )
    return `\n${told.join('\n')}\n`
  }
  expect(await lines({ nbf: NOW - 60 })).toMatchInlineSnapshot(`
    "
    time passed | found "2027-01-15T08:00:00.000Z"
    parse passed | expected "three well-formed parts" | found {"alg":"ES256","kid":"key-1","typ":"at+jwt"}
    issuer passed | expected "https://issuer.example" | found "https://issuer.example"
    algorithm passed | expected ["RS256","RS384","RS512","PS256","PS384","PS512","ES256","ES384","ES512","EdDSA","Ed25519"] | found "ES256"
    key passed | expected "one key that fits" | found "1 key given in the configuration: \\"key-1\\""
    signature passed | expected "a signature by that key" | found "verified"
    claims passed | expected "well-formed registered claims" | found ["iss","aud","sub","client_id","jti","iat","exp","scope","nbf"]
    typ passed | expected ["jwt","at+jwt"] | found "at+jwt"
    aud passed | expected ["https://api.example"] | found "https://api.example"
    exp passed | expected "after 2027-01-15T07:59:55.000Z" | found "2027-01-15T08:10:00.000Z"
    nbf passed | expected "at or before 2027-01-15T08:00:05.000Z" | found "2027-01-15T07:59:00.000Z"
    iat passed | expected "at or before 2027-01-15T08:01:00.000Z" | found "2027-01-15T07:59:00.000Z"
    lifetime passed | expected "at most 1000 s" | found "660 s"
    client_id passed | expected ["shop"] | found "shop"
    sub passed | expected ["ada","eve"] | found "ada"
    jti passed | expected "jti: a value its predicate accepts" | found "token-1"
    cnf passed | found []
    schema passed | found "scopes orders:read profile"
    checks passed
    "
  `)
  expect(
    await lines(
      { iat: undefined, scope: undefined },
      { maxAge: undefined, maxLifetime: undefined, requiredClaims: ['sub'] },
    ),
  ).toMatchInlineSnapshot(`
    "
    time passed | found "2027-01-15T08:00:00.000Z"
    parse passed | expected "three well-formed parts" | found {"alg":"ES256","kid":"key-1","typ":"at+jwt"}
    issuer passed | expected "https://issuer.example" | found "https://issuer.example"
    algorithm passed | expected ["RS256","RS384","RS512","PS256","PS384","PS512","ES256","ES384","ES512","EdDSA","Ed25519"] | found "ES256"
    key passed | expected "one key that fits" | found "1 key given in the configuration: \\"key-1\\""
    signature passed | expected "a signature by that key" | found "verified"
    claims passed | expected "well-formed registered claims" | found ["iss","aud","sub","client_id","jti","exp"]
    typ passed | expected ["jwt","at+jwt"] | found "at+jwt"
    aud passed | expected ["https://api.example"] | found "https://api.example"
    exp passed | expected "after 2027-01-15T07:59:55.000Z" | found "2027-01-15T08:10:00.000Z"
    nbf passed | expected "absent, or in the past" | found "absent"
    iat passed | expected "absent, or in the past" | found "absent"
    client_id passed | expected ["shop"] | found "shop"
    sub passed | expected "present" | found "present"
    cnf passed | found []
    schema passed | found "scopes (none)"
    checks passed
    "
  `)
})

it('reports what is wrong with every malformed token', async () => {
  const part = (text: string): string => Buffer.from(text).toString('base64url')
  const header = (json: string): string => `${part(json)}.${part('{}')}.AAAA`
  const verifier = createVerifier(verifierOptions(key))
  const told: string[] = []
  for (const token of [
    'opaque',
    'a.b',
    '.b',
    'a.b.c.d',
    'a.b.c.d.e',
    'a'.repeat(16_385),
    `${'a'.repeat(4097)}..`,
    'a=.b.c',
    'a.b.c',
    'AB.b.c',
    'e30.a=.c',
    'eyJhbGciOiJFUzI1NiJ9.e30=.AAAA',
    'eyJhbGciOiJFUzI1NiJ9.e30.AAA=',
    'Bearer a.b.c',
    header('[]'),
    header('nonsense'),
    header('{"alg":1}'),
    header('{"alg":"ES256","typ":1}'),
    header('{"alg":"ES256","kid":1}'),
    header(`{"alg":"ES256","kid":"${'k'.repeat(257)}"}`),
    header('{"alg":"ES256","kid":"__proto__"}'),
    header('{"alg":"ES256","crit":["b64"]}'),
    header('{"alg":"ES256","alg":"none"}'),
    header('{"alg":"ES256","__proto__":{}}'),
    header(`{"alg":"ES256","a":${'['.repeat(20)}${']'.repeat(20)}}`),
    `${part('{"alg":"ES256"}')}.${Buffer.from([0xff]).toString('base64url')}.AAAA`,
    `${part('{"alg":"ES256"}')}.${part('[]')}.AAAA`,
    `${part('{"alg":"ES256"}')}.${part('{"iss":"https://issuer.example"}')}.AAAA`,
    `${part('{"alg":"RS256"}')}.${part('{"iss":"https://issuer.example"}')}.`,
  ])
    told.push((await verifier.explain(token)).summary)
  told.push((await verifier.explain(undefined as unknown as string)).summary)
  expect(`\n${told.join('\n')}\n`).toMatchInlineSnapshot(`
    "
    Refused (token_malformed): The token does not have the parts it must have: expected "three parts separated by dots", found "one part". An opaque token needs introspection (RFC 7662), not verification
    Refused (token_malformed): The token does not have the parts it must have: expected "three parts separated by dots", found "two parts". An opaque token needs introspection (RFC 7662), not verification
    Refused (token_malformed): The token does not have the parts it must have: expected "three parts separated by dots", found "two parts". An opaque token needs introspection (RFC 7662), not verification
    Refused (token_malformed): The token does not have the parts it must have: expected "three parts separated by dots", found "more than three parts"
    Refused (token_malformed): The token does not have the parts it must have: expected "three parts separated by dots", found "five parts". This is an encrypted token (JWE)
    Refused (token_too_long): The token is too long: expected "at most 16384 characters", found 16385. If tokens of this issuer may hold so much, raise "limits.tokenLength": it can be up to 65536
    Refused (header_too_long): The JOSE header is too long: expected "at most 4096 characters", found 4097. If tokens of this issuer may hold so much, raise "limits.headerLength": it can be up to 8192
    Refused (token_encoding): A part of the token is not canonical base64url: expected "canonical base64url in the header", found "characters outside the base64url alphabet"
    Refused (token_encoding): A part of the token is not canonical base64url: expected "canonical base64url in the header", found "an impossible length"
    Refused (token_encoding): A part of the token is not canonical base64url: expected "canonical base64url in the header", found "trailing bits that are not zero"
    Refused (header_malformed): A parameter of the JOSE header is not well formed: expected "alg: a string", found "undefined"
    Refused (issuer_missing): The token names no issuer: expected "https://issuer.example", found nothing
    Refused (token_encoding): A part of the token is not canonical base64url: expected "canonical base64url in the payload", found "no padding, where other parts have it"
    Refused (token_encoding): A part of the token is not canonical base64url: expected "canonical base64url in the header", found "characters outside the base64url alphabet". It holds white space: give the token alone, without "Bearer " and without a line break
    Refused (json_malformed): The token holds text that is not a JSON object in UTF-8: expected "a JSON object as a header", found "another JSON value"
    Refused (json_malformed): The token holds text that is not a JSON object in UTF-8: found "a header that is not JSON"
    Refused (header_malformed): A parameter of the JOSE header is not well formed: expected "alg: a string", found "number"
    Refused (header_malformed): A parameter of the JOSE header is not well formed: expected "typ: a media type", found "number"
    Refused (kid_malformed): The key ID is not well formed: expected "a string", found "number"
    Refused (kid_malformed): The key ID is not well formed: expected "at most 256 characters", found 257. If tokens of this issuer may hold so much, raise "limits.kidLength": it can be up to 1024
    Refused (kid_malformed): The key ID is not well formed: expected "an ordinary name", found "__proto__"
    Refused (header_critical): The JOSE header demands an extension that is not supported: expected "no \\"crit\\"", found "crit"
    Refused (json_duplicate_member): The token holds a JSON object with a member name twice: found "a header that has a member name twice"
    Refused (json_forbidden_member): The token holds a JSON member that could change a prototype: found "a header that has a member named __proto__"
    Refused (json_limits): The token holds more than the limits of this API allow: found "a header that is nested deeper than 16". If tokens of this issuer may hold so much, raise "limits.depth": it can be up to 64
    Refused (json_malformed): The token holds text that is not a JSON object in UTF-8: expected "UTF-8 in a claims set", found "other bytes"
    Refused (json_malformed): The token holds text that is not a JSON object in UTF-8: expected "a JSON object as a claims set", found "another JSON value"
    Refused (signature_malformed): The signature has the wrong form for its algorithm: expected "64 bytes", found "3 bytes"
    Refused (signature_malformed): The signature has the wrong form for its algorithm: expected "a signature", found "0 bytes"
    Refused (token_malformed): The token does not have the parts it must have: expected "a string", found "undefined"
    "
  `)
})
