import { flag, objectWith, type OptionTable } from '@claimgate/core/adapter'
import type { MeterProvider, TracerProvider } from '@opentelemetry/api'

/** Options for `otelEvents`. */
export interface OtelOptions {
  /** Creates the metrics. @defaultValue the global meter provider, even if it is registered later */
  readonly meterProvider?: MeterProvider | undefined
  /** Creates the spans. @defaultValue the global tracer provider, even if it is registered later */
  readonly tracerProvider?: TracerProvider | undefined
  /**
   * Whether each request for keys, metadata or an answer about a token is a span and counts in `http.client.request.duration`. Set `false` if
   * an instrumentation of undici records the same requests. @defaultValue true
   */
  readonly fetches?: boolean | undefined
}

/** The options of `otelEvents`. */
export const OTEL: OptionTable<OtelOptions> = {
  meterProvider: objectWith('a meter provider, such as new MeterProvider()', 'getMeter'),
  tracerProvider: objectWith('a tracer provider, such as new BasicTracerProvider()', 'getTracer'),
  fetches: { ...flag, default: true },
}
