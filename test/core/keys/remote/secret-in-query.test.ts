import { describe, expect, it } from 'vitest'

import type { VerifierEvent } from '../../../../packages/core/src/model/events.ts'
import { optionsFromEnv } from '../../../../packages/core/src/pipeline/environment.ts'
import { createVerifier } from '../../../../packages/core/src/pipeline/verifier.ts'
import { publicJwk } from '../../../support/core/test-jwks.ts'
import { fakeEndpoint, json, status, type Answer } from '../../../support/core/fake-endpoint.ts'
import { manualClock } from '../../../support/core/manual-clock.ts'
import { remoteKeySet } from '../../../../packages/core/src/keys/remote/key-set.ts'

const SECRET = 's3cr3t'
const URI = `https://issuer.example/keys?api_key=${SECRET}`
const PRINTED = 'https://issuer.example/keys?api_key=…'
const good = await publicJwk({ kid: 'a' })
const keys = { keys: [good, { kty: 'new' }] }

/** Everything in an error and its causes. */
function told(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return `${error.stack} ${JSON.stringify(error)} ${'cause' in error ? told(error.cause) : ''}`
}

const thrown = (make: () => unknown): string => {
  try {
    make()
  } catch (error) {
    return told(error)
  }
  throw new Error('nothing was thrown')
}

describe('a secret in the query of jwksUri', () => {
  it.each<[string, Answer]>([
    ['is refused', status(401)],
    ['is down', async () => Promise.reject(new TypeError(`cannot reach ${URI}`))],
    ['redirects', () => new Response(null, { status: 302, headers: { location: `/login?from=${SECRET}` } })],
    ['has no key', json({ keys: [] })],
    ['holds garbage', () => new Response('garbage')],
    ['hangs', async () => new Promise<never>(() => undefined)],
  ])('is in no event, description and error if the endpoint %s', async (_, answer) => {
    const events: VerifierEvent[] = []
    const clock = manualClock()
    let current: Answer = answer
    const endpoint = fakeEndpoint(clock, async (...request) => current(...request))
    const set = remoteKeySet(URI, {
      fetch: endpoint.fetch,
      clock,
      random: () => 1,
      onEvent: (event) => events.push(event),
    })
    const resolve = async (kid: string): Promise<string> => {
      const outcome = set.resolve({ alg: 'ES256', kid }).then(() => 'verified', told)
      for (let second = 0; second < 7; second += 1) await clock.pass(1)
      return outcome
    }
    const texts = [await resolve('a'), set.describe()]
    expect(texts.join()).toContain(PRINTED)
    current = json(keys)
    await clock.pass(120)
    texts.push(await resolve('a'), set.describe(), await resolve('b'))
    current = answer
    await clock.pass(700)
    texts.push(await resolve('b'), set.describe(), JSON.stringify(events))
    expect(new Set(events.map(({ type }) => type))).toEqual(
      new Set(['keys.unavailable', 'key.skipped', 'keys.refreshed', 'keys.stale', 'fetch.ended']),
    )
    expect(events.map((event) => 'uri' in event && event.uri)).toEqual(events.map(() => PRINTED))
    expect(texts.join()).not.toContain(SECRET)
    // The store's key distinguishes two URLs.
    expect(set.export()?.uri).toBe(URI)
    set.close()
  })

  it.each<[string, () => unknown]>([
    ['an address without a scheme', () => remoteKeySet(`issuer.example/keys?api_key=${SECRET}`)],
    ['an address with a fragment', () => remoteKeySet(`${URI}#top`)],
    ['a seed of another address', () => remoteKeySet(URI, { seed: { uri: `${URI}2`, jwks: keys, fetchedAt: 0 } })],
    [
      'an option that is not a URL',
      () => createVerifier({ issuer: 'a', audience: 'b', jwksUri: `issuer.example?api_key=${SECRET}` }),
    ],
    ...['issuer.example/?api_key=', '"https://issuer.example/?api_key=', `${URI} https://issuer.example/?api_key=`].map(
      (text): [string, () => unknown] => [
        `the variable ${text.slice(0, 12)}…`,
        () => optionsFromEnv({ JWT_ISSUER: 'a', JWT_AUDIENCE: 'b', JWT_JWKS_URI: `${text}${SECRET}` }),
      ],
    ),
  ])('is in no message about %s', (_, make) => {
    const text = thrown(make)
    expect(text).toContain('issuer.example')
    expect(text).not.toContain(SECRET)
  })
})
