import { fileJwkSets } from '@claimgate/core/node'
import { otelEvents } from '@claimgate/otel'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { outcome, type Scenario } from './scenario.ts'

const URI = 'https://auth.example.com/keys'

/** The answers of a folder of key sets, and what is recorded with OpenTelemetry. */
export function operationsScenarios(): readonly Scenario[] {
  return [
    {
      name: 'key sets in a folder',
      start: () => {
        const root = mkdtempSync(join(tmpdir(), 'claimgate-polluted-'))
        process.once('exit', () => rmSync(root, Object.assign(Object.create(null), { recursive: true, force: true })))
        let folders = 0
        return async () => {
          folders += 1
          const folder = join(root, String(folders))
          const sets = fileJwkSets(folder)
          const none = await outcome(() => sets.get(URI, { seconds: 0.01 }))
          const leased = readdirSync(folder).length
          const stored = await outcome(() => sets.set(URI, { uri: URI, jwks: { keys: [] }, fetchedAt: 1 }))
          const found = await outcome(() => sets.get(URI))
          const [file = ''] = readdirSync(folder)
          writeFileSync(join(folder, file), '{}')
          const empty = await outcome(() => sets.get(URI))
          return {
            none,
            leased: String(leased),
            stored,
            found,
            empty,
            files: String(readdirSync(folder).length),
            'a missing parent': (await outcome(() => typeof fileJwkSets(join(folder, 'a', 'b')).get)).replace(root, ''),
            'a wrong option': await outcome(() => typeof fileJwkSets(folder, { lease: 0 }).get),
          }
        }
      },
    },
    {
      name: 'metrics and spans',
      start: () => {
        const recorded: string[] = []
        const record = (name: string) => (_: number, attributes: object) =>
          void recorded.push(`${name} ${JSON.stringify(attributes)}`)
        const instrument = (name: string): object => ({ record: record(name), add: record(name) })
        const meter = {
          createHistogram: instrument,
          createCounter: instrument,
          createObservableGauge: instrument,
          addBatchObservableCallback: (callback: (result: object) => void) =>
            callback({
              observe: (_: object, value: number, attributes: object) => record('status')(value, attributes),
            }),
          removeBatchObservableCallback: () => undefined,
        }
        const span = { setStatus: () => void recorded.push('error'), end: () => undefined }
        const startSpan = (name: string, { attributes }: { readonly attributes: object }): object => {
          recorded.push(`${name} ${JSON.stringify(attributes)}`)
          return span
        }
        const given = { meterProvider: { getMeter: () => meter }, tracerProvider: { getTracer: () => ({ startSpan }) } }
        const issuer = { issuer: null, ready: false, freshness: 'cold' } as const
        return async () => {
          recorded.length = 0
          const listener = otelEvents(given as never)
          listener({ type: 'token.verified', duration: 1, cached: true })
          listener({ type: 'token.rejected', duration: 1, code: 'token_expired' })
          listener({ type: 'token.failed', duration: 1 })
          listener({ type: 'fetch.ended', uri: URI, method: 'GET', duration: 1 })
          listener({ type: 'fetch.ended', uri: URI, method: 'GET', duration: 1, status: 500, reason: 'status' })
          listener({ type: 'keys.refreshed', uri: URI, keys: 1, skipped: 0, duration: 1 })
          listener.observe({ status: () => ({ ready: false, issuers: [issuer] }) })()
          return { recorded: recorded.join('\n'), 'no status': await outcome(() => typeof listener.observe({})) }
        }
      },
    },
  ]
}
