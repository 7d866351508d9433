import { liveSecrets } from './live-secrets.ts'
import { secretIn, SHORTEST } from './secret-in.ts'
import { textsOf } from './texts-of.ts'

/** The secrets of this test file, as WebCrypto has seen them. */
export const secretsInUse = liveSecrets()

/** The kind of secret that a text holds, judged by its form and by the secrets in use. */
export function kindOfSecret(text: string): string | undefined {
  if (text.length < SHORTEST) return undefined
  return secretIn(text) ?? (secretsInUse.showIn(text) ? 'part of a token or key that is in use' : undefined)
}

/**
 * Where a value holds secrets: a text, an error with its causes, an event, an entry of a log. See `textsOf` for what is read.
 * The result names places and kinds, never the secrets.
 *
 * @param title the name of the value, such as `event keys.stale`
 */
export function secretsIn(value: unknown, title: string): readonly string[] {
  const found = new Set<string>()
  textsOf(value, (text, place) => {
    const kind = kindOfSecret(text)
    if (kind !== undefined) found.add(`${title}, ${place()}: ${kind}`)
  })
  return [...found]
}

/**
 * Checks an error, an event, a log or printed text, with everything it contains.
 *
 * @throws Error that lists where secrets are, without the secrets
 */
export function assertNoSecrets(value: unknown, title = 'value'): void {
  assertNoFinds(secretsIn(value, title))
}

/** @throws Error that lists the places, if there are any */
export function assertNoFinds(finds: readonly string[]): void {
  if (finds.length > 0)
    throw new Error(`Secrets where they must not be:\n${finds.map((find) => `- ${find}`).join('\n')}`)
}
