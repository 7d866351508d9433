/** Calls `get` at the first call and keeps what it gave, for calls at the same time too. After a failure the next call calls it again. */
export const onceItSucceeds = <T>(get: () => Promise<T>): (() => Promise<T>) => {
  let shared: Promise<T> | undefined
  return () => {
    shared ??= get().catch((error: unknown) => {
      shared = undefined
      throw error
    })
    return shared
  }
}
