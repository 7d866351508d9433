import { asError, type Clock } from '../../extend.ts'

/**
 * What the store answers, if it answers in time: one that hangs must not make requests hang.
 *
 * @throws Error after `seconds`, and what the store throws
 */
export async function answeredWithin<T>(
  seconds: number,
  clock: Pick<Clock, 'setTimeout'>,
  ask: () => Promise<T>,
): Promise<T> {
  try {
    const answer = ask()
    let answered = false
    const settle = (): void => {
      answered = true
    }
    answer.then(settle, settle)
    await Promise.resolve()
    // A store in memory has answered by now, and a timer would cost more than its answer.
    return await (answered ? answer : beforeLong(seconds, clock, answer))
  } catch (error) {
    throw asError(error)
  }
}

async function beforeLong<T>(seconds: number, clock: Pick<Clock, 'setTimeout'>, answer: Promise<T>): Promise<T> {
  let cancel = (): void => {}
  const overdue = new Promise<never>((_, reject) => {
    cancel = clock.setTimeout(
      () => reject(new Error(`The store of the denylist has not answered within ${seconds} s`)),
      seconds * 1000,
    )
  })
  try {
    return await Promise.race([answer, overdue])
  } finally {
    cancel()
  }
}
