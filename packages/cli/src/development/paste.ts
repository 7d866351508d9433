import { own } from '@claimgate/core/adapter'

import { literal } from '../configuration.ts'
import type { Provider } from './token-plan.ts'

// Where the keys are: the line to paste replaces them by those of `serve`.
const KEY_MEMBERS = ['keys', 'jwksUri', 'metadataUri', 'allowedKeyHosts']
// A policy with one of these and another `jwksUri` is refused.
const IN_THE_WAY = KEY_MEMBERS.filter((name) => name !== 'jwksUri')

/** The lines of JavaScript that accept the tokens of a provider, with keys from another address. */
export function configurationOf({ name, words, policy }: Provider, jwksUri: string): readonly string[] {
  const call = name.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
  const given = `${call}(${literal(words)})`
  const removed = IN_THE_WAY.filter((member) => own(policy, member) !== undefined)
  const imported = `import { ${call} } from '@claimgate/core/providers'`
  if (removed.length === 0) return [imported, `const options = { ...${given}, jwksUri: '${jwksUri}' }`]
  return [
    imported,
    `const { ${removed.join(', ')}, ...policy } = ${given}`,
    `const options = { ...policy, jwksUri: '${jwksUri}' }`,
  ]
}

/** The header field that carries a token: `Authorization`, or the one of the provider's proxy. */
export function credentialField(provider: Provider | undefined, token: string): string {
  const name = credentialHeader(provider)
  return name === undefined ? `Authorization: Bearer ${token}` : `${name}: ${token}`
}

/** The header in which the provider's proxy sends the bare token; `undefined` if it is `Authorization`. */
export function credentialHeader(provider: Provider | undefined): string | undefined {
  const [first] = provider?.policy.provider?.credentials ?? []
  return first?.from === 'header' ? first.name : undefined
}
