import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import { describe, expect, it, onTestFinished } from 'vitest'

import { undiciFetch } from '../../../../packages/core/src/platform/default-fetch.node.ts'
import { publicJwk } from '../../../support/core/test-jwks.ts'
import { createMemoryJwkSetStore, type RemoteKeySetOptions } from '../../../../packages/core/src/keys/remote/options.ts'
import { remoteKeySet } from '../../../../packages/core/src/keys/remote/key-set.ts'
import { fakeEndpoint, json, status, type Answer } from '../../../support/core/fake-endpoint.ts'
import { manualClock } from '../../../support/core/manual-clock.ts'

const URI = 'https://issuer.example/keys'
const [a, b] = await Promise.all(['a', 'b'].map(async (kid) => publicJwk({ kid })))
const POISON = 'bad\r\nx: y'

function setUp(answer: Answer, options: RemoteKeySetOptions = {}) {
  const clock = manualClock()
  const endpoint = fakeEndpoint(clock, answer)
  const keys = remoteKeySet(URI, { fetch: endpoint.fetch, clock, random: () => 0.5, ...options })
  const verifies = async (kid: string): Promise<boolean> =>
    keys.resolve({ alg: 'ES256', kid }).then(
      () => true,
      () => false,
    )
  const sent = () => endpoint.requests.map(({ headers }) => headers['if-none-match'])
  return { clock, endpoint, keys, verifies, sent }
}

const seed = {
  uri: URI,
  jwks: { keys: [a].filter((key) => key !== undefined) },
  fetchedAt: 1_800_000_000_000 - 700_000,
}

describe('an invalid entity tag', () => {
  it('from a seed is not sent', async () => {
    const { verifies, sent } = setUp(json({ keys: [a, b] }), { seed: { ...seed, etag: POISON } })
    expect(await verifies('b')).toBe(true)
    expect(sent()).toEqual([undefined])
  })

  it('from a store is not sent', async () => {
    const store = createMemoryJwkSetStore()
    await store.set(URI, { ...seed, etag: POISON })
    const { verifies, sent } = setUp(json({ keys: [a, b] }), { store })
    expect(await verifies('b')).toBe(true)
    expect(sent()).toEqual([undefined])
  })

  it.each(['unquoted', '"\t"', `"${'x'.repeat(10_000)}"`])(
    'from the server, %j, is neither sent nor stored',
    async (etag) => {
      const { verifies, sent, clock, keys } = setUp(json({ keys: [a] }, { etag }))
      await keys.ready()
      expect(keys.export()).not.toHaveProperty('etag')
      await clock.pass(700)
      expect(await verifies('a')).toBe(true)
      expect(sent()).toEqual([undefined, undefined])
    },
  )

  it('does not keep undici from refreshing the keys', async () => {
    const server = createServer((_request, response) => response.end(JSON.stringify({ keys: [a, b] })))
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    const uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`
    const poisoned = { ...seed, uri, etag: POISON, fetchedAt: Date.now() - 700_000 }
    const keys = remoteKeySet(uri, { fetch: undiciFetch(), seed: poisoned })
    await expect(keys.resolve({ alg: 'ES256', kid: 'b' })).resolves.toBeDefined()
  })
})

describe('a valid entity tag', () => {
  it('is sent again as long as it is confirmed, and is part of the seed', async () => {
    const { keys, endpoint, clock, verifies, sent } = setUp(json({ keys: [a] }, { etag: 'W/"1"' }))
    await keys.ready()
    endpoint.answer = status(304)
    for (let round = 0; round < 2; round += 1) {
      await clock.pass(700)
      expect(await verifies('a')).toBe(true)
    }
    expect(sent()).toEqual([undefined, 'W/"1"', 'W/"1"'])
    expect(keys.export()?.etag).toBe('W/"1"')
  })

  it('is dropped if a request with it fails, because it may be the cause', async () => {
    const picky: Answer = (request, init) =>
      (request.headers['if-none-match'] === undefined ? json({ keys: [a, b] }, { etag: '"2"' }) : status(500))(
        request,
        init,
      )
    const { keys, endpoint, clock, verifies, sent } = setUp(json({ keys: [a] }, { etag: '"1"' }))
    await keys.ready()
    endpoint.answer = picky
    await clock.pass(700)
    expect(await verifies('b')).toBe(false)
    await clock.pass(60)
    expect(await verifies('b')).toBe(true)
    expect(sent()).toEqual([undefined, '"1"', undefined])
    expect(keys.export()?.etag).toBe('"2"')
  })
})
