import type { EventListener, VerifierEvent } from './events.ts'
import { ignoreRejection } from './ignore-rejection.ts'

/** Tells a listener, whose throw or rejected promise changes nothing. */
export function emit(listener: EventListener | undefined, event: VerifierEvent): void {
  if (!listener) return
  try {
    const result: unknown = listener(Object.freeze(event))
    ignoreRejection(result)
  } catch {
    // Observing must not change an answer.
  }
}
