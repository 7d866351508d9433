import type { Clock } from '../../extend.ts'

/**
 * What the store answers, if it answers in time: one that hangs must not make requests hang.
 *
 * @throws Error after `seconds`, and whatever the store throws
 */
export async function answeredWithin<T>(
  seconds: number,
  clock: Pick<Clock, 'setTimeout'>,
  ask: () => Promise<T>,
): Promise<T> {
  let cancel = (): void => {}
  const overdue = new Promise<never>((_, reject) => {
    const error = new Error(`The store of the denylist has not answered within ${seconds} s`)
    cancel = clock.setTimeout(() => reject(error), seconds * 1000)
  })
  try {
    return await Promise.race([ask(), overdue])
  } finally {
    cancel()
  }
}
