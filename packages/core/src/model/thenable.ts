/**
 * Whether a value has to be waited for. Told by its shape: a library or a monitoring agent may have replaced `globalThis.Promise`, of
 * which the promises of async functions are no instances then.
 */
export function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  const mayHaveMembers = (typeof value === 'object' && value !== null) || typeof value === 'function'
  return mayHaveMembers && typeof (value as { then?: unknown }).then === 'function'
}
