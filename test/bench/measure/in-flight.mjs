/**
 * Keeps so many operations going until all have been started, as a server with as many requests does. Goes on in the
 * rotation where the last slice has ended.
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
 * @param {(index: number) => unknown} operation one that is done when it returns
 * @returns {(times: number) => void}
 */
export function synchronously(operation) {
  let next = 0
  return (times) => {
    for (const end = next + times; next < end; next += 1) seen.last = operation(next)
  }
}

// Where results go: an engine may leave out work whose result nobody sees.
const seen = { last: undefined }
