const SOURCE = /packages\/\w+\/src\/[\w./-]+\.ts:\d+/

const prototype: object = Object.prototype

/** Where sources of the packages read a member from `Object.prototype`, and which. */
export interface Trap {
  /** `name at file:line`, each once. */
  readonly reads: ReadonlySet<string>
  release(): void
}

/**
 * Puts a getter for each name on `Object.prototype`, which records the reader and returns `undefined`, so that programs behave
 * as before.
 */
export function trapReads(names: readonly string[]): Trap {
  const reads = new Set<string>()
  for (const name of names)
    Object.defineProperty(prototype, name, {
      configurable: true,
      enumerable: false,
      get: () => {
        const frame = callerOf()
        if (frame !== undefined) reads.add(`${name} at ${frame}`)
        return undefined
      },
      // Like an assignment without the getter.
      set(this: object, value: unknown) {
        Object.defineProperty(this, name, { value, writable: true, enumerable: true, configurable: true })
      },
    })
  return {
    reads,
    release: () => {
      for (const name of names) delete (Object.prototype as Record<string, unknown>)[name]
    },
  }
}

let asking = false

// The reader is the first frame below the getter; reading it must not trigger the getter again.
function callerOf(): string | undefined {
  if (asking) return undefined
  asking = true
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 4
  try {
    const [, , , frame = ''] = (new Error('trap').stack ?? '').split('\n')
    return SOURCE.exec(frame)?.[0]
  } finally {
    Error.stackTraceLimit = stackTraceLimit
    asking = false
  }
}
