import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

import { createVerifier, type Verifier, type VerifierEvent } from '@claimgate/core'
import { remoteKeySet } from '@claimgate/core/extend'
import { undiciFetch } from '@claimgate/core/node'
import { createTestKeys, type TestKeys } from '@claimgate/testing'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { report } from '../../../support/resilience/report.ts'
import { verdict } from '../../../support/resilience/verdict.ts'

const TENANTS = 400
const LATENCY = 100
const METADATA = '/.well-known/openid-configuration'

let tenant: TestKeys
let junk: TestKeys
beforeAll(async () => {
  tenant = await createTestKeys('ES256', { kid: 'of the tenant' })
  junk = await createTestKeys('ES256', { kid: 'junk' })
  // Loading undici is not measured.
  const host = await listen((_, response) => void response.end())
  await undiciFetch()(host.base, {
    method: 'GET',
    headers: {},
    redirect: 'manual',
    signal: AbortSignal.timeout(20_000),
  })
  await host.close()
})

/** A server on 127.0.0.1, and its maximum number of concurrent connections. */
async function listen(listener: RequestListener) {
  const server = createServer(listener)
  let open = 0
  let most = 0
  server.on('connection', (socket) => {
    open += 1
    most = Math.max(most, open)
    socket.on('close', () => (open -= 1))
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    most: () => most,
    close: async () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** The host of many tenants: each has its own metadata and keys, and every answer takes a tenth of a second until it is told to hurry. */
async function listenForTenants() {
  let latency = LATENCY
  const host = await listen(({ url = '', headers }, response) => {
    const issuer = `http://${headers.host}/${url.split('/')[1]}`
    const body = url.endsWith(METADATA) ? { issuer, jwks_uri: `${issuer}/keys` } : { keys: [tenant.publicJwk] }
    setTimeout(() => response.end(JSON.stringify(body)), latency)
  })
  return { ...host, hurry: () => void (latency = 0) }
}

describe('400 tenants on one host, cold, whose answers take a tenth of a second', () => {
  let host: Awaited<ReturnType<typeof listenForTenants>>
  beforeEach(async () => {
    host = await listenForTenants()
  })
  afterEach(async () => host.close())

  const claims = (issuer: string) => {
    const now = Math.floor(Date.now() / 1000)
    return { iss: issuer, aud: 'api', sub: 'someone', iat: now, exp: now + 300 }
  }
  const issuerOf = (index: number): string => `${host.base}/${index}`
  const start = (how: string, onEvent: (event: VerifierEvent) => void): Verifier =>
    createVerifier({
      issuers: Array.from({ length: TENANTS }, (_, index) => ({
        issuer: issuerOf(index),
        audience: 'api',
        ...(how === 'jwksUri' && { jwksUri: `${issuerOf(index)}/keys` }),
      })),
      // A new transport has a new queue.
      fetch: undiciFetch(),
      onEvent,
    })

  it.each([
    ['jwksUri', 'before'],
    ['jwksUri', 'after'],
    ['discovery', 'before'],
    ['discovery', 'after'],
  ])('29. with %s: junk tokens for all others do not block a good token that comes %s them', async (how, when) => {
    const failures: VerifierEvent[] = []
    const verifier = start(how, (event) => {
      if (event.type === 'keys.unavailable' || event.type === 'keys.stale') failures.push(event)
    })
    const tokens = await Promise.all(
      Array.from({ length: TENANTS - 1 }, async (_, index) => junk.sign(claims(issuerOf(index + 1)))),
    )
    const good = await tenant.sign(claims(issuerOf(0)))
    const ask = async (): Promise<{ readonly answer: string; readonly took: number }> => {
      const began = performance.now()
      const answer = await verdict(verifier.verify(good))
      return { answer, took: performance.now() - began }
    }
    const early = when === 'before' ? ask() : undefined
    const answers = tokens.map(async (token) => verdict(verifier.verify(token)))
    const { answer, took } = await (early ?? ask())
    report(`${how}: a good token ${when} 399 junk tokens for other tenants is verified within ${Math.round(took)} ms`)
    expect([answer, took < 3000]).toEqual(['verified', true])
    host.hurry()
    await Promise.all(answers)
    // Requests may have stopped waiting; no fetch has failed.
    await verifier.ready()
    expect(failures).toEqual([])
    expect(host.most()).toBeLessThanOrEqual(16)
    verifier.close()
  })

  it('29. nor do junk tokens that keep coming, each with another key ID', async () => {
    const verifier = start('discovery', () => undefined)
    const answers: Promise<string>[] = []
    const sendJunk = async (round: number): Promise<void> => {
      for (let index = 1; index < TENANTS; index += 1)
        answers.push(verdict(verifier.verify(await junk.sign(claims(issuerOf(index)), { kid: `${round} ${index}` }))))
    }
    await sendJunk(1)
    const began = performance.now()
    const good = verdict(verifier.verify(await tenant.sign(claims(issuerOf(0)))))
    const more = sendJunk(2)
    expect(await good).toBe('verified')
    expect(performance.now() - began).toBeLessThan(3000)
    await more
    verifier.close()
    await Promise.all(answers)
  })
})

describe('the deadline of discovery', () => {
  it('27. is shared by metadata, its other URLs and the keys', async () => {
    const asked: string[] = []
    const host = await listen(({ url = '', headers }, response) => {
      asked.push(url)
      const issuer = `http://${headers.host}/tenant`
      const isMetadata = url === '/.well-known/oauth-authorization-server/tenant'
      response.statusCode = isMetadata || url === '/tenant/keys' ? 200 : 404
      const body = isMetadata ? { issuer, jwks_uri: `${issuer}/keys` } : { keys: [tenant.publicJwk] }
      setTimeout(() => response.end(JSON.stringify(body)), 600)
    })
    const issuer = `${host.base}/tenant`
    const now = Math.floor(Date.now() / 1000)
    const token = await tenant.sign({ iss: issuer, aud: 'api', iat: now, exp: now + 300 })
    const took = async (timeout: number) => {
      const verifier = createVerifier({ issuer, audience: 'api', keySet: { timeout } })
      const began = performance.now()
      const answer = await verdict(verifier.verify(token))
      const milliseconds = performance.now() - began
      verifier.close()
      return { answer, milliseconds }
    }
    const short = await took(1)
    expect(short.answer).toBe('503 keys_unavailable')
    expect(short.milliseconds).toBeGreaterThan(900)
    expect(short.milliseconds).toBeLessThan(1900)
    expect(asked.length).toBeLessThanOrEqual(2)
    expect((await took(10)).answer).toBe('verified')
    await host.close()
  })
})

describe('connections', () => {
  it('29. are limited to sixteen per origin, or as configured for the transport', async () => {
    for (const [connections, expected] of [
      [undefined, 16],
      [3, 3],
      [30, 30],
    ] as const) {
      const host = await listen((_, response) => {
        setTimeout(() => response.end(JSON.stringify({ keys: [tenant.publicJwk] })), 50)
      })
      const fetch = undiciFetch(connections === undefined ? {} : { connections })
      const sets = Array.from({ length: 60 }, (_, index) =>
        remoteKeySet(`${host.base}/${index}`, connections === undefined ? {} : { fetch }),
      )
      await Promise.all(sets.map(async (set) => set.ready()))
      expect(host.most()).toBe(expected)
      for (const set of sets) set.close()
      await host.close()
    }
  })
})
