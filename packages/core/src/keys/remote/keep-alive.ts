/** Gives background work to the runtime's `waitUntil`, which may be out of reach where no request is served. */
export function keepAlive(
  waitUntil: ((promise: Promise<unknown>) => void) | undefined,
  promise: Promise<unknown>,
): void {
  try {
    waitUntil?.(promise)
  } catch {
    // Without it the work goes on for as long as the runtime lets it.
  }
}
