/**
 * The member of an object that its author wrote: its own, or one of its class. Members of `Object.prototype`, where a vulnerable
 * dependency may have put anything, do not count.
 */
export const own = (object: object, name: PropertyKey): unknown =>
  has(object, name) ? (object as Readonly<Record<PropertyKey, unknown>>)[name] : undefined

/** Whether an object has a member as `own` sees it, be it `undefined`. */
export const has = (object: object, name: PropertyKey): boolean => {
  if (Object.hasOwn(object, name)) return true
  const prototype: unknown = Object.getPrototypeOf(object)
  return typeof prototype === 'object' && prototype !== null && !isRoot(prototype) && has(prototype, name)
}

/**
 * A copy of options that inherits nothing, so that it can be read plainly: every member of the object itself, and those of its class that
 * are among `names`. Getters are called once.
 */
export const ownOptions = <T extends object>(options: T, names: readonly string[]): T => {
  const copy = bare<object>({ ...options }) as Record<string, unknown>
  for (const name of names) {
    if (!(name in copy) && has(options, name)) copy[name] = own(options, name)
  }
  return copy as T
}

/** The object itself, from now on without a prototype. Only for objects made for it. */
export const bare = <T extends object>(object: T): T => Object.setPrototypeOf(object, null) as T

// That of this realm, or of another one, such as a test environment's.
const isRoot = (prototype: object): boolean =>
  prototype === Object.prototype ||
  (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf'))
