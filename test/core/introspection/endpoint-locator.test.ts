import { createTestClock } from '@claimgate/testing'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { clientSecretBasic, tlsClient } from '../../../packages/core/src/introspection/client.ts'
import { endpointLocator } from '../../../packages/core/src/introspection/endpoint.ts'

const ISSUER = 'https://auth.example.com'
const ENDPOINT = `${ISSUER}/introspect`
const METADATA = { issuer: ISSUER, introspection_endpoint: ENDPOINT }

function createLocator(changes: object = {}, metadata: () => unknown = () => METADATA) {
  const clock = createTestClock()
  const state = { fetches: 0, metadata }
  const fetch = async (): Promise<Response> => {
    state.fetches += 1
    return Response.json(state.metadata())
  }
  const options = {
    issuer: ISSUER,
    endpoint: undefined,
    client: clientSecretBasic('api', 'secret'),
    allowHttpHosts: [],
    fetch,
    clock,
    timeout: 2,
    onEvent: undefined,
    ...changes,
  }
  return { clock, state, locator: endpointLocator(options as never, fetch as never) }
}

const fail = (): never => {
  throw new TypeError('down')
}

describe('43. The metadata of the endpoint', () => {
  it.each([
    ['is shared', 'Node.js/24', 1],
    ['is not shared in Workers', 'Cloudflare-Workers', 3],
  ])('is fetched by requests at the same time, and the fetch %s', async (_, userAgent, fetches) => {
    vi.stubGlobal('navigator', { userAgent })
    onTestFinished(() => void vi.unstubAllGlobals())
    const { locator, state } = createLocator()
    const found = await Promise.all([locator.locate(2000), locator.locate(2000), locator.locate(2000)])
    expect([found.map(({ href }) => href), state.fetches]).toEqual([[ENDPOINT, ENDPOINT, ENDPOINT], fetches])
  })

  it('is fetched again after a shared fetch has failed', async () => {
    const { locator, state } = createLocator({}, fail)
    const failed = await Promise.allSettled([locator.locate(2000), locator.locate(2000)])
    expect([failed.map(({ status }) => status), state.fetches]).toEqual([['rejected', 'rejected'], 1])
    state.metadata = () => METADATA
    expect((await locator.locate(2000)).href).toBe(ENDPOINT)
    expect(state.fetches).toBe(2)
  })

  it('is not fetched to the end, nor again, once the verifier is closed', async () => {
    const { locator } = createLocator({}, () => METADATA)
    const located = locator.locate(2000)
    locator.close()
    await expect(located).rejects.toMatchObject({ reason: 'network' })
    await expect(locator.locate(2000)).rejects.toMatchObject({ reason: 'network' })
    expect(locator.isKnown()).toBe(false)
  })
})

describe('43. The address of the endpoint', () => {
  it('that is given is known, and called by its address without query', async () => {
    const { locator, state } = createLocator({ endpoint: new URL(`${ENDPOINT}?tenant=1`) })
    locator.failed()
    expect([locator.name, locator.isKnown(), (await locator.locate(1)).href, state.fetches]).toEqual([
      ENDPOINT,
      true,
      `${ENDPOINT}?tenant=1`,
      0,
    ])
  })

  it('is asked for as JSON', async () => {
    const accepted: unknown[] = []
    const fetch = async (_url: string, { headers }: { readonly headers: object }): Promise<Response> => {
      accepted.push({ ...headers })
      return Response.json(METADATA)
    }
    const options = { issuer: ISSUER, client: tlsClient('api'), allowHttpHosts: [], fetch, clock: createTestClock() }
    await endpointLocator({ ...options, timeout: 2 } as never, fetch as never).locate(2000)
    expect(accepted).toEqual([expect.objectContaining({ accept: 'application/json' })])
  })

  it('that comes from metadata is current for ten minutes', async () => {
    const { locator, state, clock } = createLocator()
    expect([locator.name, locator.isKnown()]).toEqual([ISSUER, false])
    expect((await locator.locate(2000)).href).toBe(ENDPOINT)
    expect(locator.isKnown()).toBe(true)
    clock.advance(599_999)
    await locator.locate(2000)
    expect(state.fetches).toBe(1)
    clock.advance(1)
    await locator.locate(2000)
    expect(state.fetches).toBe(2)
  })

  it('is looked up again 30 s after the endpoint has failed, and not later than before', async () => {
    const { locator, state, clock } = createLocator()
    locator.failed()
    expect(locator.isKnown()).toBe(false)
    await locator.locate(2000)
    locator.failed()
    clock.advance(20_000)
    locator.failed()
    clock.advance(9999)
    await locator.locate(2000)
    expect(state.fetches).toBe(1)
    clock.advance(1)
    await locator.locate(2000)
    expect(state.fetches).toBe(2)
  })

  it('is kept for 30 s each time that metadata cannot be fetched', async () => {
    const { locator, state, clock } = createLocator()
    await locator.locate(2000)
    clock.advance(600_000)
    state.metadata = fail
    expect((await locator.locate(2000)).href).toBe(ENDPOINT)
    const { fetches } = state
    clock.advance(29_999)
    expect((await locator.locate(2000)).href).toBe(ENDPOINT)
    expect(state.fetches).toBe(fetches)
    clock.advance(1)
    await locator.locate(2000)
    expect(state.fetches).toBeGreaterThan(fetches)
  })

  it.each<readonly [string, object, string]>([
    ['names another issuer', { ...METADATA, issuer: 'https://other.example' }, 'issuer_mismatch'],
    ['names another host', { ...METADATA, introspection_endpoint: 'https://other.example/i' }, 'uri_not_allowed'],
  ])('is not kept if metadata %s', async (_, metadata, reason) => {
    const { locator, state, clock } = createLocator()
    await locator.locate(2000)
    clock.advance(600_000)
    state.metadata = () => metadata
    await expect(locator.locate(2000)).rejects.toMatchObject({ reason })
  })

  it.each<readonly [string, unknown, string]>([
    ['is missing', undefined, 'The metadata has no "introspection_endpoint" that is a URL: give the "endpoint"'],
    ['is no URL', 'introspect', 'The metadata has no "introspection_endpoint" that is a URL: give the "endpoint"'],
    [
      'is on another host',
      'https://other.example:8443/i?secret',
      'The "introspection_endpoint" of the metadata is on "https://other.example:8443": give it as "endpoint" if it is to be trusted',
    ],
    [
      'is plain http',
      'http://auth.example.com/i',
      'The "introspection_endpoint" of the metadata, on "http://auth.example.com", must be https',
    ],
  ])('is refused if it %s', async (_, introspection_endpoint, message) => {
    const { locator } = createLocator({}, () => ({ issuer: ISSUER, introspection_endpoint }))
    const error: unknown = await locator.locate(2000).catch((thrown: unknown) => thrown)
    expect((error as Error).message).toContain(message)
    expect(error).toMatchObject({ reason: message.includes('that is a URL') ? 'malformed' : 'uri_not_allowed' })
    expect(locator.isKnown()).toBe(false)
  })

  it('is the alias for clients with a certificate, and only for them', async () => {
    const alias = { introspection_endpoint: `${ISSUER}/tls` }
    const hrefOf = async (client: object, aliases: unknown): Promise<string> => {
      const { locator } = createLocator({ client }, () => ({ ...METADATA, mtls_endpoint_aliases: aliases }))
      return (await locator.locate(2000)).href
    }
    expect(await hrefOf(tlsClient('api'), alias)).toBe(`${ISSUER}/tls`)
    expect(await hrefOf(clientSecretBasic('api', 's'), alias)).toBe(ENDPOINT)
    for (const none of [undefined, null, 'x', [alias], {}]) expect(await hrefOf(tlsClient('api'), none)).toBe(ENDPOINT)
  })

  it.each<readonly [string, object, string]>([
    ['a name as issuer', { issuer: 'orders' }, 'the issuer must be a URL; else give the "endpoint", found "orders"'],
    ['no issuer', { issuer: null }, 'the issuer must be a URL; else give the "endpoint", found null'],
    ['an issuer with a query', { issuer: `${ISSUER}?a` }, 'the address of the issuer must not have a query'],
    ['an issuer with plain http', { issuer: 'http://auth.example.com' }, 'the address of the issuer must be https'],
    ['a plain endpoint', { endpoint: 'http://a.example/i' }, 'the address of the "endpoint" must be https'],
  ])('cannot be found with %s', (_, changes, message) => {
    expect(() => createLocator(changes)).toThrow(`Cannot create introspection verifier: ${message}`)
  })

  it('may be plain http on the hosts that are allowed', async () => {
    const { locator } = createLocator({ endpoint: 'http://auth.internal/i', allowHttpHosts: ['auth.internal'] })
    expect((await locator.locate(1)).href).toBe('http://auth.internal/i')
  })
})
