import type { FaultyAnswer } from './fault.ts'

/** The planned responses of a server. A single path overrides all paths; `once` overrides `behave`. */
export interface Script {
  behave(answer: FaultyAnswer, path?: string): void
  once(answers: readonly FaultyAnswer[], path?: string): void
  /** Takes the response for the next request to a path. */
  take(path: string): FaultyAnswer
}

/** Creates a script that responds `ok` until you tell it otherwise. */
export function createScript(): Script {
  const everywhere: Lines = { always: { kind: 'ok' }, next: [] }
  const perPath = new Map<string, Lines>()

  const linesOf = (path: string | undefined): Lines => {
    if (path === undefined) return everywhere
    const known = perPath.get(path) ?? { always: undefined, next: [] }
    perPath.set(path, known)
    return known
  }

  return {
    behave: (answer, path) => {
      linesOf(path).always = answer
    },
    once: (answers, path) => void linesOf(path).next.push(...answers),
    take: (path) => {
      const own = perPath.get(path)
      return own?.next.shift() ?? own?.always ?? everywhere.next.shift() ?? everywhere.always ?? { kind: 'ok' }
    },
  }
}

interface Lines {
  always: FaultyAnswer | undefined
  readonly next: FaultyAnswer[]
}
