import { AuthError, createVerifier } from '@claimgate/core'
import { staticKeySet } from '@claimgate/core/extend'
import { createTestClock, createTestKeys } from '@claimgate/testing'
import { describe, expect, it } from 'vitest'
import { signedAnswers } from '../../../packages/core/src/introspection/signed-answer.ts'
import { DEFAULT_LIMITS } from '../../../packages/core/src/model/limits.ts'
import { active } from '../../support/introspection/server.ts'
import { ISSUER, setUp } from '../../support/introspection/still-endpoint.ts'

const NOW = 1_700_000_000
const keys = await createTestKeys('ES256', { kid: 'a' })
const MEMBERS = { active: true, sub: 'ada' }

const readerWith = (changes: object = {}) =>
  signedAnswers({
    issuer: ISSUER,
    audience: 'orders-api',
    client: { clientId: 'api' },
    limits: DEFAULT_LIMITS,
    clock: createTestClock({ wall: NOW * 1000 }),
    allowHttpHosts: [],
    keys: staticKeySet({ keys: [keys.publicJwk] }),
    ...changes,
  } as never)
const signed = (claims: object = {}, header: object = {}): Promise<string> =>
  keys.sign(
    { iss: ISSUER, aud: 'api', iat: NOW, token_introspection: MEMBERS, ...claims },
    { typ: 'token-introspection+jwt', ...header },
  )
const reasonOf = async (answer: string, changes: object = {}): Promise<unknown> =>
  readerWith(changes)
    .read(answer)
    .then(
      () => 'read',
      (error: Error) => error.message,
    )

describe('43. A signed answer that cannot be used', () => {
  const OTHER_API = 'The signed answer is for another API: its "aud" is neither "clientId" nor "audience"'
  const OLD = 'The signed answer is not from the last minute'
  const NO_MEMBERS = 'The signed answer has no "token_introspection" object'

  it.each<readonly [string, object, object, string]>([
    ['another issuer', { iss: 'https://other.example' }, {}, 'The signed answer comes from another issuer'],
    ['another recipient', { aud: 'other' }, {}, OTHER_API],
    ['no recipient', { aud: undefined }, {}, OTHER_API],
    ['an empty list of recipients', { aud: [] }, {}, OTHER_API],
    ['an age of 61 s', { iat: NOW - 61 }, {}, OLD],
    ['a time 61 s ahead', { iat: NOW + 61 }, {}, OLD],
    ['no time', { iat: undefined }, {}, OLD],
    ['a time that is text', { iat: String(NOW) }, {}, OLD],
    ['no members', { token_introspection: undefined }, {}, NO_MEMBERS],
    ['null as members', { token_introspection: null }, {}, NO_MEMBERS],
    ['a list as members', { token_introspection: [MEMBERS] }, {}, NO_MEMBERS],
    ['text as members', { token_introspection: 'active' }, {}, NO_MEMBERS],
    ['another typ', {}, { typ: 'JWT' }, 'The "typ" of the signed answer is not token-introspection+jwt'],
    ['no typ', {}, { typ: undefined }, 'The "typ" of the signed answer is not token-introspection+jwt'],
    ['an unknown key', {}, { kid: 'b' }, 'The signed answer does not verify (key_not_found)'],
  ])('because of %s', async (_, claims, header, message) => {
    expect(await reasonOf(await signed(claims, header))).toBe(message)
  })

  it.each<readonly [string, object]>([
    ['for the client', {}],
    ['for the audience', { aud: 'orders-api' }],
    ['for one of several', { aud: ['other', 'api'] }],
    ['that is 60 s old', { iat: NOW - 60 }],
    ['that is 60 s ahead', { iat: NOW + 60 }],
  ])('is not one %s', async (_, claims) => {
    expect(await readerWith().read(` ${await signed(claims)}\n`)).toEqual(MEMBERS)
  })

  it('is one for any audience, if the verifier accepts all', async () => {
    expect(await reasonOf(await signed({ aud: 'orders-api' }), { audience: null })).toContain('for another API')
    expect(await reasonOf(await signed({ aud: null }), { audience: null })).toContain('for another API')
    expect(await reasonOf(await signed({ aud: 'b' }), { audience: ['a', 'b'] })).toBe('read')
  })

  it('says that it cannot be decrypted, or that its keys are unavailable', async () => {
    const decrypt = async (): Promise<never> => Promise.reject(new Error('secret'))
    expect(await reasonOf(await signed(), { decrypt })).toBe('The signed answer cannot be decrypted')
    expect(await reasonOf('x', { decrypt: async () => Uint8Array.of(0xff) })).toBe(
      'The signed answer cannot be decrypted',
    )
    const text = await signed()
    expect(await reasonOf('x', { decrypt: async () => new TextEncoder().encode(text) })).toBe('read')
    const away = { resolve: async () => Promise.reject(new AuthError('keys_unavailable', { retryAfter: 7 })) }
    await expect(readerWith({ keys: away }).read(text)).rejects.toMatchObject({
      message: 'The keys of signed answers are unavailable (keys_unavailable)',
      reason: 'no_usable_key',
      scope: 'token',
      retryAfter: 7,
    })
  })

  it('is not one that is longer than a token may be', async () => {
    expect(await reasonOf(await signed(), { limits: { ...DEFAULT_LIMITS, tokenLength: 20 } })).toBe('read')
  })

  it('begins with a byte order mark', async () => {
    const text = new TextEncoder().encode(`\uFEFF${await signed()}`)
    expect(await reasonOf('x', { decrypt: async () => text })).toContain('does not verify')
  })

  it('needs no keys that can be made ready', async () => {
    const reader = readerWith({ keys: { resolve: async () => keys.publicKey } })
    await expect(reader.ready()).resolves.toBeUndefined()
    expect(await reader.read(await signed())).toEqual(MEMBERS)
  })

  it('gets keys ready and closes only what it has made', async () => {
    const log: string[] = []
    const source = {
      resolve: async () => Promise.reject(new AuthError('key_not_found')),
      ready: async () => void log.push('ready'),
      close: () => void log.push('closed'),
    }
    const reader = readerWith({ keys: source })
    await reader.ready()
    reader.close()
    expect(log).toEqual(['ready'])
  })
})

describe('43. The reason why an answer is not used', () => {
  const causeOf = async (reply: () => Response): Promise<unknown> => {
    const { verifier, endpoint } = setUp()
    endpoint.reply = reply
    return verifier.verify('good').then(
      () => 'accepted',
      (error: AuthError) => (error.cause as Error).message,
    )
  }

  it.each<readonly [string, () => Response, string]>([
    [
      'its content type',
      () => new Response('{}', { headers: { 'content-type': 'text/plain' } }),
      'The content type of the answer is not application/json',
    ],
    ['its members', () => Response.json({ active: 1 }), 'The "active" of the answer is not a boolean'],
    [
      'its form',
      () => new Response('[]', { headers: { 'content-type': 'application/json' } }),
      'The answer is not a JSON object, has a member twice, or is over a limit',
    ],
  ])('is %s', async (_, reply, message) => {
    expect(await causeOf(reply)).toBe(message)
  })
})

describe('43. The explanation of an opaque token', () => {
  it('begins with the answer of the authorization server', async () => {
    const { verifier, endpoint, now } = setUp()
    endpoint.reply = () => Response.json(active(ISSUER, { exp: now() + 60 }))
    const { steps } = await verifier.explain('good')
    expect(steps[0]).toEqual({
      step: 'introspection',
      result: 'passed',
      expected: '"an active token"',
      actual: '"an active one"',
    })
    expect(Object.isFrozen(steps)).toBe(true)
  })

  it('says that a token is inactive', async () => {
    const { verifier } = setUp()
    const hint = 'The authorization server does not know the token, has revoked it, or does not let this API use it'
    const explanation = await verifier.explain('junk')
    expect(explanation).toMatchObject({
      accepted: false,
      code: 'token_refused',
      steps: [
        {
          step: 'introspection',
          result: 'failed',
          code: 'token_refused',
          expected: '"an active token"',
          actual: '"an inactive one"',
          hint,
        },
        { step: 'claims', result: 'skipped' },
      ],
    })
    expect(explanation.summary).toMatch(/^Refused \(token_refused\): /)
    expect(explanation.summary).toContain(hint)
  })

  it('says that a token has other characters', async () => {
    const { verifier, endpoint } = setUp()
    expect(await verifier.explain('a b')).toMatchObject({
      code: 'token_malformed',
      steps: [{ expected: '"b64token characters"', actual: '"something else"' }, {}],
    })
    for (const odd of ['', '=', 'a=b', 'ä', 1 as never]) await expect(verifier.verify(odd)).rejects.toThrow(AuthError)
    for (const good of ['good-._~+/', 'good==']) await expect(verifier.verify(good)).resolves.toBeDefined()
    expect(endpoint.tokens).toEqual(['good-._~+/', 'good=='])
  })

  it('says which error of "jwts" was not expected', async () => {
    const jwts = {
      ...createVerifier({ issuer: ISSUER, audience: 'orders-api', jwks: { keys: [keys.publicJwk] } }),
      explain: async () => Promise.reject(new Error('a bug')),
    }
    const { verifier } = setUp({ jwts })
    expect(await verifier.explain(await signed())).toEqual({
      accepted: false,
      summary: 'Refused: "a bug"',
      steps: [
        { step: 'jwts', result: 'failed', actual: 'an unexpected error', hint: '"a bug"' },
        { step: 'claims', result: 'skipped' },
      ],
    })
  })

  it.each<readonly [object, string, string]>([
    [{ token_type: 'refresh_token' }, '"token_type Bearer or DPoP"', '"a refresh token"'],
    [{ token_type: 'Refresh' }, '"token_type Bearer or DPoP"', '"a refresh token"'],
    [{ token_type: 'Bearer', token_use: 'refresh' }, '"token_type Bearer or DPoP"', '"a refresh token"'],
    [{ token_type: 'N_A' }, '"token_type Bearer or DPoP"', '"N_A"'],
    [{ token_type: 1 }, '"token_type Bearer or DPoP"', '1'],
    [{ token_type: 'DPoP' }, '"a DPoP token with \\"cnf.jkt\\""', '"one without"'],
  ])('says that one with %j is no access token', async (members, expected, actual) => {
    const { verifier, endpoint, now } = setUp({ audience: null })
    endpoint.reply = () => Response.json(active(ISSUER, { exp: now() + 60, ...members }))
    await expect(verifier.verify('good')).rejects.toMatchObject({ code: 'token_type', expected, actual })
  })
})
