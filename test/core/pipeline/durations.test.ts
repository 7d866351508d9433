import { describe, expect, it } from 'vitest'
import type { VerifierEvent } from '../../../packages/core/src/model/events.ts'
import { createVerifier } from '../../../packages/core/src/pipeline/verifier.ts'
import { accessClaims, createSigningKey, ISSUER, NOW, verifierOptions } from '../../support/core/jose-tokens.ts'
import { manualClock, type ManualClock } from '../../support/core/manual-clock.ts'
import { setUp as opaque } from '../../support/introspection/still-endpoint.ts'

const key = await createSigningKey()
const token = await key.sign(accessClaims({ exp: NOW + 600 }))
const expired = await key.sign(accessClaims({ iat: NOW - 700, exp: NOW - 600 }))

function setUp(changes: object = {}) {
  const clock = manualClock()
  let reads = 0
  const counting: ManualClock = {
    ...clock,
    monotonic: () => {
      reads += 1
      return clock.monotonic()
    },
  }
  const events: VerifierEvent[] = []
  const onEvent = (event: VerifierEvent): void => void events.push(event)
  const verifier = createVerifier(verifierOptions(key, { clock: counting, onEvent, ...changes }))
  return { clock, events, verifier, reads: () => reads }
}

describe('the duration of a verification', () => {
  it('includes the checks of the application, in milliseconds', async () => {
    const { clock, events, verifier } = setUp({
      checks: [{ name: 'slow', check: async () => clock.pass(1.5) }],
    })
    await verifier.verify(token)
    expect(events).toEqual([{ type: 'token.verified', duration: expect.any(Number), cached: false }])
    expect(events[0]).toHaveProperty('duration', 1500)
  })

  it('includes the fetch of keys, whether that succeeds or not', async () => {
    for (const status of [200, 500]) {
      const { clock, events, verifier } = setUp({
        jwks: undefined,
        jwksUri: `${ISSUER}/keys`,
        fetch: async () => {
          await clock.pass(1)
          return Response.json(key.jwks, { status })
        },
      })
      await verifier.verify(token).catch(() => {})
      expect(events.at(-1)).toEqual(
        status === 200
          ? { type: 'token.verified', duration: 1000, cached: false }
          : { type: 'token.rejected', code: 'keys_unavailable', duration: 1000 },
      )
      expect(events).toContainEqual(
        expect.objectContaining({ type: 'fetch.ended', uri: `${ISSUER}/keys`, status, duration: 1000 }),
      )
    }
  })

  it('is reported for refusals before and after the first wait', async () => {
    const { events, verifier } = setUp()
    await verifier.verify('x').catch(() => {})
    await verifier.verify(expired).catch(() => {})
    expect(events).toEqual([
      { type: 'token.rejected', code: 'token_malformed', duration: 0 },
      { type: 'token.rejected', code: 'token_expired', duration: 0 },
    ])
  })

  it('is reported for what neither accepts nor refuses, before and after the first wait, without the error', async () => {
    const failing = { resolve: async () => Promise.reject(new Error('secret')) }
    const { events, verifier } = setUp({ jwks: undefined, keys: failing })
    await expect(verifier.verify(token)).rejects.toThrow('secret')
    await expect(verifier.verify(token, { asOf: 7 as never })).rejects.toThrow(TypeError)
    expect(events).toEqual([
      { type: 'token.failed', duration: 0 },
      { type: 'token.failed', duration: 0 },
    ])
  })

  it('says whether the token was cached, and is measured by the monotonic clock', async () => {
    const { clock, events, verifier } = setUp()
    await verifier.verify(token)
    clock.stepWall(-100)
    await verifier.verify(token)
    expect(events).toEqual([
      { type: 'token.verified', duration: 0, cached: false },
      { type: 'token.verified', duration: 0, cached: true },
    ])
    const without = setUp({ tokenCache: false })
    await without.verifier.verify(token)
    await without.verifier.verify(token)
    expect(without.events).toMatchObject([{ cached: false }, { cached: false }])
  })

  it('costs nothing without a listener: a cached token reads the clock once, for its age', async () => {
    const { verifier, reads } = setUp({ onEvent: undefined })
    await verifier.verify(token)
    const before = reads()
    await verifier.verify(token)
    expect(reads() - before).toBe(1)
    const refused = reads()
    await verifier.verify('x').catch(() => {})
    expect(reads()).toBe(refused)
  })

  it('of an opaque token includes the answer of the authorization server', async () => {
    const { clock, events, endpoint, verifier } = opaque()
    const answer = endpoint.reply
    endpoint.reply = async (asked) => {
      await clock.pass(0.7)
      return answer(asked)
    }
    for (const name of ['good', 'good', 'bad']) await verifier.verify(name).catch(() => {})
    const asked = { type: 'fetch.ended', uri: 'https://auth.example.com/introspect', method: 'POST', duration: 700 }
    expect(events).toEqual([
      { ...asked, status: 200 },
      { type: 'token.verified', duration: 700, cached: false },
      { type: 'token.verified', duration: 0, cached: true },
      { ...asked, status: 200 },
      { type: 'token.rejected', code: 'token_refused', duration: 700 },
    ])
    expect(JSON.stringify(events)).not.toMatch(/good|bad|secret/)
  })
})
