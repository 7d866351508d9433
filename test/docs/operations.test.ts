// Runs the snippets of docs/operations.md as printed, with the built packages.
import { startTestIssuer } from '@claimgate/testing'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { snippet } from '../support/docs/pages.ts'
import { run } from '../support/docs/running.ts'

let folder: string
let issuer: Awaited<ReturnType<typeof startTestIssuer>>
let environment: Record<string, string>
let authorization: string

beforeAll(async () => {
  folder = await mkdtemp(join(import.meta.dirname, '.run-'))
  issuer = await startTestIssuer({ audience: 'orders-api' })
  authorization = `Bearer ${await issuer.issuer.issue({ sub: 'ada' })}`
  environment = { JWT_ISSUER: issuer.issuer.issuer, JWT_AUDIENCE: 'orders-api' }
})
afterAll(async () => {
  await issuer.close()
  await rm(folder, { recursive: true, force: true })
})

const fileOf = async (name: string, before = ''): Promise<string> => {
  const file = join(folder, `${name}.mjs`)
  await writeFile(file, `${before}\n${snippet(name)}`)
  return file
}

const statusOf = async (url: string, headers: Record<string, string> = {}): Promise<number> =>
  (await fetch(url, { headers })).status

describe('metrics', () => {
  // What an instrumentation file does, with exporters that keep everything.
  const SDK = `
    import { metrics, trace } from '@opentelemetry/api'
    import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
    import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
    const provider = new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 60_000 })] })
    const spans = new InMemorySpanExporter()
    metrics.setGlobalMeterProvider(provider)
    trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }))
    process.on('SIGTERM', async () => {
      await provider.forceFlush()
      const names = exporter.getMetrics().at(-1).scopeMetrics.flatMap(({ metrics }) => metrics.map(({ descriptor }) => descriptor.name))
      console.error(JSON.stringify({ names, spans: spans.getFinishedSpans().length }))
      process.exit()
    })`

  it('of the snippet for OpenTelemetry are those of its README', async () => {
    const server = await run(await fileOf('otel', SDK), environment)
    expect(await statusOf(`${server.url}/me`, { authorization })).toBe(200)
    expect(await statusOf(`${server.url}/me`)).toBe(401)
    await server.close()
    const [line = ''] = server.log().match(/^\{"names".*$/m) ?? []
    expect(JSON.parse(line)).toEqual({
      names: [
        'claimgate.token.verification.duration',
        'http.client.request.duration',
        'claimgate.keys.refreshes',
        'claimgate.keys.age',
        'claimgate.keys.last_success',
        'claimgate.keys.count',
        'claimgate.keys.ready',
      ],
      spans: 2,
    })
  })

  it('of the snippet for prom-client count tokens and keys', async () => {
    const server = await run(await fileOf('prom-client'), environment)
    for (const token of [authorization, authorization, 'Bearer x']) await statusOf(server.url, { authorization: token })
    const text = await (await fetch(`${server.url}/metrics`)).text()
    await server.close()
    const sample = (start: string): string | undefined => text.split('\n').find((line) => line.startsWith(start))
    const count = 'claimgate_token_verification_duration_seconds_count'
    expect(sample(`${count}{result="accepted",error_type="",cached="false"}`)).toMatch(/ 1$/)
    expect(sample(`${count}{result="accepted",error_type="",cached="true"}`)).toMatch(/ 1$/)
    expect(sample(`${count}{result="refused",error_type="token_malformed",cached="false"}`)).toMatch(/ 1$/)
    expect(sample('claimgate_keys_refreshes_total{error_type=""}')).toMatch(/ 1$/)
    expect(sample(`claimgate_keys_age_seconds{issuer="${environment['JWT_ISSUER']}"}`)).toMatch(/ 0\.\d+$| \d$/)
    expect(text).not.toContain('ada')
  })
})
