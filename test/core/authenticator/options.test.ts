import { AuthError, createAuthenticator, createVerifier, type IssuerPolicy } from '@claimgate/core'
import { describe, expect, it } from 'vitest'
import { fakeVerifier } from '../../support/core/fake-verifier.ts'
import { AUDIENCE, ISSUER } from '../../support/core/jose-tokens.ts'
import { learningResource } from '../../support/core/learning-resource.ts'
import { bearer, request } from '../../support/core/refusal.ts'

const given = { issuer: ISSUER, audience: AUDIENCE }
const create = (options: unknown) => createAuthenticator(options as Parameters<typeof createAuthenticator>[0])

describe('the options of an authenticator', () => {
  it.each<readonly [string, unknown, string]>([
    ['nothing', undefined, 'give a verifier, or options with "issuer" and "audience"'],
    ['a text', ISSUER, 'give a verifier, or options with "issuer" and "audience"'],
    ['a list', [given], 'give a verifier, or options with "issuer" and "audience"'],
    [
      'a verifier spread beside options',
      { ...fakeVerifier(), realm: 'a' },
      '"realm" is ignored on a verifier: write { verifier, realm: … }',
    ],
    ['a verifier spread beside its options', { ...fakeVerifier(), issuer: 'a' }, '"issuer" is ignored on a verifier'],
    [
      'an authenticator spread beside options',
      { ...createAuthenticator({ verifier: fakeVerifier() }), log: console },
      '"log" is ignored on a verifier',
    ],
    [
      'verifier options beside a verifier',
      { verifier: fakeVerifier(), audience: 'a' },
      'with "verifier", "audience" belongs to the options of that verifier',
    ],
    ['a verifier that verifies nothing', { verifier: {} }, '"verifier" must be a verifier, which createVerifier makes'],
    [
      'a realm with a quote',
      { ...given, realm: 'a"' },
      '"realm" must be printable ASCII text without quotes or backslashes',
    ],
    ['no realm', { ...given, realm: '' }, '"realm" must be'],
    ['a text as extractToken', { ...given, extractToken: 'x-token' }, '"extractToken" must be a function'],
    ['a text as optional', { ...given, optional: 'false' }, '"optional" must be true or false'],
    ['a body that is no function', { ...given, refusalBody: {} }, '"refusalBody" must be a function'],
    ['a text as exposeChallenge', { ...given, exposeChallenge: 'yes' }, '"exposeChallenge" must be true or false'],
    [
      'other scopesInChallenge',
      { ...given, scopesInChallenge: 'all' },
      '"scopesInChallenge" must be "no_token" or "invalid_token"',
    ],
    ['a log without warn', { ...given, log: {} }, '"log" must be false, or have a function "warn"'],
    ['an object as onAuthenticated', { ...given, onAuthenticated: {} }, '"onAuthenticated" must be a function'],
    [
      'onAuthenticated of undefined',
      { ...given, onAuthenticated: undefined },
      '"onAuthenticated" must not be undefined',
    ],
    ['a binding outside a list', { ...given, bindings: {} }, '"bindings" must be a list, such as [binding]'],
    ['bindings of undefined', { ...given, bindings: undefined }, '"bindings" must not be undefined'],
    ['other unboundTokens', { ...given, unboundTokens: 'deny' }, '"unboundTokens" must be "accept" or "refuse"'],
    ['unboundTokens of undefined', { ...given, unboundTokens: undefined }, '"unboundTokens" must not be undefined'],
    [
      'a challenge that is a text',
      { ...given, challenge: 'a' },
      '"challenge" must be an object such as { resource_metadata: "https://…" }',
    ],
    [
      'an identifier as resource',
      { ...given, resource: 'https://api.example' },
      '"resource" must be made by protectedResource()',
    ],
    ['resource of undefined', { ...given, resource: undefined }, '"resource" must not be undefined'],
  ])('cannot be %s', (_, options, message) => {
    expect(() => create(options)).toThrow(message)
    expect(() => create(options)).toThrow(/^Cannot create authenticator: /)
  })

  it('may be a verifier or an authenticator', () => {
    const verifier = createVerifier(given)
    const authenticator = create(verifier)
    expect(authenticator.verifier).toBe(verifier)
    expect(create(authenticator)).toBe(authenticator)
    expect(authenticator).toMatchObject({ readsBody: false, schemes: ['Bearer'], findsUser: false })
    expect(authenticator).not.toHaveProperty('resource')
  })

  it('say whether the body is read', () => {
    const form = create({ ...given, credentials: [{ from: 'authorization' }, { from: 'form' }] })
    expect([form.readsBody, create(given).readsBody]).toEqual([true, false])
  })

  it('have the places of the token that the issuers of the verifier know', async () => {
    const seen: unknown[] = []
    const accepts = () => [
      { issuer: 'a', audience: 'b', credentials: [{ from: 'header', name: 'X-Token' }] as const },
      {
        issuer: 'c',
        audience: 'b',
        credentials: [
          { from: 'header', name: 'X-Token' },
          { from: 'cookie', name: 'jwt' },
        ] as const,
      },
      { issuer: 'e', audience: 'b' },
    ]
    const authenticator = create({ verifier: fakeVerifier({ accepts }) })
    for (const fields of [{ 'x-token': 'a' }, { cookie: 'jwt=a' }, { authorization: 'Bearer a' }, { 'x-other': 'a' }])
      seen.push((await authenticator.authenticate(request(fields))).kind)
    expect(seen).toEqual(['authenticated', 'authenticated', 'authenticated', 'refused'])
    const header = create({ verifier: fakeVerifier({ accepts: () => accepts().slice(0, 1) }) })
    expect(await header.authenticate(bearer('a'))).toMatchObject({ kind: 'refused' })
    const chosen = create({ verifier: fakeVerifier({ accepts }), credentials: [{ from: 'query' }] })
    expect(await chosen.authenticate(bearer('a'))).toMatchObject({ kind: 'refused' })
  })
})

describe('the log of an authenticator', () => {
  it('has a line for a refusal', async () => {
    const lines: string[] = []
    const log = { warn: (line: string) => lines.push(line) }
    await create({ verifier: fakeVerifier(), log }).authenticate(request())
    expect(lines).toEqual(['Request refused (credential_missing): The request carries no access token'])
    await create({ verifier: fakeVerifier(), log: false }).authenticate(request())
    await create({ verifier: fakeVerifier() }).authenticate(request())
    expect(lines).toHaveLength(1)
  })

  it('says that CORS must answer a preflight first, and that metadata is served without a token', async () => {
    const { resource } = learningResource()
    const { authenticate } = create({ verifier: fakeVerifier(), resource })
    const hintOf = async (fields: object, rest: object): Promise<unknown> => {
      const outcome = await authenticate(request(fields as Record<string, string>, rest))
      return outcome.kind === 'refused' ? outcome.error.hint : outcome.kind
    }
    const preflight = { 'access-control-request-method': 'PUT' }
    const cors =
      'It is a CORS preflight, which carries no token: let CORS answer first, before authenticateJwt or the gate'
    expect(await hintOf(preflight, { method: 'OPTIONS' })).toBe(cors)
    expect(await hintOf({}, { method: 'OPTIONS' })).toBeUndefined()
    expect(await hintOf(preflight, { method: 'GET' })).toBeUndefined()
    expect(await hintOf({}, { target: '/metadata' })).toBe(
      'It asks for the metadata of the resource: serve it before authentication, with resourceMetadata',
    )
  })
})

describe('the headers of an accepted request', () => {
  const headersWith = async (headers: Record<string, string>, exposeChallenge: boolean): Promise<unknown> => {
    const binding = { confirmation: 'jkt', confirm: async () => ({ headers }) }
    const verify = async () => ({ claims: { cnf: { jkt: 'a' } }, scopes: new Set() }) as never
    const authenticator = create({ verifier: fakeVerifier({ verify }), bindings: [binding], exposeChallenge })
    const outcome = await authenticator.authenticate(bearer('abc'))
    return outcome.kind === 'authenticated' ? { ...outcome.headers } : outcome
  }

  it('are those of bindings, and scripts on other origins may read them if configured', async () => {
    const added = { 'dpop-nonce': 'n', 'x-a': 'b' }
    expect(await headersWith(added, false)).toEqual(added)
    expect(await headersWith(added, true)).toEqual({ ...added, 'access-control-expose-headers': 'dpop-nonce, x-a' })
    expect(await headersWith({}, true)).toEqual({})
  })
})

describe('the resource of an authenticator', () => {
  const policy = { issuer: ISSUER }
  const audiencesOf = (options: object): unknown =>
    create(options)
      .verifier.accepts?.()
      .map(({ audience }) => audience)

  it('is the audience of every issuer that has none', () => {
    const { resource } = learningResource()
    const id = resource.resource
    expect(audiencesOf({ ...policy, resource })).toEqual([id])
    expect(audiencesOf({ ...policy, audience: [id, 'other'], resource })).toEqual([[id, 'other']])
    expect(audiencesOf({ ...policy, audience: null, resource })).toEqual([null])
    const issuers = [policy, { issuer: 'https://other.example', audience: [id, 'other'] }]
    expect(audiencesOf({ issuers, resource })).toEqual([id, [id, 'other']])
  })

  it('must be among the audiences', () => {
    const { resource } = learningResource()
    const message =
      '"audience" must include the "resource" "https://api.example/orders": leave "audience" out, or list both'
    expect(() => create({ ...policy, audience: 'other', resource })).toThrow(message)
    expect(() => create({ issuers: [{ ...policy, audience: ['other'] }], resource })).toThrow(message)
    const accepts = () => [{ issuer: ISSUER, audience: 'other' }]
    expect(() => create({ verifier: fakeVerifier({ accepts }), resource })).toThrow(message)
  })

  it('is the audience of issuers that a function finds', async () => {
    const { resource } = learningResource()
    const claims = Buffer.from(JSON.stringify({ iss: ISSUER, aud: resource.resource, exp: 1e10 })).toString('base64url')
    const token = `${Buffer.from('{"alg":"ES256","typ":"at+jwt"}').toString('base64url')}.${claims}.${'A'.repeat(86)}`
    const answer = async (found: Partial<IssuerPolicy> | undefined | null): Promise<unknown> => {
      const { authenticate } = create({ issuers: async () => found, resource })
      const outcome = await authenticate(bearer(token))
      return outcome.kind === 'refused' ? outcome.error.code : outcome.kind
    }
    const keys = { resolve: () => Promise.reject(new AuthError('keys_unavailable')) }
    expect(await answer({ ...policy, keys })).toBe('keys_unavailable')
    expect(await answer({ ...policy, keys, audience: resource.resource })).toBe('keys_unavailable')
    expect(await answer(undefined)).toBe('issuer_unknown')
    expect(await answer({ ...policy, keys, audience: 'other' })).toBe('issuer_unavailable')
  })

  it('learns what the authenticator knows', () => {
    const { resource, facts } = learningResource()
    const binding = { confirmation: 'x5t#S256', confirm: async () => {} }
    create({
      issuers: [policy, { issuer: 'https://{tenant}.example' }, { issuer: null }].slice(0, 2),
      resource,
      bindings: [binding],
      unboundTokens: 'refuse',
      credentials: [{ from: 'authorization' }, { from: 'form' }, { from: 'query' }, { from: 'cookie', name: 'a' }],
    })
    expect(facts).toEqual([
      {
        issuers: [ISSUER],
        bearerMethods: ['header', 'body', 'query'],
        confirmations: ['x5t#S256'],
        challenges: new Map([['Bearer', {}]]),
        unboundTokens: 'refuse',
      },
    ])
  })

  it('is named in challenges', async () => {
    const { resource } = learningResource()
    const authenticator = create({ ...policy, resource, challenge: { error_uri: 'https://docs.example' } })
    expect(authenticator.resource).toBe(resource)
    expect(await authenticator.authenticate(request())).toMatchObject({
      response: {
        headers: {
          'www-authenticate':
            'Bearer realm="api", resource_metadata="https://api.example/metadata", error_uri="https://docs.example"',
        },
      },
    })
    expect(() => create({ ...policy, resource, challenge: { Resource_Metadata: 'https://a' } })).toThrow(
      'with "resource", leave "Resource_Metadata" out of "challenge"',
    )
    expect(() => create({ ...given, challenge: { resource_metadata: 'https://a' } })).not.toThrow()
  })
})
