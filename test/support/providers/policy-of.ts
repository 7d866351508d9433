import type { IssuerPolicy } from '@claimgate/core'
import { profiles } from '@claimgate/core/providers'

/** The policy of a profile by its name, from its examples and other words. */
export function policyOf(name: string, more: object = {}): IssuerPolicy {
  const profile = profiles.find(({ data }) => data.name === name)
  const words = Object.entries((profile?.data.words ?? {}) as Record<string, { readonly example?: unknown }>)
  const examples = Object.fromEntries(
    words.flatMap(([word, { example }]) => (example === undefined ? [] : [[word, example]])),
  )
  return (profile as unknown as (words: object) => IssuerPolicy)({ ...examples, ...more })
}
