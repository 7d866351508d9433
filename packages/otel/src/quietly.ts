import { ignoreRejection } from '@claimgate/core/adapter'

/** The name and the version of the instrumentation scope. */
export const SCOPE = ['@claimgate/otel', '0.1.0'] as const

/** Runs a call of OpenTelemetry. Whatever it throws or rejects with is ignored, because telemetry must not change an answer. */
export function quietly(run: () => unknown): void {
  try {
    ignoreRejection(run())
  } catch {
    // Nothing depends on it.
  }
}
