/** A timer that can be stopped, and that never keeps the process alive. */
export interface RotationTimer {
  stop(): void
}

/**
 * Calls `rotate` every `seconds`. A failed rotation is reported and does not stop the timer.
 *
 * @throws RangeError if `seconds` is not a number from 1 to 2000000.
 */
export const startRotationTimer = (seconds: number, rotate: () => Promise<unknown>): RotationTimer => {
  if (!(seconds >= 1 && seconds <= 2_000_000)) {
    throw new RangeError(`Cannot start auth service: "rotateEverySeconds" must be from 1 to 2000000, found ${seconds}`)
  }
  const timer = setInterval(() => {
    rotate().catch((error: unknown) => console.error('auth-service: rotation failed:', error))
  }, seconds * 1000)
  timer.unref()
  return { stop: () => clearInterval(timer) }
}
