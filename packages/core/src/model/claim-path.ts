/**
 * Where a claim is: its name, or for a claim within others the names from the outside in. `['realm_access', 'roles']` is the `roles` in
 * `realm_access`; `'realm_access.roles'` is a claim whose name has a dot in it.
 */
export type ClaimPath = string | readonly string[]

/** What is at a path, or `undefined`. Only own members of objects are followed, and no elements of arrays. */
export function valueAt(claims: object, path: ClaimPath): unknown {
  if (typeof path === 'string') return memberOf(claims, path)
  let value: unknown = claims
  for (const name of path) value = memberOf(value, name)
  return value
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name))
    return undefined
  return (value as Readonly<Record<string, unknown>>)[name]
}

/** A path as a person reads it. */
export function nameOfPath(path: ClaimPath): string {
  return typeof path === 'string' ? path : path.join('.')
}

/** Whether a value is a path: a name, or a list of at least one. */
export function isClaimPath(value: unknown): value is ClaimPath {
  const names: readonly unknown[] = Array.isArray(value) ? value : [value]
  return names.length > 0 && names.every((name) => typeof name === 'string' && name !== '')
}

/** A path that stays as it is, whatever happens to the list it was given as. */
export function copyPath(path: ClaimPath): ClaimPath {
  if (typeof path === 'string') return path
  const [name, ...rest] = path
  return rest.length === 0 && name !== undefined ? name : Object.freeze([...path])
}
