import {
  bare,
  type Environment,
  isOptions,
  type IssuerPolicy,
  misconfigured,
  nearestName,
  optionsFromEnv as withoutProviders,
  own,
  quote,
  type SingleIssuerOptions,
} from '../adapter.ts'
import type { ProfileData, Word } from './profile.ts'
import { profiles } from './profiles.ts'

/**
 * Reads options from environment variables, as `optionsFromEnv` of `@claimgate/core` does, and also a provider: `JWT_PROVIDER` names the
 * profile, such as `auth0`, and each word of it has a variable, such as `JWT_DOMAIN` and `JWT_TENANT_ID`. Lists are separated by commas.
 *
 * @throws TypeError that names every missing or wrong variable
 */
export function optionsFromEnv(env: Environment): SingleIssuerOptions {
  if (!isOptions(env) || textOf(env, 'JWT_PROVIDER') === '') return withoutProviders(env)
  const name = textOf(env, 'JWT_PROVIDER')
  const profile = profiles.find(({ data }) => data.name === name)
  if (profile === undefined) {
    const known = profiles.map(({ data }) => data.name)
    const near = nearestName(name, known, 'typos')
    const advice = near === undefined ? `the profiles are ${known.join(', ')}` : `did you mean ${near}?`
    throw misconfigured(ACTION, `JWT_PROVIDER names no profile: ${advice}`, name)
  }
  const data: ProfileData<Record<string, unknown>> = profile.data
  const words = wordsFrom(env, data)
  try {
    return (profile as unknown as (given: object) => IssuerPolicy)(words)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new TypeError(withVariables(error.message, data), { cause: error })
  }
}

const ACTION = 'read the environment'

/** The environment variable of a word: `JWT_TENANT_ID` for `tenantId`. */
function variableOf(word: string): string {
  return `JWT_${word.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`
}

function wordsFrom(env: object, { words }: ProfileData<Record<string, unknown>>): object {
  const given: Record<string, unknown> = bare({})
  for (const [name, word] of Object.entries(words)) {
    const text = textOf(env, variableOf(name))
    if (text !== '') given[name] = valueOf(text, name, word)
  }
  const ignored = OTHERS.find(
    (variable) => textOf(env, variable) !== '' && !Object.keys(words).map(variableOf).includes(variable),
  )
  if (ignored !== undefined)
    throw misconfigured(ACTION, `with JWT_PROVIDER, leave out ${quote(ignored)}: the profile says it`)
  return given
}

// Variables of optionsFromEnv that a profile replaces. Ignoring one of them silently could widen what is accepted.
const OTHERS = [
  'JWT_ISSUER',
  'JWT_AUDIENCE',
  'JWT_JWKS_URI',
  'JWT_PUBLIC_KEY',
  'JWT_ALGORITHMS',
  'JWT_CLOCK_TOLERANCE',
  'JWT_ALLOW_HTTP_HOSTS',
]

function valueOf(text: string, name: string, word: Word): unknown {
  switch (word.variable) {
    case 'text':
      return text
    case 'date':
      return new Date(text)
    case 'list': {
      const items = text.split(',').map((item) => item.trim())
      if (items.includes('')) throw misconfigured(ACTION, `${variableOf(name)} has an empty item between its commas`)
      return items.length === 1 && word.fits(items[0]) ? items[0] : items
    }
    default:
      return number(text) ?? refuse(name)
  }
}

function number(text: string): number | undefined {
  return /^\d$/.test(text) ? Number(text) : undefined
}

function refuse(name: string): never {
  throw misconfigured(ACTION, `"${name}" cannot be said in ${variableOf(name)}: call the profile in your program`)
}

function withVariables(message: string, { words }: ProfileData<Record<string, unknown>>): string {
  return Object.keys(words).reduce((text, word) => text.replaceAll(`"${word}"`, variableOf(word)), message)
}

function textOf(env: object, name: string): string {
  const value: unknown = own(env, name) ?? ''
  return typeof value === 'string' ? value.trim() : String(value)
}
