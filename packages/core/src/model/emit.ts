import type { EventListener, VerifierEvent } from './events.ts'

/** Tells a listener, whose throw or rejected promise changes nothing. */
export function emit(listener: EventListener | undefined, event: VerifierEvent): void {
  if (!listener) return
  try {
    const result: unknown = listener(Object.freeze(event))
    // A promise of another realm or library is one, too.
    if (typeof result === 'object' && result !== null && 'then' in result)
      Promise.resolve(result).catch(() => undefined)
  } catch {
    // Observing must not change an answer.
  }
}
