import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'

/** A point of a metric: its attributes, and the count of a histogram or the value of anything else. */
export interface Point {
  readonly attributes: Readonly<Record<string, unknown>>
  readonly value: number
  /** Only of a histogram. */
  readonly sum?: number
  readonly boundaries?: readonly number[]
}

/** The SDK of OpenTelemetry, with exporters that keep everything in memory. */
export function startSdk() {
  const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  // Collected only when a test asks.
  const reader = new PeriodicExportingMetricReader({ exporter: metricExporter, exportIntervalMillis: 3_600_000 })
  const meterProvider = new MeterProvider({ readers: [reader] })
  const spanExporter = new InMemorySpanExporter()
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spanExporter)] })

  const collected = async () => {
    metricExporter.reset()
    await meterProvider.forceFlush()
    return metricExporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
  }
  return {
    meterProvider,
    tracerProvider,
    collected,
    /** The points of a metric, by its name. */
    points: async (name: string): Promise<readonly Point[]> => {
      const metric = (await collected()).find(({ descriptor }) => descriptor.name === name)
      return (metric?.dataPoints ?? []).map(({ attributes, value }) =>
        typeof value === 'number'
          ? { attributes, value }
          : {
              attributes,
              value: value.count,
              sum: value.sum ?? 0,
              ...('buckets' in value && 'boundaries' in value.buckets && { boundaries: value.buckets.boundaries }),
            },
      )
    },
    spans: () => spanExporter.getFinishedSpans(),
    close: async () => {
      await Promise.all([meterProvider.shutdown(), tracerProvider.shutdown()])
    },
  }
}
