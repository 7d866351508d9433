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
import type { Profile, ProfileData, Word } from './profile.ts'
import { profiles } from './profiles.ts'

/**
 * Reads options from environment variables, as `optionsFromEnv` of `@claimgate/core` does, and also a provider: `JWT_PROVIDER` names the
 * profile, such as `auth0`, and each setting of it has a variable, such as `JWT_DOMAIN` and `JWT_TENANT_ID`. Lists are separated by commas.
 *
 * @throws TypeError that names a missing or wrong variable; without `JWT_PROVIDER`, all of them
 */
export function optionsFromEnv(env: Environment): SingleIssuerOptions {
  if (!isOptions(env) || textOf(env, 'JWT_PROVIDER') === '') return withoutProviders(env)
  const profile = profileNamed(textOf(env, 'JWT_PROVIDER'), ACTION, 'JWT_PROVIDER')
  const { data } = profile
  const words = wordsFrom(env, data)
  try {
    return profile(words)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new TypeError(withVariables(error.message, data), { cause: error })
  }
}

const ACTION = 'read the environment'

/**
 * The policy of a profile by its name, such as `auth0`, from its settings as text, such as those of a command line. Lists are separated by
 * commas.
 *
 * @throws TypeError for an unknown name, and for a setting that is missing or wrong
 */
export function policyFromTexts(name: string, texts: Readonly<Record<string, string>>): IssuerPolicy {
  const profile = profileNamed(name, 'use a profile', '"provider"')
  const words: Record<string, unknown> = bare({})
  for (const [word, text] of Object.entries(texts)) {
    const known = own(profile.data.words, word)
    // The profile says what to write instead of a setting it does not have.
    words[word] =
      known === undefined
        ? text
        : valueOf(text, { option: word, word: known, action: 'use a profile', name: `the text of "${word}"` })
  }
  return profile(words)
}

type AnyProfile = Profile<Record<string, unknown>>

function profileNamed(name: string, action: string, variable: string): AnyProfile {
  const profile = profiles.find(({ data }) => data.name === name)
  if (profile !== undefined) return profile as unknown as AnyProfile
  const known = profiles.map(({ data }) => data.name)
  const near = nearestName(name, known, 'typos')
  const advice = near === undefined ? `the profiles are ${known.join(', ')}` : `did you mean ${near}?`
  throw misconfigured(action, `${variable} names no profile: ${advice}`, name)
}

/** The environment variable of a setting: `JWT_TENANT_ID` for `tenantId`. */
function variableOf(word: string): string {
  return `JWT_${word.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`
}

function wordsFrom(env: object, { words }: ProfileData<Record<string, unknown>>): Record<string, unknown> {
  const given: Record<string, unknown> = bare({})
  for (const [name, word] of Object.entries(words)) {
    const text = textOf(env, variableOf(name))
    if (text !== '') given[name] = valueOf(text, { option: name, word, action: ACTION, name: variableOf(name) })
  }
  const ignored = OTHERS.find(
    (variable) => textOf(env, variable) !== '' && !Object.keys(words).map(variableOf).includes(variable),
  )
  if (ignored !== undefined)
    throw misconfigured(ACTION, `with JWT_PROVIDER, leave out ${quote(ignored)}: the profile sets it`)
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

/** A setting to read from a string. */
interface ReadWord {
  readonly option: string
  readonly word: Word
  readonly action: string
  /** The name of the text, for messages. */
  readonly name: string
}

function valueOf(text: string, { option, word, action, name }: ReadWord): unknown {
  switch (word.variable) {
    case 'text':
      return text
    case 'date': {
      const date = new Date(text)
      if (Number.isNaN(date.getTime())) throw misconfigured(action, `${name} must be a date, such as 2027-01-31`, text)
      return date
    }
    case 'list': {
      const items = text.split(',').map((item) => item.trim())
      if (items.includes('')) throw misconfigured(action, `${name} has an empty item between its commas`)
      return items.length === 1 && word.fits(items[0]) ? items[0] : items
    }
    default:
      if (/^\d$/.test(text)) return Number(text)
      throw misconfigured(action, `"${option}" cannot be set through ${name}: call the profile in your program`)
  }
}

function withVariables(message: string, { words }: ProfileData<Record<string, unknown>>): string {
  return Object.keys(words).reduce((text, word) => text.replaceAll(`"${word}"`, variableOf(word)), message)
}

function textOf(env: object, name: string): string {
  const value: unknown = own(env, name) ?? ''
  return typeof value === 'string' ? value.trim() : String(value)
}
