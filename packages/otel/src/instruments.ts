import type { VerifierEvent, Verifier } from '@claimgate/core'
import { catalogue, own, timeOf } from '@claimgate/core/adapter'
import type { Attributes, BatchObservableCallback, MeterProvider } from '@opentelemetry/api'
import { boundedValues, hostOf, requestAttributes } from './attributes.ts'
import { quietly, SCOPE } from './quietly.ts'

/** The metrics of one meter provider. */
export interface Instruments {
  /** Returns what the meter returned. */
  record(event: VerifierEvent): unknown
  /** Observes a verifier with `status`. Returns a function that stops it. */
  observe(verifier: Pick<Verifier, 'status' | 'now'>): () => void
}

// A cached token takes microseconds, a signature some tenths of a millisecond, and a fetch of keys up to seconds.
const VERIFICATION_BOUNDARIES = [
  0.000_01, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10,
]
// What the conventions advise for HTTP requests.
const REQUEST_BOUNDARIES = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]

/** Creates the metrics. Durations are in seconds, as the semantic conventions want. */
export function instruments(provider: MeterProvider): Instruments {
  const meter = provider.getMeter(...SCOPE)
  const hosts = boundedValues()
  const issuers = boundedValues()

  const verifications = meter.createHistogram('claimgate.token.verification.duration', {
    description: 'Duration of the verifications of tokens',
    unit: 's',
    advice: { explicitBucketBoundaries: VERIFICATION_BOUNDARIES },
  })
  const requests = meter.createHistogram('http.client.request.duration', {
    description: 'Duration of HTTP client requests',
    unit: 's',
    advice: { explicitBucketBoundaries: REQUEST_BOUNDARIES },
  })
  const refreshes = meter.createCounter('claimgate.keys.refreshes', {
    description: 'Attempts to refresh keys or metadata',
    unit: '{refresh}',
  })
  const introspections = meter.createCounter('claimgate.introspection.failures', {
    description: 'Questions about a token without a usable answer',
    unit: '{failure}',
  })
  const age = meter.createObservableGauge('claimgate.keys.age', {
    description: 'Time since the keys were fetched or confirmed',
    unit: 's',
  })
  const lastSuccess = meter.createObservableGauge('claimgate.keys.last_success', {
    description: 'Unix time at which the keys were fetched or confirmed',
    unit: 's',
  })
  const count = meter.createObservableGauge('claimgate.keys.count', { description: 'Usable keys', unit: '{key}' })
  const ready = meter.createObservableGauge('claimgate.keys.ready', {
    description: '1 if there are keys that may be used, 0 otherwise',
    unit: '1',
  })
  const gauges = [age, lastSuccess, count, ready]

  const refreshed = (uri: string, errorType?: Attributes): unknown =>
    refreshes.add(1, { 'server.address': hosts(hostOf(uri)), ...errorType })

  return {
    record: (event) => {
      switch (event.type) {
        case 'token.verified':
          return verifications.record(event.duration / 1000, {
            'claimgate.token.result': 'accepted',
            'claimgate.token.cached': event.cached,
          })
        case 'token.rejected':
          return verifications.record(event.duration / 1000, {
            'claimgate.token.result': catalogue[event.code].status === 503 ? 'unavailable' : 'refused',
            'error.type': event.code,
          })
        case 'token.failed':
          // What the conventions want for an error without a name of few values.
          return verifications.record(event.duration / 1000, {
            'claimgate.token.result': 'failed',
            'error.type': '_OTHER',
          })
        case 'fetch.ended':
          return requests.record(event.duration / 1000, requestAttributes(event, hosts))
        case 'keys.refreshed':
          return refreshed(event.uri)
        case 'keys.stale':
        case 'keys.unavailable':
          return refreshed(event.uri, { 'error.type': event.reason })
        case 'introspection.failed':
          return introspections.add(1, { 'server.address': hosts(hostOf(event.uri)), 'error.type': event.reason })
        default:
          return undefined
      }
    },
    observe: (verifier) => {
      const callback: BatchObservableCallback = (result) => {
        for (const status of verifier.status?.().issuers ?? []) {
          const attributes = { 'claimgate.issuer': issuers(status.issuer ?? 'any') }
          const [seconds, keys] = [own(status, 'age'), own(status, 'keys')]
          quietly(() => result.observe(ready, status.ready ? 1 : 0, attributes))
          if (keys !== undefined) quietly(() => result.observe(count, keys, attributes))
          if (seconds === undefined) continue
          quietly(() => result.observe(age, seconds, attributes))
          quietly(() => result.observe(lastSuccess, timeOf(verifier as Verifier) - seconds, attributes))
        }
      }
      quietly(() => meter.addBatchObservableCallback(callback, gauges))
      return () => quietly(() => meter.removeBatchObservableCallback(callback, gauges))
    },
  }
}
