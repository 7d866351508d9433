import { describe, expect, it } from 'vitest'

import type { VerifierEvent } from '../../../../packages/core/src/model/events.ts'
import { createVerifier } from '../../../../packages/core/src/pipeline/verifier.ts'
import { discoveredKeySet, type DiscoveredKeySetOptions } from '../../../../packages/core/src/keys/remote/discovery.ts'
import { remoteKeySet } from '../../../../packages/core/src/keys/remote/key-set.ts'
import { publicJwk } from '../../../support/core/test-jwks.ts'
import { fakeEndpoint, json, status, type Answer } from '../../../support/core/fake-endpoint.ts'
import { manualClock } from '../../../support/core/manual-clock.ts'

const ISSUER = 'https://issuer.example'
const SECRET = 's3cr3t-value'
const headers = { 'X-Api-Key': SECRET, authorization: 'Basic YTpi' }
const keys = { keys: [await publicJwk({ kid: 'a' })] }

const failed = async (outcome: Promise<unknown>): Promise<unknown> => outcome.catch((error: unknown) => error)

describe('configured header fields', () => {
  it('are sent for a JWK Set, also to a custom fetch', async () => {
    const clock = manualClock()
    const endpoint = fakeEndpoint(clock, json(keys))
    await remoteKeySet(`${ISSUER}/keys`, { fetch: endpoint.fetch, clock, headers }).ready()
    expect(endpoint.requests[0]?.headers).toMatchObject({ 'x-api-key': SECRET, authorization: 'Basic YTpi' })
  })

  it.each<[string, string, DiscoveredKeySetOptions, boolean]>([
    ['the origin of the issuer', `${ISSUER}/keys`, {}, true],
    ['another port of its host', `${ISSUER}:8443/keys`, {}, false],
    ['an allowed host', 'https://keys.example/keys', { allowedKeyHosts: ['keys.example'] }, true],
  ])('are sent for metadata, and to keys on %s: %s', async (_, uri, options, isSent) => {
    const clock = manualClock()
    const endpoint = fakeEndpoint(clock, async (request, init) =>
      (request.url === uri ? json(keys) : json({ issuer: ISSUER, jwks_uri: uri }))(request, init),
    )
    await discoveredKeySet(ISSUER, { fetch: endpoint.fetch, clock, headers, ...options }).ready()
    const sent = endpoint.requests.map((request) => request.headers['x-api-key'] === SECRET)
    expect(sent).toEqual([true, isSent])
  })

  it.each<[string, Answer]>([
    ['the endpoint refuses them', status(403)],
    ['a custom fetch quotes them', async () => Promise.reject(new Error(`sent ${SECRET} in vain`))],
  ])('are in no event, description and error if %s', async (_, answer) => {
    const clock = manualClock()
    const events: VerifierEvent[] = []
    const { fetch } = fakeEndpoint(clock, answer)
    const onEvent = (event: VerifierEvent): void => void events.push(event)
    const set = remoteKeySet(`${ISSUER}/keys`, { fetch, clock, headers, onEvent })
    const error = await failed(set.ready())
    const cause = error instanceof Error ? error.cause : undefined
    const inner = cause instanceof Error ? cause.cause : undefined
    const texts = [String(error), String(cause), String(inner), set.describe(), JSON.stringify([events, error, cause])]
    expect(String(error)).toContain('issuer.example')
    expect(texts.join()).not.toContain(SECRET)
    expect(events).not.toEqual([])
  })

  it.each([401, 403])('are named in the message for status %d', async (code) => {
    const clock = manualClock()
    const { fetch } = fakeEndpoint(clock, status(code))
    for (const set of [remoteKeySet(`${ISSUER}/keys`, { fetch, clock }), discoveredKeySet(ISSUER, { fetch, clock })])
      expect(String(await failed(set.ready()))).toContain('keySet.headers can send them')
  })

  it.each<[string, unknown, string]>([
    ['a text', SECRET, '"keySet.headers" must be an object'],
    ['a list', [['x-api-key', SECRET]], '"keySet.headers" must be an object'],
    ['a name with its value', { [`x-api-key: ${SECRET}`]: '' }, 'a name that is no header field name'],
    ['an empty value', { 'x-api-key': '' }, 'the value of "x-api-key"'],
    ['a line break', { 'x-api-key': `${SECRET}\r\nhost: b` }, 'the value of "x-api-key"'],
    ['a space at the end', { 'x-api-key': `${SECRET} ` }, 'the value of "x-api-key"'],
    ['another script', { 'x-api-key': `${SECRET}é` }, 'the value of "x-api-key"'],
    ['an undefined value', { 'x-api-key': undefined }, 'the value of "x-api-key"'],
    ['a name twice', { 'x-api-key': SECRET, 'X-Api-Key': SECRET }, '"x-api-key" twice'],
    ...['Host', 'Connection', 'Content-Length', 'Transfer-Encoding', 'Proxy-Authorization', 'If-None-Match'].map(
      (name): [string, unknown, string] => [name, { [name]: SECRET }, `must not set "${name.toLowerCase()}"`],
    ),
  ])('are rejected at start-up if they are %s', (_, given, message) => {
    const keySet = { headers: given as Record<string, string> }
    const start = (): unknown => createVerifier({ issuer: ISSUER, audience: 'api', keySet })
    expect(start).toThrow(message)
    expect(start).not.toThrow(SECRET)
  })
})
