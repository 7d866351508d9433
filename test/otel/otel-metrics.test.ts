import type { VerifierEvent } from '@claimgate/core'
import { otelEvents } from '@claimgate/otel'
import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startSdk } from '../support/otel/sdk.ts'

let sdk: ReturnType<typeof startSdk>
beforeEach(() => {
  sdk = startSdk()
})
afterEach(() => sdk.close())

const URI = 'https://keys.example/jwks'
const STATUS = {
  ready: true,
  issuers: [{ issuer: 'https://a.example', ready: true, freshness: 'fresh', keys: 2, age: 60 }],
}

/** Every point of every metric after some events, by the name of the metric. */
async function pointsAfter(...events: readonly VerifierEvent[]): Promise<unknown> {
  const listener = otelEvents({ meterProvider: sdk.meterProvider, tracerProvider: sdk.tracerProvider })
  for (const event of events) listener(event)
  const metrics = (await sdk.collected()).filter(({ dataPoints }) => dataPoints.length > 0)
  const named = metrics.map(async ({ descriptor: { name } }) => {
    const points = await sdk.points(name)
    return [name, points.map(({ attributes, value, sum }) => [attributes, sum ?? value])]
  })
  return Object.fromEntries(await Promise.all(named)) as unknown
}

describe('the metrics', () => {
  it('have the names, units and buckets that are documented', async () => {
    const listener = otelEvents({ meterProvider: sdk.meterProvider, tracerProvider: sdk.tracerProvider })
    listener.observe({ status: () => STATUS as never, now: () => 1_800_000_000_000 })
    const events: VerifierEvent[] = [
      { type: 'token.verified', duration: 1, cached: true },
      { type: 'fetch.ended', uri: URI, method: 'GET', duration: 1, status: 200 },
      { type: 'keys.refreshed', uri: URI } as never,
      { type: 'introspection.failed', uri: URI, reason: 'network' } as never,
    ]
    for (const event of events) listener(event)
    const described = (await sdk.collected()).map(({ descriptor: { name, unit, description } }) => [
      name,
      unit,
      description,
    ])
    expect(described).toEqual([
      ['claimgate.token.verification.duration', 's', 'Duration of the verifications of tokens'],
      ['http.client.request.duration', 's', 'Duration of HTTP client requests'],
      ['claimgate.keys.refreshes', '{refresh}', 'Attempts to refresh keys or metadata'],
      ['claimgate.introspection.failures', '{failure}', 'Questions about a token without a usable answer'],
      ['claimgate.keys.age', 's', 'Time since the keys were fetched or confirmed'],
      ['claimgate.keys.last_success', 's', 'Unix time at which the keys were fetched or confirmed'],
      ['claimgate.keys.count', '{key}', 'Usable keys'],
      ['claimgate.keys.ready', '1', '1 if there are keys that may be used, 0 otherwise'],
    ])
    const boundaries = async (name: string): Promise<unknown> => (await sdk.points(name))[0]?.boundaries
    expect(await boundaries('claimgate.token.verification.duration')).toEqual([
      0.000_01, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10,
    ])
    expect(await boundaries('http.client.request.duration')).toEqual([
      0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
    ])
  })

  it('show keys by issuer, also of any issuer, and without keys', async () => {
    const listener = otelEvents({ meterProvider: sdk.meterProvider })
    const issuers = [...STATUS.issuers, { ready: false, freshness: 'none' }]
    listener.observe({ status: () => ({ ready: false, issuers }) as never, now: () => 1_800_000_000_000 })
    const values = async (name: string): Promise<unknown> =>
      (await sdk.points(`claimgate.keys.${name}`)).map(({ attributes, value }) => [
        attributes['claimgate.issuer'],
        value,
      ])
    expect(await values('ready')).toEqual([
      ['https://a.example', 1],
      ['any', 0],
    ])
    expect(await values('age')).toEqual([['https://a.example', 60]])
    expect(await values('count')).toEqual([['https://a.example', 2]])
    expect(await values('last_success')).toEqual([['https://a.example', 1_799_999_940]])
  })

  it('belong to the scope of the package', async () => {
    const scopes: unknown[] = []
    const getMeter = (...scope: readonly [string, string?]) => {
      scopes.push(scope)
      return sdk.meterProvider.getMeter(...scope)
    }
    const getTracer = (...scope: readonly [string, string?]) => {
      scopes.push(scope)
      return sdk.tracerProvider.getTracer(...scope)
    }
    const listener = otelEvents({ meterProvider: { getMeter }, tracerProvider: { getTracer } })
    listener({ type: 'fetch.ended', uri: URI, method: 'GET', duration: 1, status: 200 })
    listener({ type: 'fetch.ended', uri: URI, method: 'GET', duration: 1, status: 200 })
    expect(scopes).toEqual([
      ['@claimgate/otel', '0.1.0'],
      ['@claimgate/otel', '0.1.0'],
    ])
  })
})

describe('the points of an event', () => {
  it.each<readonly [VerifierEvent, unknown]>([
    [
      { type: 'token.verified', duration: 2000, cached: false },
      {
        'claimgate.token.verification.duration': [
          [{ 'claimgate.token.result': 'accepted', 'claimgate.token.cached': false }, 2],
        ],
      },
    ],
    [
      { type: 'token.rejected', duration: 500, code: 'token_expired' },
      {
        'claimgate.token.verification.duration': [
          [{ 'claimgate.token.result': 'refused', 'error.type': 'token_expired' }, 0.5],
        ],
      },
    ],
    [
      { type: 'token.rejected', duration: 500, code: 'check_unavailable' },
      {
        'claimgate.token.verification.duration': [
          [{ 'claimgate.token.result': 'unavailable', 'error.type': 'check_unavailable' }, 0.5],
        ],
      },
    ],
    [
      { type: 'token.failed', duration: 500 },
      {
        'claimgate.token.verification.duration': [
          [{ 'claimgate.token.result': 'failed', 'error.type': '_OTHER' }, 0.5],
        ],
      },
    ],
    [
      { type: 'keys.stale', uri: URI, reason: 'timeout', retryAfter: 1 } as never,
      { 'claimgate.keys.refreshes': [[{ 'server.address': 'keys.example', 'error.type': 'timeout' }, 1]] },
    ],
    [
      { type: 'keys.unavailable', uri: 'no address', reason: 'network', retryAfter: 1 },
      { 'claimgate.keys.refreshes': [[{ 'server.address': 'no address', 'error.type': 'network' }, 1]] },
    ],
    [
      { type: 'introspection.failed', uri: URI, reason: 'network' } as never,
      { 'claimgate.introspection.failures': [[{ 'server.address': 'keys.example', 'error.type': 'network' }, 1]] },
    ],
    [{ type: 'verifier.recreated', count: 10 }, {}],
  ])('%j', async (event, expected) => {
    expect(await pointsAfter(event)).toEqual(expected)
  })

  it.each<readonly [string, object, object]>([
    ['https://a.example/x', { status: 200 }, { 'server.port': 443, 'http.response.status_code': 200 }],
    ['http://a.example/x', { status: 200 }, { 'server.port': 80, 'http.response.status_code': 200 }],
    ['http://a.example:8080/x', { status: 200 }, { 'server.port': 8080, 'http.response.status_code': 200 }],
    [
      'https://a.example/x',
      { status: 503, reason: 'status' },
      { 'server.port': 443, 'http.response.status_code': 503, 'error.type': '503' },
    ],
    [
      'https://a.example/x',
      { status: 200, reason: 'format' },
      { 'server.port': 443, 'http.response.status_code': 200, 'error.type': 'format' },
    ],
    ['https://a.example/x', { reason: 'status' }, { 'server.port': 443, 'error.type': 'status' }],
    ['https://a.example/x', { reason: 'network' }, { 'server.port': 443, 'error.type': 'network' }],
  ])('that a fetch of %s has ended, with %j', async (uri, result, attributes) => {
    const event = { type: 'fetch.ended', uri, method: 'POST', duration: 250, ...result } as VerifierEvent
    const expected = { 'http.request.method': 'POST', 'server.address': 'a.example', ...attributes }
    expect(await pointsAfter(event)).toEqual({ 'http.client.request.duration': [[expected, 0.25]] })
    const [span] = sdk.spans()
    expect(span).toMatchObject({ name: 'POST', kind: SpanKind.CLIENT })
    expect(span?.attributes).toEqual({ ...expected, 'url.full': uri })
    expect(span?.status.code).toBe('reason' in result ? SpanStatusCode.ERROR : SpanStatusCode.UNSET)
    expect(span?.duration).toEqual([0, 250_000_000])
  })

  it('with the 100th host has its name, and further hosts have none, nor a port', async () => {
    const events = Array.from({ length: 102 }, (_, index): VerifierEvent => {
      const uri = `https://h${index}.example/`
      return { type: 'fetch.ended', uri, method: 'GET', duration: 1, status: 200 }
    })
    await pointsAfter(...events, { ...events[0] } as VerifierEvent)
    const points = await sdk.points('http.client.request.duration')
    expect(points).toHaveLength(101)
    expect(points[0]).toMatchObject({ attributes: { 'server.address': 'h0.example' }, value: 2 })
    expect(points[99]?.attributes['server.address']).toBe('h99.example')
    expect(points[100]).toMatchObject({ value: 2 })
    expect(points[100]?.attributes).toEqual({
      'http.request.method': 'GET',
      'server.address': '_OTHER',
      'http.response.status_code': 200,
    })
    expect(sdk.spans().at(101)?.attributes).toMatchObject({ 'server.address': 'h101.example', 'server.port': 443 })
  })
})

describe('an observed verifier', () => {
  it('is asked once for each collection, until it is told to stop', async () => {
    let asked = 0
    const listener = otelEvents({ meterProvider: sdk.meterProvider })
    const status = () => {
      asked += 1
      return STATUS as never
    }
    const stop = listener.observe({ status })
    await sdk.collected()
    expect(asked).toBe(1)
    listener({ type: 'token.failed', duration: 1 })
    const second = listener.observe({ status })
    await sdk.collected()
    expect(asked).toBe(3)
    stop()
    await sdk.collected()
    expect(asked).toBe(4)
    second()
    await sdk.collected()
    expect(asked).toBe(4)
  })

  it('needs a status', () => {
    expect(() => otelEvents().observe({ status: true } as never)).toThrow(
      'Cannot observe verifier: pass a verifier with status(), such as authenticateJwt().verifier',
    )
  })
})
