import type { Verifier, VerifierEvent } from '@claimgate/core'
import { misconfigured, own, readOptions } from '@claimgate/core/adapter'
import { type MeterProvider, metrics, trace } from '@opentelemetry/api'
import { type FetchSpans, fetchSpans } from './fetch-spans.ts'
import { type Instruments, instruments } from './instruments.ts'
import { OTEL, type OtelOptions } from './options.ts'
import { quietly } from './quietly.ts'

/** A listener that records events as metrics and spans: pass it as `onEvent`. */
export interface OtelEvents {
  (event: VerifierEvent): void
  /**
   * Observes `status()` of a verifier: the age, the number and the readiness of its keys, each time metrics are collected.
   *
   * @returns a function that stops it
   * @throws TypeError if the verifier has no `status`
   */
  observe(verifier: Pick<Verifier, 'status' | 'now'>): () => void
}

/**
 * Records the events of verifiers with OpenTelemetry. Attributes contain no token, key or claim, and each has few values. A meter, tracer or
 * exporter that throws or rejects never changes an answer.
 *
 * @throws TypeError for wrong options
 */
export function otelEvents(given: OtelOptions = {}): OtelEvents {
  const options = readOptions(ACTION, given, OTEL) as OtelOptions & { readonly fetches: boolean }
  const { fetches } = options
  const observed = new Set<Observed>()
  let meters: { readonly provider: MeterProvider; readonly instruments: Instruments } | undefined
  let spans: FetchSpans | undefined

  /** The instruments of the current provider. An application may register its provider after this listener was created. */
  const current = (): Instruments => {
    const provider = options.meterProvider ?? metrics.getMeterProvider()
    if (meters?.provider === provider) return meters.instruments
    for (const entry of observed) entry.stop()
    meters = { provider, instruments: instruments(provider) }
    for (const entry of observed) entry.stop = meters.instruments.observe(entry.verifier)
    return meters.instruments
  }

  const listener = (event: VerifierEvent): void => {
    if (event.type !== 'fetch.ended' || fetches) quietly(() => current().record(event))
    if (event.type !== 'fetch.ended' || !fetches) return
    quietly(() => {
      spans ??= fetchSpans(options.tracerProvider ?? trace.getTracerProvider())
      spans.record(event)
    })
  }

  return Object.assign(listener, {
    observe: (verifier: Pick<Verifier, 'status' | 'now'>) => {
      if (typeof own(verifier, 'status') !== 'function')
        throw misconfigured('observe verifier', 'pass a verifier with status(), such as authenticateJwt().verifier')
      const entry: Observed = { verifier, stop: () => {} }
      observed.add(entry)
      quietly(() => {
        const known = meters
        const now = current()
        // `current` has begun to observe it if the provider is new.
        if (known?.instruments === now) entry.stop = now.observe(verifier)
      })
      return () => {
        observed.delete(entry)
        entry.stop()
      }
    },
  })
}

interface Observed {
  readonly verifier: Pick<Verifier, 'status' | 'now'>
  stop: () => void
}

const ACTION = 'create OpenTelemetry events'
