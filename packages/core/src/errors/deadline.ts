import type { Clock } from '../model/runtime.ts'
import { isThenable } from '../model/values.ts'
import { asError, asRefusal, AuthError } from './auth-error.ts'

/** A store or another function of the application, and how long a request may wait for it. */
export interface Deadline {
  /** What is late, for the message: `The store of the denylist`. Or what makes the error. */
  readonly late: string | (() => Error)
  readonly seconds: number
  readonly clock: Pick<Clock, 'setTimeout'>
}

/**
 * Returns an answer of the application within a time limit, because a store that hangs must not make requests hang.
 *
 * @throws Error after `seconds`, and what `ask` throws
 */
export async function answeredWithin<T>({ late, seconds, clock }: Deadline, ask: () => Promise<T>): Promise<T> {
  let cancel = (): void => {}
  try {
    const given = ask()
    if (!isThenable(given)) throw new TypeError('An answer was given without a promise')
    // A thenable that begins its work in `then` must begin it once.
    const answer = Promise.resolve(given)
    let answered = false
    const settle = (): void => {
      answered = true
    }
    answer.then(settle, settle)
    await Promise.resolve()
    // A memory store has answered by now, and a timer would cost more than its answer.
    if (answered) return await answer
    const limit = new Promise<never>((_, reject) => {
      const overdue = (): Error =>
        typeof late === 'string' ? new Error(`${late} has not answered within ${seconds} s`) : late()
      cancel = clock.setTimeout(() => reject(overdue()), seconds * 1000)
    })
    return await Promise.race([answer, limit])
  } catch (error) {
    throw asError(error)
  } finally {
    cancel()
  }
}

/** A function of the application that decides about a request: the error of one that hangs, and its deadline. */
export const checkDeadline = (name: string, clock: Deadline['clock']): Deadline => ({
  late: () => new AuthError('check_unavailable', { actual: name }),
  seconds: 10,
  clock,
})

/**
 * Asks a function of the application about a request. It may answer at once or with a promise.
 *
 * @param name - the option that holds the function
 * @throws AuthError that the function threw, or `check_unavailable` if it threw anything else or has not answered within 10 s
 */
export async function answerOf<T>(
  name: string,
  clock: Deadline['clock'],
  ask: () => T | PromiseLike<T>,
): Promise<Awaited<T>> {
  try {
    return await answeredWithin(checkDeadline(name, clock), async () => ask())
  } catch (thrown) {
    throw asRefusal(thrown) ?? new AuthError('check_unavailable', { actual: name, cause: asError(thrown) })
  }
}
