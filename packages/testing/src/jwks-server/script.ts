import type { FaultyAnswer } from './fault.ts'

/** What a server will answer. Answers for one path come before those for all paths; `once` comes before `behave`. */
export interface Script {
  behave(answer: FaultyAnswer, path?: string): void
  once(answers: readonly FaultyAnswer[], path?: string): void
  /** Takes the answer for the next request to a path. */
  take(path: string): FaultyAnswer
}

/** A script that answers `ok` until it is told otherwise. */
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
