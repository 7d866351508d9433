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

function suggestion(name: string, known: readonly string[]): string {
  const plain = (text: string): string =>
    text
      .toLowerCase()
      .replaceAll(/[^a-z]/g, '')
      .replace(/s$/, '')
  const close = known.find((candidate) => plain(candidate) === plain(name))
  return close === undefined ? `; the options are ${known.join(', ')}` : `; did you mean "${close}"?`
}
