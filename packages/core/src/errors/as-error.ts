import { AuthError } from './auth-error.ts'
import { catalogue } from './catalogue.ts'

/**
 * What was thrown, as an error. Frameworks read `undefined`, `null` and some strings as "go on" when a hook fails with them, so application
 * code that throws such a value would open a route. Any value that is no error becomes the `cause` of one.
 */
export function asError(thrown: unknown): Error {
  if (isError(thrown)) return thrown
  // Only the type: the value may be anything, a token included.
  const kind = thrown === null ? 'null' : typeof thrown
  return new TypeError(`Application code threw a value that is not an Error, of type ${kind}`, { cause: thrown })
}

/** As `asError`, for an `AuthError` with one of its statuses; anything else is `undefined` here and a bug of the application. */
export function asRefusal(thrown: unknown): AuthError | undefined {
  return isError(thrown) && thrown instanceof AuthError && STATUSES.has(thrown.status) ? thrown : undefined
}

const STATUSES: ReadonlySet<unknown> = new Set(Object.values(catalogue).map(({ status }) => status))

// Errors of another realm are no instances of this one's Error. A proxy may throw when it is asked what it is.
function isError(value: unknown): value is Error {
  if (typeof value !== 'object' || value === null) return false
  try {
    return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]'
  } catch {
    return false
  }
}
