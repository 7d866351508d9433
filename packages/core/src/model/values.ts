/**
 * A member that the object or its class defines. Members of `Object.prototype` are ignored, because a vulnerable dependency may have added
 * them.
 */
export function own<T extends object, N extends keyof T>(object: T, name: N): T[N] | undefined
export function own(object: object, name: PropertyKey): unknown
export function own(object: object, name: PropertyKey): unknown {
  return has(object, name) ? (object as Readonly<Record<PropertyKey, unknown>>)[name] : undefined
}

/** Whether a value has members: an object or an array, but no function. */
export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** Whether `own` finds a member, even if its value is `undefined`. */
export function has(object: object, name: PropertyKey): boolean {
  if (Object.hasOwn(object, name)) return true
  const prototype: unknown = Object.getPrototypeOf(object)
  return isObject(prototype) && !isRoot(prototype) && has(prototype, name)
}

/** The bytes that a view covers, not copied. */
export function bytesIn({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

/** The member at a name, or at a path of names. Follows only members that objects themselves have, and no elements of arrays. */
export function valueAt(object: object, path: string | readonly string[]): unknown {
  let value: unknown = object
  for (const name of typeof path === 'string' ? [path] : path) {
    if (!isObject(value) || Array.isArray(value) || !Object.hasOwn(value, name)) return undefined
    value = (value as Readonly<Record<string, unknown>>)[name]
  }
  return value
}

/**
 * A copy of options that inherits nothing, so it is safe to read: every member of the object itself, and those of its class that
 * are among `names`. Getters are called once.
 */
export function ownOptions<T extends object>(options: T, names: readonly string[]): T {
  const copy = bare<object>({ ...options }) as Record<string, unknown>
  for (const name of names)
    if (!(name in copy) && has(options, name)) copy[name] = (options as Readonly<Record<string, unknown>>)[name]
  return copy as T
}

/** Removes the object's prototype and returns it. Only for objects created for this purpose. */
export function bare<T extends object>(object: T): T {
  return Object.setPrototypeOf(object, null) as T
}

/** Like `bare`, recursively: for parsed JSON and tables. */
export function bareThrough<T>(value: T): T {
  if (!isObject(value)) return value
  if (!Array.isArray(value)) bare(value)
  for (const item of Object.values(value)) bareThrough(item)
  return value
}

// The Object.prototype of this realm or of another one, such as a test environment's.
function isRoot(prototype: object): boolean {
  return (
    prototype === Object.prototype ||
    (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf'))
  )
}

/**
 * Deeply freezes a plain object or array, and returns it. Skips class instances, which a schema may put into claims: some cannot be frozen,
 * and others belong to the application.
 */
export function deepFreeze<T>(value: T): T {
  if (!isPlain(value) || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const item of Object.values(value)) deepFreeze(item)
  return value
}

function isPlain(value: unknown): value is object {
  if (!isObject(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return Array.isArray(value) || prototype === Object.prototype || prototype === null
}

/**
 * Whether a value must be awaited. Checked by shape, because a library or a monitoring agent may have replaced `globalThis.Promise`, and
 * then the promises of async functions are not instances of it.
 */
export function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  const mayHaveMembers = isObject(value) || typeof value === 'function'
  return mayHaveMembers && typeof (value as { then?: unknown }).then === 'function'
}

/** A value, or a promise of it. */
export type Soon<T> = T | Promise<T>

/** Continues with a value at once, or with that of a promise later. */
export function chained<T, R>(value: Soon<T>, go: (value: T) => Soon<R>): Soon<R> {
  return isThenable(value) ? Promise.resolve(value).then(go) : go(value)
}

/** A promise that is rejected in the next microtask. Node does extra bookkeeping for one that is rejected before it can have a handler. */
export function rejectedSoon(error: Error): Promise<never> {
  return new Promise((_, reject) => {
    // oxlint-disable-next-line promise/no-promise-in-callback -- waits for one microtask on purpose
    void DONE.then(() => reject(error))
  })
}

const DONE = Promise.resolve()

/** Prevents an unhandled rejection if the value is a promise. Ignores anything else. */
export function ignoreRejection(value: unknown): void {
  if (isThenable(value)) Promise.resolve(value).catch(() => {})
}

/**
 * A predicate must return a boolean, and not, for example, a promise, which would always count as true.
 *
 * @throws TypeError
 */
export function assertBoolean(answer: unknown, who: string): asserts answer is boolean {
  if (typeof answer === 'boolean') return
  ignoreRejection(answer)
  throw new TypeError(`${who} must return true or false, not a promise`)
}
