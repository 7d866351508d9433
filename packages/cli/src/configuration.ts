import type { RecognisedProvider } from '@claimgate/core/providers'

/** A configuration to paste into a program. */
export interface Configuration {
  /** Lines of JavaScript. */
  readonly code: readonly string[]
  /** Settings in the code that are examples, and must be replaced. */
  readonly replace: readonly string[]
}

/** The options of `authenticateJwt` and `createVerifier`, as code. A value of `undefined` leaves its option out. */
export function plainConfiguration(options: Readonly<Record<string, unknown>>): Configuration {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  const audience = 'audience' in given ? given['audience'] : PLACEHOLDER
  const { issuer, ...others } = given
  return {
    code: [`authenticateJwt(${literal({ issuer, ...others, audience })})`],
    replace: audience === PLACEHOLDER ? ['audience'] : [],
  }
}

const PLACEHOLDER = 'the name of this API in aud'

/** The profile of a provider, as code. `known` are settings that a token shows. */
export function profileConfiguration(
  { name, words, missing }: RecognisedProvider,
  known: Readonly<Record<string, unknown>> = {},
): Configuration {
  const shown = Object.fromEntries(
    Object.entries(known).filter(([word, value]) => Object.hasOwn(missing, word) && value !== undefined),
  )
  const profile = name.replace(/-(\w)/g, (_match, letter: string) => letter.toUpperCase())
  return {
    code: [
      `import { ${profile} } from '@claimgate/core/providers'`,
      `authenticateJwt(${profile}(${literal({ ...words, ...missing, ...shown })}))`,
    ],
    replace: Object.keys(missing).filter((word) => !Object.hasOwn(shown, word)),
  }
}

/** A value as JavaScript. Values come from the network, so everything unusual in a text is escaped. */
export function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).map(([name, member]) => `${name}: ${literal(member)}`)
    return `{ ${members.join(', ')} }`
  }
  if (typeof value !== 'string') return String(value)
  return `'${JSON.stringify(value)
    .slice(1, -1)
    .replaceAll('\\"', '"')
    .replaceAll("'", String.raw`\'`)}'`
}
