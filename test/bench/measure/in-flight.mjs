/**
 * Keeps this many operations in progress until all have been started, like a server with as many requests. Continues the
 * rotation where the last slice ended.
 *
 * @param {number} width
 * @param {(index: number) => Promise<unknown>} operation
 * @returns {(times: number) => Promise<void>}
 */
export function inFlight(width, operation) {
  let next = 0
  return async (times) => {
    const end = next + times
    const lane = async () => {
      while (next < end) await operation(next++)
    }
    const lanes = []
    for (let index = 0; index < Math.min(width, times); index += 1) lanes.push(lane())
    await Promise.all(lanes)
  }
}

/**
 * @param {(index: number) => unknown} operation a synchronous one
 * @returns {(times: number) => void}
 */
export function synchronously(operation) {
  let next = 0
  return (times) => {
    for (const end = next + times; next < end; next += 1) seen.last = operation(next)
  }
}

// Stores results, because an engine may remove work whose result is unused.
const seen = { last: undefined }
