/** Lets a few actions run at a time and a few more wait, so that costly ones cannot pile up. */
export interface Turnstile {
  /** Runs `action` when its turn comes; `undefined`, at once, where as many wait as may. */
  enter<T>(action: () => Promise<T>): Promise<T> | undefined
}

/** What a {@link Turnstile} allows. */
export interface TurnstileOptions {
  /** Actions under way at a time. @defaultValue 2 */
  readonly atOnce?: number
  /** Actions that wait for their turn. @defaultValue 16 */
  readonly waiting?: number
}

/** A {@link Turnstile} in which the first to come is the first to go. */
export const createTurnstile = ({ atOnce = 2, waiting = 16 }: TurnstileOptions = {}): Turnstile => {
  const queue: (() => void)[] = []
  let underWay = 0

  const leave = (): void => {
    const next = queue.shift()
    if (next === undefined) underWay -= 1
    else next()
  }
  const inTurn = async <T>(action: () => Promise<T>): Promise<T> => {
    // Whoever leaves passes the place on, so the count stays.
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
