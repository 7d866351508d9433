// Runs the snippets of docs/operations.md as printed, with the built packages.
import { createIssuer } from '@claimgate/issuer'
import { startTestIssuer } from '@claimgate/testing'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { snippet } from '../support/docs/pages.ts'
import { run } from '../support/docs/running.ts'
import { createCertificate } from '../support/mtls/certificates.ts'
import { startConnectProxy } from '../support/resilience/connect-proxy.ts'
import { issuerCertificate } from '../support/resilience/issuer-certificate.ts'

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

/** Serves metadata and keys of an issuer over TLS. Without a name, the issuer is the address of the server. */
async function startTlsIssuer(options: ServerOptions, name?: string) {
  const server = createServer(options).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const served = await createIssuer({ issuer: name ?? `https://127.0.0.1:${port}`, audience: 'orders-api' })
  server.on('request', ({ url = '' }, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(url.endsWith('jwks.json') ? served.jwks() : served.metadata()))
  })
  return { port, issuer: served, close: () => server.close() }
}

const pem = async (name: string, text: string): Promise<string> => {
  const file = join(folder, `${name}.pem`)
  await writeFile(file, text)
  return file
}

/** The settings of this machine must not affect the programs. */
const NO_PROXY = { HTTPS_PROXY: '', https_proxy: '', NO_PROXY: '', no_proxy: '', NODE_USE_ENV_PROXY: '' }

const runToEnd = async (file: string, env: Record<string, string>) =>
  promisify(execFile)(process.execPath, [file], { env: { ...process.env, ...NO_PROXY, ...env } })

describe('TLS to the key endpoint', () => {
  const ca = createCertificate('company authority')

  it('trusts a private authority in NODE_EXTRA_CA_CERTS, and no other', async () => {
    const { issuer: tls, close } = await startTlsIssuer(ca)
    const env = { JWT_ISSUER: tls.issuer, JWT_AUDIENCE: 'orders-api' }
    const file = await fileOf('ready')
    const server = await run(file, { ...env, NODE_EXTRA_CA_CERTS: await pem('ca', ca.cert) })
    const token = `Bearer ${await tls.issue({ sub: 'ada' })}`
    expect(await statusOf(`${server.url}/ready`, { authorization: token })).toBe(200)
    await server.close()
    await expect(run(file, env)).rejects.toThrow('DEPTH_ZERO_SELF_SIGNED_CERT')
    close()
  })

  it('can have a client certificate, without which there are no keys', async () => {
    const [client, other] = [createCertificate('orders-api'), createCertificate('orders-api')]
    const { issuer: tls, close } = await startTlsIssuer({ ...ca, ca: client.cert, requestCert: true })
    const env = {
      JWT_ISSUER: tls.issuer,
      JWT_AUDIENCE: 'orders-api',
      TLS_CA_FILE: await pem('ca', ca.cert),
      TLS_KEY_FILE: await pem('key', client.key),
      TLS_CERT_FILE: await pem('cert', client.cert),
    }
    const file = await fileOf('key-endpoint-mtls')
    const token = `Bearer ${await tls.issue({ sub: 'ada' })}`
    const server = await run(file, env)
    expect(await statusOf(`${server.url}/me`, { authorization: token })).toBe(200)
    await server.close()
    const strange = {
      ...env,
      TLS_KEY_FILE: await pem('key2', other.key),
      TLS_CERT_FILE: await pem('cert2', other.cert),
    }
    const refused = await run(file, strange)
    expect(await statusOf(`${refused.url}/me`, { authorization: token })).toBe(503)
    expect(refused.log()).toContain('keys_unavailable')
    await refused.close()
    close()
  })
})

describe('a proxy', () => {
  it('is used with NODE_USE_ENV_PROXY, and by the agent of undici', async () => {
    const { port, close } = await startTlsIssuer(issuerCertificate, 'https://auth.issuer.example')
    const proxy = await startConnectProxy(port)
    const ca = await pem('issuer-ca', issuerCertificate.cert)
    const env = {
      JWT_ISSUER: 'https://auth.issuer.example',
      JWT_AUDIENCE: 'orders-api',
      HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`,
      https_proxy: `http://127.0.0.1:${proxy.port}`,
    }
    const server = await run(await fileOf('ready'), {
      ...NO_PROXY,
      ...env,
      NODE_USE_ENV_PROXY: '1',
      NODE_EXTRA_CA_CERTS: ca,
    })
    expect(await statusOf(`${server.url}/ready`)).toBe(200)
    await server.close()
    const targets = () => new Set(proxy.tunnels.splice(0).map(({ target }) => target))
    expect(targets()).toEqual(new Set(['auth.issuer.example:443']))
    await runToEnd(await fileOf('proxy-agent'), { ...env, TLS_CA_FILE: ca })
    expect(targets()).toEqual(new Set(['auth.issuer.example:443']))
    await proxy.close()
    close()
  })
})

describe('one fetch for all', () => {
  const fetched = (): readonly string[] => issuer.server.stats().requests.map(({ path }) => path)

  it('workers of a cluster', async () => {
    const server = await run(await fileOf('cluster'), {
      ...environment,
      KEYS_FOLDER: join(folder, 'cluster'),
      WORKERS: '3',
    })
    issuer.server.forget()
    const workers = new Set<unknown>()
    // Closed connections go to another worker.
    const ask = async (): Promise<void> => {
      const response = await fetch(`${server.url}/me`, { headers: { authorization, connection: 'close' } })
      expect(response.status).toBe(200)
      workers.add(((await response.json()) as { worker: unknown }).worker)
    }
    for (let round = 0; round < 20 && workers.size < 3; round += 1)
      await Promise.all(Array.from({ length: 8 }, async () => ask()))
    await server.close()
    expect(workers.size).toBe(3)
    expect(fetched()).toEqual(['/.well-known/openid-configuration', '/.well-known/jwks.json'])
  })

  it('worker threads', async () => {
    issuer.server.forget()
    const { stdout } = await runToEnd(await fileOf('worker-threads'), {
      ...environment,
      TOKEN: authorization.slice('Bearer '.length),
      KEYS_FOLDER: join(folder, 'threads'),
    })
    expect(stdout.trim()).toBe("[ 'ada', 'ada', 'ada' ]")
    expect(fetched()).toEqual(['/.well-known/openid-configuration', '/.well-known/jwks.json'])
  })
})
