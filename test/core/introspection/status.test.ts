import { createVerifier } from '@claimgate/core'
import { clientSecretBasic, createIntrospectionVerifier, privateKeyJwt } from '@claimgate/core/introspection'
import { createTestKeys } from '@claimgate/testing'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { describe, expect, it } from 'vitest'
import { ISSUER, setUp } from '../../support/introspection/still-endpoint.ts'

const keys = await createTestKeys('ES256')
const settings = { issuer: ISSUER, audience: 'orders-api', jwks: { keys: [keys.publicJwk] } }

describe('43. The status of an introspection verifier', () => {
  it('is ready with an endpoint that is given, and names a pause and its reason', async () => {
    const { verifier, endpoint } = setUp()
    const [one] = verifier.status?.().issuers ?? []
    expect(verifier.status?.().ready).toBe(true)
    expect(one).toEqual({ issuer: ISSUER, ready: true, freshness: 'given', nextAttempt: 0 })
    endpoint.reply = () => new Response('', { status: 500, headers: { 'retry-after': '9' } })
    await expect(verifier.verify('good')).rejects.toMatchObject({ code: 'check_unavailable' })
    expect(verifier.status?.()).toMatchObject({ ready: true, issuers: [{ failure: 'status', nextAttempt: 9 }] })
  })

  it('is not ready before the endpoint is known', () => {
    const verifier = createIntrospectionVerifier({
      issuer: ISSUER,
      audience: 'orders-api',
      client: clientSecretBasic('api', 'secret'),
    })
    expect(verifier.status?.().ready).toBe(false)
  })

  it('includes that of "jwts", if it has one', () => {
    const jwts = createVerifier(settings)
    expect(setUp({ jwts }).verifier.status?.().issuers).toHaveLength(2)
    const unready = { ...jwts, status: () => ({ ready: false, issuers: [] }) }
    expect(setUp({ jwts: unready }).verifier.status?.()).toMatchObject({ ready: false, issuers: [{ issuer: ISSUER }] })
    const { status: _, ...silent } = jwts
    expect(setUp({ jwts: silent }).verifier.status?.()).toMatchObject({ ready: true, issuers: [{ issuer: ISSUER }] })
    expect(setUp({ jwts: { ...jwts, status: () => undefined as never } }).verifier.status?.().ready).toBe(true)
  })

  it('names what it accepts, and the audiences of "jwts"', () => {
    const jwts = createVerifier({ ...settings, audience: 'other' })
    const accepted = (more: object): unknown => setUp(more).verifier.accepts?.()
    expect(accepted({})).toEqual([{ issuer: ISSUER, audience: 'orders-api' }])
    expect(accepted({ jwts })).toEqual([{ issuer: ISSUER, audience: 'orders-api' }, ...(jwts.accepts?.() ?? [])])
  })

  it('does not ask after it was closed', async () => {
    const { verifier, endpoint } = setUp()
    verifier.close()
    await expect(verifier.verify('good')).rejects.toMatchObject({ code: 'check_unavailable', retryAfter: 1 })
    expect(endpoint.tokens).toEqual([])
  })
})

describe('43. Client assertions', () => {
  const assertionOf = async (options: object, issuer: string | null = ISSUER): Promise<string> => {
    const client = privateKeyJwt('api', { ...keys.privateJwk }, options)
    const { form } = await client.authenticate({ issuer, endpoint: 'https://a.example/i', now: 1000.9 })
    expect(form).toMatchObject({
      client_id: 'api',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    })
    return form?.['client_assertion'] ?? ''
  }

  it.each<readonly [string, object, string | null, string, number]>([
    ['the issuer', {}, ISSUER, ISSUER, 60],
    ['the endpoint, without an issuer', {}, null, 'https://a.example/i', 60],
    ['the audience that is given', { audience: 'b', lifetime: 5 }, ISSUER, 'b', 5],
  ])('are for %s, and expire', async (_, options, issuer, aud, lifetime) => {
    const claims = decodeJwt(await assertionOf(options, issuer))
    expect(claims).toEqual({
      iss: 'api',
      sub: 'api',
      aud,
      jti: expect.any(String) as string,
      iat: 1000,
      exp: 1000 + lifetime,
    })
  })

  it('have the algorithm and the key ID of the key, or those that are given', async () => {
    const { kid } = keys.privateJwk
    expect(decodeProtectedHeader(await assertionOf({}))).toEqual({ alg: 'ES256', typ: 'JWT', kid })
    expect(decodeProtectedHeader(await assertionOf({ kid: 'k' }))).toEqual({ alg: 'ES256', typ: 'JWT', kid: 'k' })
  })

  it.each<readonly [string, unknown, object, string]>([
    ['nothing', undefined, {}, 'the key must be a private JWK, a PKCS#8 PEM or a signer, found undefined'],
    ['a list', [keys.privateJwk], {}, 'the key must be a private JWK, a PKCS#8 PEM or a signer, found a list'],
    ['a key without alg', { kty: 'EC', d: 'd' }, {}, 'give "alg", because the key has none'],
    ['a PEM without alg', 'pem', {}, 'give "alg", because the key has none'],
    ['a public key', { ...keys.publicJwk }, {}, 'the key must be private'],
    ['an empty kid', { ...keys.privateJwk }, { kid: '' }, '"kid" must be a string, found ""'],
    [
      'a lifetime of 0',
      { ...keys.privateJwk },
      { lifetime: 0 },
      '"lifetime" must be a number of seconds from 1 to 300',
    ],
  ])('cannot be made with %s', (_, key, options, message) => {
    expect(() => privateKeyJwt('api', key as never, options)).toThrow(`Cannot authenticate client: ${message}`)
  })

  it.each<readonly [unknown, unknown, string]>([
    ['', 's', 'the client ID must be a string, found an empty one'],
    [1, 's', 'the client ID must be a string, found a number'],
    ['api', '', 'the client secret must be a string, found an empty one'],
    ['api', undefined, 'the client secret must be a string, found undefined'],
  ])('and secrets need an ID and a secret: %j and %j', (id, secret, message) => {
    expect(() => clientSecretBasic(id as string, secret as string)).toThrow(`Cannot authenticate client: ${message}`)
  })
})

describe('43. The options of an introspection verifier', () => {
  it.each<readonly [string, object, string]>([
    [
      'signed answers of no issuer',
      { issuer: null, answers: 'signed', endpoint: `${ISSUER}/i` },
      'signed answers need an "issuer"',
    ],
    ['nothing to ask', { issuer: null }, 'without an "issuer", give the "endpoint"'],
    ...['keys', 'algorithms', 'decrypt'].map((name): readonly [string, object, string] => [
      `"${name}" for JSON`,
      { [name]: { keys: { resolve: () => 1 }, algorithms: ['ES256'], decrypt: () => 1 }[name] },
      `"${name}" is for signed answers: add "answers": "signed", or leave it out`,
    ]),
    [
      'a client of another form',
      { client: 'api' },
      '"client" must be how this API authenticates, such as clientSecretBasic(id, secret), found "a string"',
    ],
    ['a client without ID', { client: { authenticate: () => 1 } }, '"client" must be how this API authenticates'],
  ])('are wrong with %s', (_, changes, message) => {
    const options = { issuer: ISSUER, audience: 'api', client: clientSecretBasic('api', 'secret'), ...changes }
    expect(() => createIntrospectionVerifier(options as never)).toThrow(
      `Cannot create introspection verifier: ${message}`,
    )
  })
})
