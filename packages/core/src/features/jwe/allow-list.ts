import { misconfigured } from '../../extend.ts'

/**
 * A list of exact names, each one of those known.
 *
 * @throws TypeError for a list that is empty or holds anything else
 */
export function allowList<Name extends string>(
  action: string,
  option: string,
  names: readonly Name[],
  known: readonly Name[],
): ReadonlySet<Name> {
  const list: unknown = names
  if (!Array.isArray(list) || list.length === 0)
    throw misconfigured(action, `"${option}" must list at least one of ${known.join(', ')}`)
  for (const name of names)
    if (!known.includes(name)) throw misconfigured(action, `"${option}" may hold ${known.join(', ')}`, name)
  return new Set(names)
}
