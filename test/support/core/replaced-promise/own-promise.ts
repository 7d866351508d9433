// oxlint-disable promise/no-callback-in-promise -- promises consist of callbacks
type Settle = (value: unknown) => void

/** A promise like those of libraries: implements Promises/A+, is not a subclass of the runtime's, and is recognized only by its `then`. */
export class OwnPromise {
  #state: 'pending' | 'fulfilled' | 'rejected' = 'pending'
  #value: unknown
  #waiting: (() => void)[] = []

  constructor(executor: (resolve: Settle, reject: Settle) => void) {
    const { resolve, reject } = this.#settlers()
    try {
      executor(resolve, reject)
    } catch (error) {
      reject(error)
    }
  }

  // oxlint-disable-next-line unicorn/no-thenable -- the subject of the test
  then(onValue?: unknown, onError?: unknown): OwnPromise {
    return new OwnPromise((resolve, reject) => {
      const settle = (): void =>
        queueMicrotask(() => {
          const handler = this.#state === 'fulfilled' ? onValue : onError
          try {
            if (typeof handler === 'function') resolve(handler(this.#value))
            else if (this.#state === 'fulfilled') resolve(this.#value)
            else reject(this.#value)
          } catch (error) {
            reject(error)
          }
        })
      if (this.#state === 'pending') this.#waiting.push(settle)
      else settle()
    })
  }

  catch(onError: unknown): OwnPromise {
    return this.then(undefined, onError)
  }

  finally(act: () => unknown): OwnPromise {
    return this.then(
      (value: unknown) => OwnPromise.resolve(act()).then(() => value),
      (error: unknown) =>
        OwnPromise.resolve(act()).then(() => {
          throw error
        }),
    )
  }

  #settlers(): { readonly resolve: Settle; readonly reject: Settle } {
    let settled = false
    const end = (state: 'fulfilled' | 'rejected', value: unknown): void => {
      this.#state = state
      this.#value = value
      for (const settle of this.#waiting.splice(0)) settle()
    }
    const once =
      (act: Settle): Settle =>
      (value) => {
        if (settled) return
        settled = true
        act(value)
      }
    const reject = (error: unknown): void => end('rejected', error)
    const resolve = (value: unknown): void => {
      const later = this.#settlers()
      try {
        const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function'
        const then: unknown = isObject ? (value as { then?: unknown }).then : undefined
        if (typeof then === 'function')
          queueMicrotask(() => {
            try {
              then.call(value, later.resolve, later.reject)
            } catch (error) {
              later.reject(error)
            }
          })
        else end('fulfilled', value)
      } catch (error) {
        later.reject(error)
      }
    }
    return { resolve: once(resolve), reject: once(reject) }
  }

  static resolve(value?: unknown): OwnPromise {
    return value instanceof OwnPromise ? value : new OwnPromise((resolve) => resolve(value))
  }

  static reject(error: unknown): OwnPromise {
    return new OwnPromise((_, reject) => reject(error))
  }

  static race(values: Iterable<unknown>): OwnPromise {
    return new OwnPromise((resolve, reject) => {
      for (const value of values) OwnPromise.resolve(value).then(resolve, reject)
    })
  }

  static all(values: Iterable<unknown>): OwnPromise {
    return OwnPromise.#every(values, (promise, done, reject) => promise.then(done, reject))
  }

  static allSettled(values: Iterable<unknown>): OwnPromise {
    return OwnPromise.#every(values, (promise, done) =>
      promise.then(
        (value: unknown) => done({ status: 'fulfilled', value }),
        (reason: unknown) => done({ status: 'rejected', reason }),
      ),
    )
  }

  static withResolvers(): object {
    let settlers = {}
    const promise = new OwnPromise((resolve, reject) => {
      settlers = { resolve, reject }
    })
    return { promise, ...settlers }
  }

  static #every(
    values: Iterable<unknown>,
    wait: (promise: OwnPromise, done: Settle, reject: Settle) => unknown,
  ): OwnPromise {
    return new OwnPromise((resolve, reject) => {
      const all = [...values]
      const results: unknown[] = Array.from({ length: all.length })
      let left = all.length
      if (left === 0) resolve(results)
      for (const [index, value] of all.entries())
        wait(
          OwnPromise.resolve(value),
          (result) => {
            results[index] = result
            left -= 1
            if (left === 0) resolve(results)
          },
          reject,
        )
    })
  }
}
