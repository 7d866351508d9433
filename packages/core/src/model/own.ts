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
