import { AuthError, createVerifier, type VerifierEvent } from '@claimgate/core'
import { clientSecretBasic, createIntrospectionVerifier } from '@claimgate/core/introspection'
import { authenticateJwt } from '@claimgate/express'
import { otelEvents, type OtelOptions } from '@claimgate/otel'
import { redisIntrospectionCache, redisJwkSets } from '@claimgate/redis'
import { badTokens, createTestKeys, startTestIssuer, type TestIssuer } from '@claimgate/testing'
import { context, metrics, SpanKind, SpanStatusCode, trace, type MeterProvider } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import express, { type RequestHandler } from 'express'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { manualClock } from '../support/core/manual-clock.ts'
import { active, startIntrospectionServer } from '../support/introspection/server.ts'
import { startSdk } from '../support/otel/sdk.ts'
import { LIBRARIES } from '../support/redis/clients.ts'
import { INSTALLED, startRedis } from '../support/redis/server.ts'

const AUDIENCE = 'orders-api'
const VERIFICATIONS = 'claimgate.token.verification.duration'
const REQUESTS = 'http.client.request.duration'
const REFRESHES = 'claimgate.keys.refreshes'
const SECRET_CLAIM = 'a-claim-that-must-not-be-exported'

let sdk: ReturnType<typeof startSdk>
let authority: TestIssuer
const closing: (() => unknown)[] = []

beforeEach(async () => {
  sdk = startSdk()
  authority = await startTestIssuer({ audience: AUDIENCE })
  closing.push(() => authority.close(), sdk.close)
})
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

const providers = (): OtelOptions => ({ meterProvider: sdk.meterProvider, tracerProvider: sdk.tracerProvider })
const issue = async (options: object = {}): Promise<string> =>
  authority.issuer.issue({ sub: SECRET_CLAIM, scope: 'orders:read' }, options)

function verifying(options: object = {}, telemetry = otelEvents(providers())) {
  const verifier = createVerifier({
    issuer: authority.issuer.issuer,
    audience: AUDIENCE,
    onEvent: telemetry,
    ...options,
  })
  const outcome = async (token: string): Promise<string> =>
    verifier.verify(token).then(
      () => 'accepted',
      (error: unknown) => (error instanceof AuthError ? error.code : String(error)),
    )
  return { verifier, outcome, telemetry }
}

/** Serves an API, and asks it with a token. */
async function serve(...handlers: readonly RequestHandler[]) {
  const app = express()
  for (const handler of handlers) app.use(handler)
  app.get('/', (_, response) => void response.send('in'))
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => server.close())
  const { port } = server.address() as AddressInfo
  return async (token: string): Promise<number> => {
    const { status } = await fetch(`http://127.0.0.1:${port}/`, { headers: { authorization: `Bearer ${token}` } })
    return status
  }
}

describe('metrics of verifications', () => {
  it('count accepted tokens in seconds, with and without the cache', async () => {
    const { outcome } = verifying()
    const token = await issue()
    for (const _ of [1, 2, 3]) expect(await outcome(token)).toBe('accepted')
    const points = await sdk.points(VERIFICATIONS)
    expect(points.map(({ attributes, value }) => [attributes, value])).toEqual([
      [{ 'claimgate.token.result': 'accepted', 'claimgate.token.cached': false }, 1],
      [{ 'claimgate.token.result': 'accepted', 'claimgate.token.cached': true }, 2],
    ])
    const [first, cached] = points
    expect(first?.sum).toBeGreaterThan(cached?.sum ?? 0)
    expect(first?.sum).toBeLessThan(5)
    expect(first?.boundaries?.[0]).toBe(0.000_01)
    const [metric] = (await sdk.collected()).filter(({ descriptor }) => descriptor.name === VERIFICATIONS)
    expect(metric?.descriptor.unit).toBe('s')
  })

  it('have the code of each refusal as error.type, for every kind of bad token', async () => {
    const key = await createTestKeys('ES256', { kid: 'key-1' })
    const { outcome } = verifying({ issuer: 'https://auth.example.com', jwks: { keys: [key.publicJwk] } })
    const now = Math.floor(Date.now() / 1000)
    const good = await key.sign(
      { iss: 'https://auth.example.com', aud: AUDIENCE, sub: 'ada', client_id: 'shop', iat: now, exp: now + 600 },
      { typ: 'at+jwt' },
    )
    const counts: Record<string, number> = {}
    for (const { token } of await badTokens({ ...key, token: good, signWith: key.signWith })) {
      const code = await outcome(token)
      if (code !== 'accepted') counts[code] = (counts[code] ?? 0) + 1
    }
    expect(Object.keys(counts).length).toBeGreaterThan(15)
    const refused = (await sdk.points(VERIFICATIONS)).filter(
      ({ attributes }) => attributes['claimgate.token.result'] === 'refused',
    )
    expect(Object.fromEntries(refused.map(({ attributes, value }) => [attributes['error.type'], value]))).toEqual(
      counts,
    )
    for (const { attributes } of refused) expect(Object.keys(attributes)).toHaveLength(2)
  })
})

describe('metrics of bugs', () => {
  it('count what a function of the application threw, without the error', async () => {
    const keys = { resolve: async () => Promise.reject(new RangeError('secret')) }
    const { verifier } = verifying({ jwks: undefined, keys })
    await expect(verifier.verify(await issue())).rejects.toThrow(RangeError)
    const points = await sdk.points(VERIFICATIONS)
    expect(points).toMatchObject([
      { attributes: { 'claimgate.token.result': 'failed', 'error.type': '_OTHER' }, value: 1 },
    ])
    expect(JSON.stringify(points)).not.toContain('secret')
  })
})

describe('metrics of keys', () => {
  it('show an outage: unavailable, failed refreshes, failed requests', async () => {
    const { outcome } = verifying({ jwksUri: authority.server.url })
    await authority.server.behave({ kind: 'status', status: 500 })
    expect(await outcome(await issue())).toBe('keys_unavailable')
    expect(await sdk.points(VERIFICATIONS)).toMatchObject([
      { attributes: { 'claimgate.token.result': 'unavailable', 'error.type': 'keys_unavailable' }, value: 1 },
    ])
    expect(await sdk.points(REFRESHES)).toEqual([
      { attributes: { 'server.address': '127.0.0.1', 'error.type': 'status' }, value: 1 },
    ])
    const [request] = await sdk.points(REQUESTS)
    expect(request?.boundaries).toEqual([0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10])
    expect(request?.attributes).toEqual({
      'http.request.method': 'GET',
      'server.address': '127.0.0.1',
      'server.port': authority.server.port,
      'http.response.status_code': 500,
      'error.type': '500',
    })
    await authority.server.behave({ kind: 'refuse' })
    const unreachable = verifying({ jwksUri: authority.server.url })
    expect(await unreachable.outcome(await issue())).toBe('keys_unavailable')
    const types = (await sdk.points(REQUESTS)).map(({ attributes }) => attributes['error.type'])
    expect(types).toContain('network')
  })

  it('show a rotation, and the age, number and readiness of keys', async () => {
    const { outcome, verifier, telemetry } = verifying({ jwksUri: authority.server.url })
    telemetry.observe(verifier)
    const gauges = async () =>
      Object.fromEntries(
        await Promise.all(
          ['age', 'last_success', 'count', 'ready'].map(async (name) => {
            const [point] = await sdk.points(`claimgate.keys.${name}`)
            return [name, point?.value]
          }),
        ),
      )
    expect(await gauges()).toEqual({ age: undefined, last_success: undefined, count: 0, ready: 0 })
    await outcome(await issue())
    const before = await gauges()
    expect(before).toMatchObject({ count: 1, ready: 1 })
    expect(before['age']).toBeLessThan(5)
    expect(Math.abs(Number(before['last_success']) - Date.now() / 1000)).toBeLessThan(5)
    await authority.issuer.rotate()
    const { issuer } = authority.issuer
    expect(await sdk.points('claimgate.keys.ready')).toEqual([{ attributes: { 'claimgate.issuer': issuer }, value: 1 }])
    const rotated = verifying({ jwksUri: authority.server.url }, telemetry)
    telemetry.observe(rotated.verifier)
    expect(await rotated.outcome(await issue())).toBe('accepted')
    expect(await sdk.points(REFRESHES)).toEqual([{ attributes: { 'server.address': '127.0.0.1' }, value: 2 }])
    expect(await gauges()).toMatchObject({ count: 2, ready: 1 })
  })

  it('are not ready once keys have expired, and stop when told', async () => {
    const clock = manualClock()
    const key = await createTestKeys('ES256', { kid: 'key-1' })
    let isDown = false
    const { verifier, telemetry } = verifying({
      issuer: 'https://auth.example.com',
      jwksUri: 'https://auth.example.com/jwks',
      clock,
      keySet: { staleFor: 600 },
      fetch: async () => (isDown ? new Response('', { status: 500 }) : Response.json({ keys: [key.publicJwk] })),
    })
    let asked = 0
    const stop = telemetry.observe({
      now: () => clock.now(),
      status: () => {
        asked += 1
        return verifier.status?.() ?? { ready: false, issuers: [] }
      },
    })
    const value = async (name: string) => (await sdk.points(`claimgate.keys.${name}`))[0]?.value
    await verifier.ready()
    isDown = true
    await clock.pass(590)
    expect([await value('ready'), await value('age'), await value('last_success')]).toEqual([1, 590, 1_800_000_000])
    await clock.pass(700)
    expect(await value('ready')).toBe(0)
    expect(asked).toBe(4)
    stop()
    await sdk.collected()
    expect(asked).toBe(4)
  })
})

describe('an opaque token', () => {
  it('is measured with the question to the authorization server, and cached answers are cache hits', async () => {
    const server = await startIntrospectionServer()
    closing.push(() => server.close())
    server.reply = (token) => ({ body: token === 'good' ? active(server.issuer) : { active: false } })
    const verifier = createIntrospectionVerifier({
      issuer: server.issuer,
      audience: AUDIENCE,
      client: clientSecretBasic('api', 'secret'),
      onEvent: otelEvents(providers()),
    })
    await verifier.verify('good')
    await verifier.verify('good')
    await verifier.verify('bad').catch(() => {})
    server.reply = () => ({ status: 401 })
    await verifier.verify('other').catch(() => {})
    const points = await sdk.points(VERIFICATIONS)
    expect(points.map(({ attributes, value }) => [Object.values(attributes).join(' '), value])).toEqual([
      ['accepted false', 1],
      ['accepted true', 1],
      ['refused token_refused', 1],
      ['unavailable check_unavailable', 1],
    ])
    expect(await sdk.points('claimgate.introspection.failures')).toEqual([
      { attributes: { 'server.address': '127.0.0.1', 'error.type': 'client_refused' }, value: 1 },
    ])
    expect(sdk.spans().map(({ name, attributes }) => [name, attributes['http.response.status_code']])).toEqual([
      ['GET', 200],
      ['POST', 200],
      ['POST', 200],
      ['POST', 401],
    ])
    expect(JSON.stringify([sdk.spans().map(({ attributes }) => attributes), points])).not.toMatch(/good|bad|secret/)
  })
})

describe.each(INSTALLED)('stores on %s', () => {
  it('give cached answers, which are cache hits, and key sets, which need no fetch', async () => {
    const redis = await startRedis()
    const { client, close } = await LIBRARIES[0].connect(redis.url)
    const server = await startIntrospectionServer()
    closing.push(redis.close, close, server.close)
    server.reply = () => ({ body: active(server.issuer) })
    const onEvent = otelEvents(providers())
    const opaque = {
      issuer: server.issuer,
      audience: AUDIENCE,
      client: clientSecretBasic('api', 'secret'),
      cache: { store: redisIntrospectionCache(client) },
      onEvent,
    }
    await createIntrospectionVerifier(opaque).verify('good')
    await createIntrospectionVerifier(opaque).verify('good')
    const hits = (await sdk.points(VERIFICATIONS)).map(({ attributes }) => attributes['claimgate.token.cached'])
    expect(hits).toEqual([false, true])
    expect(server.seen).toHaveLength(1)

    const keySet = { store: redisJwkSets(client) }
    const first = verifying({ jwksUri: authority.server.url, keySet }, onEvent)
    expect(await first.outcome(await issue())).toBe('accepted')
    const second = verifying({ jwksUri: authority.server.url, keySet }, onEvent)
    onEvent.observe(second.verifier)
    expect(await second.outcome(await issue())).toBe('accepted')
    expect(await sdk.points(REFRESHES)).toMatchObject([{ value: 1 }])
    expect(await sdk.points('claimgate.keys.ready')).toMatchObject([{ value: 1 }])
  })
})

describe('a span of a fetch', () => {
  const manager = new AsyncLocalStorageContextManager()
  beforeEach(() => {
    context.setGlobalContextManager(manager.enable())
    closing.push(() => context.disable())
  })

  it('is a child of the span of the request that caused it', async () => {
    const tracer = sdk.tracerProvider.getTracer('api')
    const requests: string[] = []
    const traced: RequestHandler = (_, response, next) => {
      const span = tracer.startSpan('GET /', { kind: SpanKind.SERVER })
      requests.push(span.spanContext().spanId)
      response.on('finish', () => span.end())
      context.with(trace.setSpan(context.active(), span), next)
    }
    const { issuer } = authority.issuer
    const ask = await serve(traced, authenticateJwt({ issuer, audience: AUDIENCE, onEvent: otelEvents(providers()) }))
    const tokens = [await issue(), await issue()]
    expect(await Promise.all(tokens.map(ask))).toEqual([200, 200])
    const fetches = sdk.spans().filter(({ kind }) => kind === SpanKind.CLIENT)
    expect(fetches.map(({ attributes }) => attributes['url.full'])).toEqual([
      `${issuer}/.well-known/openid-configuration`,
      `${issuer}/.well-known/jwks.json`,
    ])
    for (const span of fetches) {
      expect(requests).toContain(span.parentSpanContext?.spanId)
      expect(span.status.code).toBe(SpanStatusCode.UNSET)
      expect(Math.abs(span.endTime[0] - Date.now() / 1000)).toBeLessThan(2)
      expect(span.duration[0]).toBe(0)
      expect(span.duration[1]).toBeGreaterThan(0)
    }
    expect(fetches[0]?.attributes).toEqual({
      'http.request.method': 'GET',
      'server.address': '127.0.0.1',
      'server.port': authority.server.port,
      'http.response.status_code': 200,
      'url.full': `${issuer}/.well-known/openid-configuration`,
    })
  })

  it('has the status ERROR and an error.type if the fetch failed', async () => {
    await authority.server.behave({ kind: 'status', status: 503 })
    await verifying({ jwksUri: `${authority.server.url}?key=secret` }).outcome(await issue())
    const [span] = sdk.spans()
    expect(span?.status).toEqual({ code: SpanStatusCode.ERROR })
    expect(span?.attributes).toMatchObject({ 'error.type': '503', 'url.full': `${authority.server.url}?key=…` })
    expect(JSON.stringify(span?.attributes)).not.toContain('secret')
  })

  it('is not made, nor counted, with "fetches": false', async () => {
    const { outcome } = verifying({}, otelEvents({ ...providers(), fetches: false }))
    expect(await outcome(await issue())).toBe('accepted')
    expect(sdk.spans()).toEqual([])
    expect(await sdk.points(REQUESTS)).toEqual([])
    expect(await sdk.points(REFRESHES)).toHaveLength(1)
  })
})

describe('attributes', () => {
  it('contain no token, key or claim', async () => {
    const { outcome, verifier, telemetry } = verifying()
    telemetry.observe(verifier)
    const token = await issue()
    for (const each of [token, `${token}x`]) await outcome(each)
    const [jwk] = authority.issuer.jwks().keys
    const all = JSON.stringify([
      (await sdk.collected()).map(({ descriptor, dataPoints }) => [descriptor, dataPoints]),
      sdk.spans().map(({ name, attributes, events: told, status }) => [name, attributes, told, status]),
    ])
    for (const secret of [SECRET_CLAIM, 'orders:read', String(jwk?.kid), String(jwk?.x), ...token.split('.')])
      expect(all).not.toContain(secret)
  })

  it('of many hosts and issuers have at most 101 values', async () => {
    const telemetry = otelEvents(providers())
    for (let index = 0; index < 150; index += 1) {
      const uri = `https://tenant-${index}.example/jwks`
      telemetry({ type: 'keys.unavailable', uri, reason: 'network', retryAfter: 1 })
      telemetry({ type: 'fetch.ended', uri, method: 'GET', duration: 1, reason: 'network' })
    }
    const issuers = Array.from({ length: 150 }, (_, index) => ({
      issuer: `https://tenant-${index}.example`,
      ready: true,
      freshness: 'fresh' as const,
      keys: 1,
    }))
    telemetry.observe({ status: () => ({ ready: true, issuers }) })
    expect(await sdk.points(REFRESHES)).toHaveLength(101)
    expect(await sdk.points(REQUESTS)).toHaveLength(101)
    expect(await sdk.points('claimgate.keys.ready')).toHaveLength(101)
    expect((await sdk.points(REFRESHES)).at(-1)).toMatchObject({
      attributes: { 'server.address': '_OTHER' },
      value: 50,
    })
  })
})

describe('the global providers', () => {
  it('are used by default, even if the SDK starts after the verifier', async () => {
    const { outcome, verifier, telemetry } = verifying({}, otelEvents())
    telemetry.observe(verifier)
    expect(await outcome(await issue())).toBe('accepted')
    metrics.setGlobalMeterProvider(sdk.meterProvider)
    trace.setGlobalTracerProvider(sdk.tracerProvider)
    closing.push(() => {
      metrics.disable()
      trace.disable()
    })
    await authority.issuer.rotate()
    const later = verifying({}, telemetry)
    expect(await later.outcome(await issue())).toBe('accepted')
    expect(await sdk.points(VERIFICATIONS)).toHaveLength(1)
    expect(await sdk.points('claimgate.keys.ready')).toMatchObject([{ value: 1 }])
    expect(sdk.spans()).toHaveLength(2)
  })
})

describe('telemetry that fails', () => {
  const failing = (): never => {
    throw new Error('telemetry')
  }
  const rejecting = async (): Promise<never> => Promise.reject(new Error('telemetry'))
  const meterOf = (record: () => unknown): MeterProvider =>
    ({
      getMeter: () => ({
        createHistogram: () => ({ record }),
        createCounter: () => ({ add: record }),
        createObservableGauge: () => ({}),
        addBatchObservableCallback: record,
        removeBatchObservableCallback: record,
      }),
    }) as never
  const broken: [string, () => OtelOptions][] = [
    ['a meter provider that throws', () => ({ meterProvider: { getMeter: failing } })],
    ['instruments that throw', () => ({ meterProvider: meterOf(failing) })],
    ['instruments that reject', () => ({ meterProvider: meterOf(rejecting) })],
    ['a meter without instruments', () => ({ meterProvider: { getMeter: () => ({}) as never } })],
    ['a tracer provider that throws', () => ({ tracerProvider: { getTracer: failing } })],
    ['a tracer that throws', () => ({ tracerProvider: { getTracer: () => ({ startSpan: failing }) as never } })],
    ['a tracer that rejects', () => ({ tracerProvider: { getTracer: () => ({ startSpan: rejecting }) as never } })],
  ]

  it.each(broken)('never changes an answer: %s', async (_, options) => {
    const telemetry = otelEvents({ ...providers(), ...options() })
    const authenticate = authenticateJwt({ issuer: authority.issuer.issuer, audience: AUDIENCE, onEvent: telemetry })
    const stop = telemetry.observe(authenticate.verifier)
    const ask = await serve(authenticate)
    const token = await issue()
    expect([await ask(token), await ask(token), await ask('x')]).toEqual([200, 200, 401])
    await authority.server.behave({ kind: 'status', status: 500 })
    expect(await verifying({ jwksUri: authority.server.url }, telemetry).outcome(token)).toBe('keys_unavailable')
    stop()
  })

  it('never changes an answer: exporters that throw, and a status that throws', async () => {
    const { BasicTracerProvider, SimpleSpanProcessor } = await import('@opentelemetry/sdk-trace-base')
    const exporter = { export: failing, shutdown: rejecting }
    const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
    const telemetry = otelEvents({ ...providers(), tracerProvider })
    telemetry.observe({ status: failing })
    const { outcome, verifier } = verifying({}, telemetry)
    telemetry.observe(verifier)
    expect(await outcome(await issue())).toBe('accepted')
    expect(await sdk.points(VERIFICATIONS)).toHaveLength(1)
    expect(await sdk.points('claimgate.keys.ready')).toHaveLength(1)
  })

  it('in one part leaves the other part working', async () => {
    const telemetry = otelEvents({ ...providers(), meterProvider: { getMeter: failing } })
    expect(await verifying({}, telemetry).outcome(await issue())).toBe('accepted')
    expect(sdk.spans()).toHaveLength(2)
  })
})

describe('wrong options', () => {
  it.each<[unknown, string]>([
    [{ meterProvider: {} }, '"meterProvider" must be a meter provider, such as new MeterProvider()'],
    [{ tracerProvider: 'global' }, '"tracerProvider" must be a tracer provider'],
    [{ fetches: 'no' }, '"fetches" must be true or false'],
    [{ meter: {} }, '"meter"'],
  ])('stop at start-up: %j', (options, message) => {
    expect(() => otelEvents(options as OtelOptions)).toThrow(TypeError)
    expect(() => otelEvents(options as OtelOptions)).toThrow(message)
  })

  it('includes a verifier without status', () => {
    expect(() => otelEvents().observe({})).toThrow('pass a verifier with status(), such as authenticateJwt().verifier')
  })

  it('accepts every event, and ignores those without a metric', async () => {
    const others: VerifierEvent[] = [
      { type: 'keys.plain_http', uri: 'http://a.example' },
      { type: 'key.ambiguous', candidates: 2 },
      { type: 'verifier.recreated', count: 10 },
    ]
    for (const event of others) otelEvents(providers())(event)
    for (const { dataPoints } of await sdk.collected()) expect(dataPoints).toEqual([])
  })
})
