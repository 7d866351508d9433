export type { OtelOptions } from './options.ts'
export { otelEvents, type OtelEvents } from './otel-events.ts'
