/** Limits how many actions run at once and how many wait, so that expensive actions cannot pile up. */
export interface Turnstile {
  /** Runs `action` when its turn comes. Resolves with `undefined` at once if the queue is full. */
  enter<T>(action: () => Promise<T>): Promise<T> | undefined
}

/** Options for a {@link Turnstile}. */
export interface TurnstileOptions {
  /** The maximum number of running actions. @defaultValue 2 */
  readonly atOnce?: number
  /** The maximum number of waiting actions. @defaultValue 16 */
  readonly waiting?: number
}

/** Creates a {@link Turnstile} that runs actions in call order. */
export const createTurnstile = ({ atOnce = 2, waiting = 16 }: TurnstileOptions = {}): Turnstile => {
  const queue: (() => void)[] = []
  let underWay = 0

  const leave = (): void => {
    const next = queue.shift()
    if (next === undefined) underWay -= 1
    else next()
  }
  const inTurn = async <T>(action: () => Promise<T>): Promise<T> => {
    // The next action takes over the slot, so the count does not change.
    if (underWay >= atOnce) await new Promise<void>((resolve) => queue.push(resolve))
    else underWay += 1
    try {
      return await action()
    } finally {
      leave()
    }
  }

  return {
    enter: (action) => (underWay >= atOnce && queue.length >= waiting ? undefined : inTurn(action)),
  }
}
