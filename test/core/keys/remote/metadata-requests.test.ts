import { describe, expect, it } from 'vitest'

import type { VerifierEvent } from '../../../../packages/core/src/model/events.ts'
import {
  discoveredKeySet,
  type DiscoveredKeySetOptions,
  firstMetadata,
} from '../../../../packages/core/src/keys/remote/discovery.ts'
import { fakeEndpoint, json, status, type Answer } from '../../../support/core/fake-endpoint.ts'
import { manualClock } from '../../../support/core/manual-clock.ts'
import { publicJwk } from '../../../support/core/test-jwks.ts'

const ISSUER = 'https://issuer.example/tenant'
const OIDC = `${ISSUER}/.well-known/openid-configuration`
const OAUTH = 'https://issuer.example/.well-known/oauth-authorization-server/tenant'
const OIDC_INSERTED = 'https://issuer.example/.well-known/openid-configuration/tenant'
const KEYS = 'https://issuer.example/keys'
const metadata = json({ issuer: ISSUER, jwks_uri: KEYS })
const [a, b] = await Promise.all(['a', 'b'].map(async (kid) => publicJwk({ kid })))

function setUp(answers: Record<string, Answer>, options: DiscoveredKeySetOptions = {}) {
  const clock = manualClock()
  const endpoint = fakeEndpoint(clock, (request, init) => (answers[request.url] ?? status(404))(request, init))
  const events: VerifierEvent[] = []
  const onEvent = (event: VerifierEvent): void => void events.push(event)
  const keys = discoveredKeySet(ISSUER, { fetch: endpoint.fetch, clock, random: () => 0, onEvent, ...options })
  const ask = async (kid: string): Promise<string> =>
    keys.resolve({ alg: 'ES256', kid }).then(
      () => 'verified',
      () => 'refused',
    )
  const times = (of: string) => endpoint.requests.filter(({ url }) => url === of).map(({ at }) => at - 1)
  return { answers, clock, keys, ask, times, events }
}

describe('metadata that is nowhere', () => {
  it.each<[string, readonly number[], number, string]>([
    ['an outage rather than a refusal', [401, 500], 500, 'The status was 500, not 200'],
    [
      'a refusal rather than an absence',
      [404, 403, 404],
      403,
      'The status was 403, not 200 (if it wants credentials, keySet.headers can send them)',
    ],
    ['a redirect rather than an absence', [404, 302, 404], 302, 'Redirects are not followed (status 302)'],
    ['the last absence', [404, 405, 410], 410, 'The status was 410, not 200'],
  ])('is reported with %s', async (_, answers, told, message) => {
    const places = [OIDC, OAUTH, OIDC_INSERTED]
    const { keys } = setUp(Object.fromEntries(answers.map((code, index) => [places[index], status(code)])))
    const listed = answers.map((code, index) => `${places[index]} (${code})`).join(', ')
    await expect(keys.ready()).rejects.toMatchObject({
      cause: { status: told, message: `No metadata from ${listed}: ${message}` },
    })
  })

  it('at a configured address is reported with its status', async () => {
    const { keys } = setUp({}, { metadataUri: `${ISSUER}/about` })
    await expect(keys.ready()).rejects.toMatchObject({
      cause: { status: 404, message: `No metadata from ${ISSUER}/about: The status was 404, not 200` },
    })
  })

  it('is not what an abort is reported as', async () => {
    const gone = new DOMException('gone', 'AbortError')
    const asked: string[] = []
    const found = firstMetadata([new URL(OIDC), new URL(OAUTH)], 1000, async ({ href }) => {
      asked.push(href)
      throw gone
    })
    await expect(found).rejects.toBe(gone)
    expect(asked).toEqual([OIDC])
  })
})

describe('fresh metadata', () => {
  it('is requested at most twice in two cool-downs while its keys fail', async () => {
    const { answers, ask, clock, times } = setUp({
      [OIDC]: metadata,
      [KEYS]: json({ keys: [a] }, { 'cache-control': 'max-age=60' }),
    })
    await ask('a')
    answers[KEYS] = status(500)
    await clock.pass(61)
    for (let second = 61; second < 66; second += 1) {
      expect(await ask('a')).toBe('verified')
      await clock.pass(1)
    }
    expect(times(KEYS)).toEqual([0, 61, 62, 63, 64, 65])
    expect(times(OIDC)).toEqual([0, 62, 63])
  })

  it('that fails is reported with the time of the next request', async () => {
    const { answers, ask, clock, events } = setUp({ [OIDC]: metadata, [KEYS]: json({ keys: [a] }) })
    await ask('a')
    answers[OIDC] = status(500)
    answers[KEYS] = json({ keys: [a, b] })
    await clock.pass(31)
    expect(await ask('b')).toBe('verified')
    expect(events.filter(({ type }) => type === 'keys.stale')).toEqual([
      { type: 'keys.stale', uri: OIDC, age: 31, reason: 'status', retryAfter: 29 },
    ])
  })
})
