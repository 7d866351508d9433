/**
 * The member of an object that its author wrote: its own, or one of its class. Members of `Object.prototype`, where a vulnerable
 * dependency may have put anything, do not count.
 */
export function own<T extends object, N extends keyof T>(object: T, name: N): T[N] | undefined
export function own(object: object, name: PropertyKey): unknown
export function own(object: object, name: PropertyKey): unknown {
  return has(object, name) ? (object as Readonly<Record<PropertyKey, unknown>>)[name] : undefined
}

/** Whether an object has a member as `own` sees it, be it `undefined`. */
export function has(object: object, name: PropertyKey): boolean {
  if (Object.hasOwn(object, name)) return true
  const prototype: unknown = Object.getPrototypeOf(object)
  return typeof prototype === 'object' && prototype !== null && !isRoot(prototype) && has(prototype, name)
}

/**
 * A copy of options that inherits nothing, so that it can be read plainly: every member of the object itself, and those of its class that
 * are among `names`. Getters are called once.
 */
export function ownOptions<T extends object>(options: T, names: readonly string[]): T {
  const copy = bare<object>({ ...options }) as Record<string, unknown>
  for (const name of names)
    if (!(name in copy) && has(options, name)) copy[name] = (options as Readonly<Record<string, unknown>>)[name]
  return copy as T
}

/** The object itself, from now on without a prototype. Only for objects made for it. */
export function bare<T extends object>(object: T): T {
  return Object.setPrototypeOf(object, null) as T
}

/** As `bare`, through and through: for parsed JSON and tables. */
export function bareThrough<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  if (!Array.isArray(value)) bare(value)
  for (const item of Object.values(value)) bareThrough(item)
  return value
}

// That of this realm, or of another one, such as a test environment's.
function isRoot(prototype: object): boolean {
  return (
    prototype === Object.prototype ||
    (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf'))
  )
}

/**
 * Freezes a plain object or array and everything in it, and gives it back. Leaves instances of classes alone, which a schema may put
 * into claims: some cannot be frozen, and others belong to the application.
 */
export function deepFreeze<T>(value: T): T {
  if (!isPlain(value) || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const item of Object.values(value)) deepFreeze(item)
  return value
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return Array.isArray(value) || prototype === Object.prototype || prototype === null
}

/**
 * Whether a value has to be waited for. Told by its shape: a library or a monitoring agent may have replaced `globalThis.Promise`, of
 * which the promises of async functions are no instances then.
 */
export function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  const mayHaveMembers = (typeof value === 'object' && value !== null) || typeof value === 'function'
  return mayHaveMembers && typeof (value as { then?: unknown }).then === 'function'
}

/** Keeps a promise that nobody waits for from ending the program when it is rejected. Anything else is left alone. */
export function ignoreRejection(value: unknown): void {
  if (isThenable(value)) Promise.resolve(value).catch(() => {})
}

/**
 * The answer of a predicate is a boolean, and not for example a promise, which would always count as true.
 *
 * @throws TypeError
 */
export function assertBoolean(answer: unknown, who: string): asserts answer is boolean {
  if (typeof answer === 'boolean') return
  ignoreRejection(answer)
  throw new TypeError(`${who} must answer with true or false, at once`)
}
