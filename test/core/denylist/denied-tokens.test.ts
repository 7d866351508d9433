import { createVerifier } from '@claimgate/core'
import { createMemoryDenylist, denylist, type DenylistStore } from '@claimgate/core/denylist'
import { createRandom, createTestClock, createTestKeys } from '@claimgate/testing'
import { describe, expect, it } from 'vitest'

import { startDenylistServer } from '../../support/core/denylist-server.ts'
import { accessClaims, answerTo, ISSUER, NOW, optionsWith, refused, VERIFIED } from '../../support/core/refusal.ts'

const key = await createTestKeys('ES256', { kid: 'key-1' })
const token = await key.sign(accessClaims({ sid: 'session-1' }))
const clock = { now: (): number => NOW * 1000 }

const setUp = (store: DenylistStore, changes: object = {}) => {
  const denied = denylist({ store, clock, timeout: 0.2, ...changes })
  const options = optionsWith({ jwks: { keys: [key.publicJwk] }, checks: [denied] })
  return { denied, options, verifier: createVerifier(options) }
}

const UNDECIDED = refused('check_unavailable')

describe('37. A denylist that cannot answer lets no request through', () => {
  it.each<[string, Parameters<Awaited<ReturnType<typeof startDenylistServer>>['behave']>[0]]>([
    ['does not answer', 'hang'],
    ['closes the connection', 'reset'],
    ['answers nothing', { answer: null }],
    ['answers without a list', { answer: {} }],
    ['answers with text', { answer: 'nil' }],
    ['answers for no key', { answer: [] }],
    ['answers for some of the keys', { answer: [null, null] }],
    ['answers for more than the keys', { answer: [1, 1, 1, 1] }],
    ['answers with texts', { answer: ['1', '1', '1'] }],
    ['answers with null', { answer: [null, null, null] }],
    ['answers with booleans', { answer: [false, false, false] }],
  ])('with 503 if its store %s, and works again afterwards', async (_, behaviour) => {
    await using server = await startDenylistServer()
    // Only a store that hangs has to be slower than the timeout; a busy machine may be slow too.
    const { options } = setUp(server.store, { timeout: behaviour === 'hang' ? 1 : 20 })
    expect(await answerTo(token, options)).toEqual(VERIFIED)
    server.behave(behaviour)
    expect(await answerTo(token, options)).toEqual(UNDECIDED)
    expect(await answerTo(token, { ...options, optional: true })).toEqual(UNDECIDED)
    server.behave('well')
    expect(await answerTo(token, options)).toEqual(VERIFIED)
  })

  it('with 503 if its store is down', async () => {
    const server = await startDenylistServer()
    const { options } = setUp(server.store)
    await server[Symbol.asyncDispose]()
    expect(await answerTo(token, options)).toEqual(UNDECIDED)
  })

  it('and is asked for every request, also for a cached token', async () => {
    await using server = await startDenylistServer()
    const { denied, verifier } = setUp(server.store)
    const good = await verifier.verify(token)
    await verifier.verify(token)
    expect(server.lookUps()).toBe(2)
    await denied.denyToken(good)
    await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'token_refused', status: 401 })
    server.behave('reset')
    await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'check_unavailable', status: 503 })
    expect(server.lookUps()).toBe(4)
  })

  it.each(['hang', 'reset'] as const)(
    'and does not report a token as revoked if its store would %s',
    async (behaviour) => {
      await using server = await startDenylistServer()
      const { denied, verifier } = setUp(server.store)
      const good = await verifier.verify(token)
      server.behave(behaviour)
      await expect(denied.denyToken(good)).rejects.toThrow(Error)
      await expect(denied.denySubject(ISSUER, 'ada')).rejects.toThrow(Error)
      await expect(denied.denySession(ISSUER, 'session-1')).rejects.toThrow(Error)
    },
  )

  it('and does not report a token as revoked if the store is full, which evicts no other entry', async () => {
    const { denied, options } = setUp(createMemoryDenylist({ clock, maxEntries: 1 }))
    await denied.denySession(ISSUER, 'session-1')
    await expect(denied.denySession(ISSUER, 'session-2')).rejects.toThrow(RangeError)
    expect(await answerTo(token, options)).toEqual(refused('token_refused'))
  })

  it('and does not report a token as revoked that has no key', async () => {
    const { options } = setUp(createMemoryDenylist({ clock }))
    const numbered = await key.sign(accessClaims({ sid: 7 }))
    expect(await answerTo(numbered, options)).toEqual(refused('claim_malformed'))
  })

  it('and refuses a token of a denied subject without iat', async () => {
    const { denied, options } = setUp(createMemoryDenylist({ clock }))
    const timeless = await key.sign(accessClaims({ iat: undefined }))
    expect(await answerTo(timeless, options)).toEqual(VERIFIED)
    await denied.denySubject(ISSUER, 'ada')
    expect(await answerTo(timeless, options)).toEqual(refused('token_refused'))
  })

  it('and refuses a token that would outlive its denylist entry', async () => {
    const { options } = setUp(createMemoryDenylist({ clock }), { maxLifetime: 600 })
    expect(await answerTo(token, options)).toEqual(refused('token_lifetime_too_long'))
  })
})

describe('33. A verifier with a token cache', () => {
  it('gives the same answers as one without, whatever is revoked and whenever', async () => {
    const random = createRandom(33)
    const one = random.pick
    const people = ['ada', 'bob']
    const codes = new Set<string>()
    for (let run = 0; run < 40; run += 1) {
      const time = createTestClock({ wall: NOW * 1000 })
      const denied = denylist({ store: createMemoryDenylist({ clock: time }), clock: time, maxLifetime: 120 })
      const rules = optionsWith({ jwks: { keys: [key.publicJwk] }, checks: [denied], clock: time })
      const verifiers = [createVerifier(rules), createVerifier({ ...rules, tokenCache: false })]
      const answers = async (text: string): Promise<readonly string[]> =>
        Promise.all(
          verifiers.map(async (verifier) =>
            verifier.verify(text).then(
              () => 'verified',
              ({ code }) => String(code),
            ),
          ),
        )
      const issued: string[] = []
      for (let step = 0; step < 30; step += 1) {
        const act = one(['issue', 'verify', 'verify', 'verify', 'token', 'subject', 'session', 'wait'])
        if (act === 'issue' || issued.length === 0) {
          const iat = Math.floor(time.now() / 1000)
          const names = { sub: one(people), sid: one(['s1', 's2', 's3']), jti: `${run}-${step}` }
          issued.push(await key.sign(accessClaims({ ...names, iat, exp: iat + one([20, 120]) })))
        } else if (act === 'verify') {
          const [remembering, forgetful] = await answers(one(issued))
          expect(remembering).toBe(forgetful)
          codes.add(String(remembering))
        } else if (act === 'token') {
          await verifiers[0]?.verify(one(issued)).then(denied.denyToken, () => {})
        } else if (act === 'subject') await denied.denySubject(ISSUER, one(people))
        else if (act === 'session') await denied.denySession(ISSUER, one(['s1', 's2', 's3']))
        else time.advance(one([1000, 7000, 40_000]))
      }
    }
    expect([...codes].toSorted()).toEqual(['token_expired', 'token_refused', 'verified'])
  })
})
