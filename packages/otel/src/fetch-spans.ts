import type { FetchEndedEvent } from '@claimgate/core'
import { ignoreRejection, own } from '@claimgate/core/adapter'
import { context, SpanKind, SpanStatusCode, type TracerProvider } from '@opentelemetry/api'
import { requestAttributes } from './attributes.ts'
import { SCOPE } from './quietly.ts'

/** Spans of requests. */
export interface FetchSpans {
  record(event: FetchEndedEvent): void
}

/**
 * Records each request as a span of an HTTP client. The event comes when the request has ended, in the context of the request that caused it,
 * so the span begins in the past and is a child of the span that is active there.
 */
export function fetchSpans(provider: TracerProvider): FetchSpans {
  const tracer = provider.getTracer(...SCOPE)
  return {
    record: (event) => {
      const end = Date.now()
      const span = tracer.startSpan(
        event.method,
        {
          kind: SpanKind.CLIENT,
          startTime: end - event.duration,
          attributes: { ...requestAttributes(event, (host) => host), 'url.full': event.uri },
        },
        context.active(),
      )
      ignoreRejection(span)
      if (own(event, 'reason') !== undefined) span.setStatus({ code: SpanStatusCode.ERROR })
      span.end(end)
    },
  }
}
