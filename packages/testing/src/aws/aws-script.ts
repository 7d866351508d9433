import type { AwsAnswer } from './aws-fault.ts'

/** The planned behaviour of an endpoint. `once` overrides `behave`; within each, a single operation overrides all operations. */
export interface AwsScript {
  behave(answer: AwsAnswer, operation?: string): void
  once(answers: readonly AwsAnswer[], operation?: string): void
  /** Takes the behaviour for the next request to an operation. */
  take(operation: string): AwsAnswer
}

/** Creates a script that lets the service respond normally until you tell it otherwise. */
export const createAwsScript = (): AwsScript => {
  const everywhere: Lines = { always: undefined, next: [] }
  const perOperation = new Map<string, Lines>()
  const linesOf = (operation: string | undefined): Lines => {
    if (operation === undefined) return everywhere
    const known = perOperation.get(operation) ?? { always: undefined, next: [] }
    perOperation.set(operation, known)
    return known
  }

  return {
    behave: (answer, operation) => {
      linesOf(operation).always = answer
    },
    once: (answers, operation) => void linesOf(operation).next.push(...answers),
    take: (operation) => {
      const own = perOperation.get(operation)
      return own?.next.shift() ?? everywhere.next.shift() ?? own?.always ?? everywhere.always ?? { kind: 'ok' }
    },
  }
}

interface Lines {
  always: AwsAnswer | undefined
  readonly next: AwsAnswer[]
}
