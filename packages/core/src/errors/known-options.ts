import { misconfigured } from './misconfigured.ts'

/**
 * Refuses option names that do not exist, so that a slip of the pen does not switch a check off.
 *
 * @throws TypeError
 */
export function assertKnownOptions(action: string, options: object, known: readonly string[]): void {
  for (const name of Object.keys(options))
    if (!known.includes(name)) throw misconfigured(action, `there is no option "${name}"${suggestion(name, known)}`)
}

/**
 * Refuses `null`, which is easily mistaken for "no rule", where an option is to be left out instead.
 *
 * @throws TypeError
 */
export function assertNotNull(action: string, options: object, names: readonly string[]): void {
  for (const name of names)
    if ((options as Readonly<Record<string, unknown>>)[name] === null)
      throw misconfigured(action, `"${name}" must not be null: leave it out for its default`)
}

function suggestion(name: string, known: readonly string[]): string {
  const plain = (text: string): string =>
    text
      .toLowerCase()
      .replaceAll(/[^a-z]/g, '')
      .replace(/s$/, '')
  const close = known.find((candidate) => plain(candidate) === plain(name))
  return close === undefined ? `; the options are ${known.join(', ')}` : `; did you mean "${close}"?`
}
