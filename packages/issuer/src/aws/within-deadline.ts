/**
 * What `send` resolves with, if it does within `timeout` milliseconds. A client may pass its signal over, such as while it
 * reads a body, so the time is kept here as well.
 *
 * @throws DOMException named `TimeoutError` when the time is over.
 */
export const withinDeadline = async <T>(timeout: number, send: (signal: AbortSignal) => Promise<T>): Promise<T> => {
  const deadline = new AbortController()
  const late = new DOMException(`No answer within ${timeout} ms`, 'TimeoutError')
  let timer: ReturnType<typeof setTimeout> | undefined
  const over = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      deadline.abort(late)
      reject(late)
    }, timeout)
  })
  try {
    return await Promise.race([send(deadline.signal), over])
  } catch (error) {
    // A client that heeds the signal has a word of its own for it.
    throw deadline.signal.aborted ? late : error
  } finally {
    clearTimeout(timer)
  }
}
