import { type Clock, ignoreRejection, onExpiry, systemClock, type VerifiedToken } from '../adapter.ts'

/**
 * Ends a stream of values, such as a subscription, at the `exp` of a token. It then also tells the source to stop, but does not wait for it,
 * because a source that waits for its next value cannot stop before. A token without `exp` never ends it.
 *
 * @param source - the values
 * @param clock - where time comes from. @defaultValue the runtime's clocks
 */
export function untilExpiry<T>(
  token: Pick<VerifiedToken, 'claims'>,
  source: AsyncIterable<T>,
  clock: Clock = systemClock,
): AsyncIterableIterator<T, undefined> {
  const iterator = source[Symbol.asyncIterator]()
  const waiting = new Set<(done: IteratorReturnResult<undefined>) => void>()
  let isOver = false
  const finish = (): void => {
    isOver = true
    cancel()
    for (const resolve of waiting) resolve(DONE)
    waiting.clear()
  }
  const stop = (): void => {
    finish()
    ignoreRejection(iterator.return?.())
  }
  const cancel = onExpiry(token, stop, clock)
  const next = (): Promise<IteratorResult<T, undefined>> =>
    // Not a race with one promise for the end, which would keep every value until then.
    new Promise((resolve, reject) => {
      if (isOver) return resolve(DONE)
      waiting.add(resolve)
      const given = async (): Promise<IteratorResult<T, undefined>> => {
        let isLast = true
        try {
          const result = await iterator.next()
          isLast = result.done === true
          return isLast ? DONE : result
        } finally {
          waiting.delete(resolve)
          if (isLast) finish()
        }
      }
      given().then(resolve, reject)
    })
  return {
    next,
    return: async () => {
      if (!isOver) stop()
      return DONE
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}

const DONE: IteratorReturnResult<undefined> = Object.freeze({ done: true, value: undefined })
