import { secretsIn } from './finds.ts'
import { SHORTEST } from './secret-in.ts'

/** What the errors of a test have shown. */
export interface ErrorWatch {
  /** Where secrets were found since the last call. */
  takeFinds(): readonly string[]
}

/**
 * Replaces the constructors of errors, so that every error which a package makes is checked, with its members and causes. Errors that tests,
 * fakes and libraries make do not count, except as causes. Packages that are loaded before are not watched.
 */
export function watchErrors(): ErrorWatch {
  const finds = new Set<string>()
  let made = 0
  // Checked when the next one is made, because its constructor has not set its members yet.
  let last: Error | undefined

  const checkLast = (): void => {
    const error = last
    if (error === undefined) return
    last = undefined
    made += 1
    const found = secretsIn(made > WHOLE_ERRORS ? { message: error.message } : error, titleOf(error))
    if (found.length > 0 && isOurs(error)) for (const find of found) finds.add(find)
  }

  const watched = <C extends Function>(constructor: C): C => {
    const construct = (target: C, values: readonly unknown[], maker: Function): object => {
      checkLast()
      const error = Reflect.construct(target, values, maker) as Error
      // Keeps this function out of the stack trace.
      if (Error.stackTraceLimit > 0) Error.captureStackTrace(error, construct)
      last = error
      return error
    }
    return new Proxy(constructor, { construct })
  }

  const place = globalThis as unknown as Record<string, Function>
  for (const constructor of [Error, TypeError, RangeError, SyntaxError, AggregateError]) {
    const replacement = watched<Function>(constructor)
    constructor.prototype.constructor = replacement
    place[constructor.name] = replacement
  }

  return {
    takeFinds: () => {
      checkLast()
      const taken = [...finds]
      finds.clear()
      made = 0
      return taken
    },
  }
}

// So many errors of a test are checked in full. Of further ones, which only fuzz tests cause, only the message, which quotes the members.
const WHOLE_ERRORS = 500
const FRAME = /^\s+at .+/m
// The fakes of AWS quote what they receive, as AWS may.
const OURS = /\/packages\/(?!testing\/src\/aws\/)[\w-]+\/(?:src|dist)\//
const TESTS = /\.test(?:-support)?\.ts/

// A stack trace is formatted only for a find. An AuthError has none.
function isOurs(error: Error): boolean {
  const [frame] = FRAME.exec(error.stack ?? '') ?? []
  return frame === undefined || (OURS.test(frame) && !TESTS.test(frame))
}

function titleOf(error: Error): string {
  const { code } = error as { readonly code?: unknown }
  return typeof code === 'string' && code.length < SHORTEST ? `${error.name} ${code}` : error.name
}
