import { AuthError, createVerifier, type VerifiedToken } from '@claimgate/core'
import { createTestKeys } from '@claimgate/testing'
import { describe, expect, it, vi } from 'vitest'
import { encode } from '../../support/core/refusal.ts'
import { settle } from '../../support/core/manual-clock.ts'
import { active } from '../../support/introspection/server.ts'
import { ISSUER, setUp } from '../../support/introspection/still-endpoint.ts'

const { publicJwk } = await createTestKeys('ES256', { kid: 'a' })
const jwks = { keys: [publicJwk] }
const LONGEST_HEADER = 8192

const jwtsWith = (changes: object = {}) => {
  const asked: string[] = []
  const jwts = {
    ...createVerifier({ issuer: ISSUER, audience: 'orders-api', jwks }),
    verify: async (token: string) => {
      asked.push(token)
      return Promise.reject(new AuthError('token_expired'))
    },
    ...changes,
  }
  return { asked, made: setUp({ jwts, limits: { tokenLength: 65_536 } }) }
}
/** A JSON object that begins with spaces, so that its text does not begin like the header of a JWT. */
const spaced = (characters: number): string => {
  const text = encode(`   {"a":"${'x'.repeat((characters / 4) * 3 - 11)}"}`)
  expect(text).toHaveLength(characters)
  expect(text.startsWith('ey')).toBe(false)
  return text
}

describe('43. Beside a verifier of JWTs, a token', () => {
  it.each<readonly [string, () => string, boolean]>([
    ['without dots', () => 'good', false],
    ['of two parts', () => 'e30.e30', false],
    ['of three parts, the first one an object', () => 'e30.e30.x', true],
    ['of four parts', () => 'e30.e30.x.y', false],
    ['of five parts', () => 'eyJ.a.b.c.d', false],
    ['of three parts, the first one a list', () => `${encode('[]')}.a.b`, false],
    ['of three parts, the first one no JSON', () => 'abc.def.ghi', false],
    ['of three parts, the first one empty', () => '.a.b', false],
    ['that begins like a JWT', () => 'eyJ.def.ghi', true],
    ['that only contains how a JWT begins', () => 'xey.def.ghi', false],
    ['that only ends as a JWT begins', () => 'abc.def.ey', false],
    ['of three parts, with padding', () => 'e30==.e30.x', true],
    ['with a long object that has spaces before it', () => `${spaced(LONGEST_HEADER)}.a.b`, true],
    ['with an object that is too long, and spaces before it', () => `${spaced(LONGEST_HEADER + 4)}.a.b`, false],
    ['with a first part that is too long, and begins like a JWT', () => `ey${'a'.repeat(LONGEST_HEADER)}.a.b`, true],
  ])('%s is sent to the right one', async (_, make, isJwt) => {
    const { asked, made } = jwtsWith()
    const token = make()
    await made.outcome(token)
    expect([asked, made.endpoint.tokens]).toEqual(isJwt ? [[token], []] : [[], [token]])
  })

  it('with padding inside is a JWT, or refused', async () => {
    const { asked, made } = jwtsWith()
    expect(await made.outcome('e3=0.e30.x')).toBe('401 token_malformed')
    expect([asked, made.endpoint.tokens]).toEqual([[], []])
  })

  it('that is no text is refused', async () => {
    const { made } = jwtsWith()
    for (const odd of [undefined, null, 5, {}]) expect(await made.outcome(odd as never)).toBe('401 token_malformed')
  })

  it('waits for it half a minute', async () => {
    const { made } = jwtsWith({ verify: async () => new Promise(() => {}) })
    const errors: unknown[] = []
    const asked = made.verifier.verify('e30.e30.x').catch((error: unknown) => errors.push(error))
    await made.clock.pass(29.9)
    expect(errors).toEqual([])
    await made.clock.pass(0.2)
    await asked
    expect(errors).toMatchObject([{ code: 'check_unavailable', actual: '"jwts"' }])
  })

  it('is asked about at the endpoint, too, if it must be fresh', async () => {
    const verified = { token: 'e30.e30.x', claims: { sub: 'ada' } } as unknown as VerifiedToken
    const { made } = jwtsWith({ verify: async () => verified })
    made.endpoint.reply = () => Response.json(active(ISSUER, { exp: made.now() + 60 }))
    expect(await made.verifier.verifyFresh?.(verified)).toBe(verified)
    expect(made.endpoint.tokens).toEqual(['e30.e30.x'])
    made.endpoint.reply = () => Response.json({ active: false })
    await expect(made.verifier.verifyFresh?.(verified)).rejects.toMatchObject({ code: 'token_refused' })
  })
})

describe('43. A verifier of opaque tokens', () => {
  it('tells the time, and what both verifiers accept', async () => {
    const alone = setUp()
    expect(alone.verifier.now?.()).toBe(alone.clock.now())
    expect(alone.verifier.accepts?.()).toEqual([{ issuer: ISSUER, audience: 'orders-api' }])
    const { accepts, status, ...jwts } = createVerifier({ issuer: 'i', audience: 'a', jwks })
    const other = setUp({ jwts: { ...jwts, accepts, status } as never })
    expect(other.verifier.accepts?.()).toEqual([
      { issuer: ISSUER, audience: 'orders-api' },
      { issuer: 'i', audience: 'a' },
    ])
    const bare = setUp({ jwts })
    expect(bare.verifier.accepts?.()).toEqual([{ issuer: ISSUER, audience: 'orders-api' }])
    expect(bare.verifier.status?.().issuers).toHaveLength(1)
  })

  it.each([
    ['good', 'token.verified'],
    ['junk', 'token.rejected'],
  ])('reports how long an answer took: %s', async (token, type) => {
    const { clock, endpoint, events, now, outcome } = setUp()
    const replies: (() => void)[] = []
    endpoint.reply = async (given) =>
      new Promise((resolve) => {
        const members = given === 'good' ? active(ISSUER, { exp: now() + 60 }) : { active: false }
        replies.push(() => resolve(Response.json(members)))
      })
    const asked = outcome(token)
    await vi.waitFor(() => expect(replies).toHaveLength(1))
    await clock.pass(1.5)
    replies[0]?.()
    await asked
    await settle()
    expect(events.find((event) => event.type === type)).toMatchObject({ duration: 1500 })
  })

  it('does not ask again about a token that it has asked about within a second', async () => {
    const { clock, endpoint, verifier } = setUp()
    const first = await verifier.verify('good')
    await clock.pass(0.999)
    expect(await verifier.verifyFresh?.(first)).toBe(first)
    expect(endpoint.tokens).toHaveLength(1)
    await clock.pass(0.001)
    const second = (await verifier.verifyFresh?.(first)) as VerifiedToken
    expect(endpoint.tokens).toHaveLength(2)
    expect(await verifier.verifyFresh?.(second)).toBe(second)
    expect(endpoint.tokens).toHaveLength(2)
  })

  it.each<readonly [unknown, boolean]>([
    ['bearer', true],
    ['BEARER', true],
    [['Bearer'], false],
    ['xBearer', false],
    ['Bearerx', false],
    [undefined, false],
  ])('for any audience takes a token of the type %j for an access token: %s', async (token_type, accepted) => {
    const { endpoint, now, outcome } = setUp({ audience: null })
    endpoint.reply = () => Response.json(active(ISSUER, { exp: now() + 60, token_type }))
    expect(await outcome('good')).toBe(accepted ? '200' : '401 token_type')
  })
})
