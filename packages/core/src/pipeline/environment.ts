import { quote } from '../errors/quote.ts'
import { httpHost, printedUri } from '../keys/fetch/key-uri.ts'
import { readPublicKey } from '../keys/public-key.ts'
import { type Algorithm, algorithmTraits, DEFAULT_ALGORITHMS, isAlgorithm, isSymmetric } from '../model/algorithm.ts'
import { bare, own } from '../model/values.ts'
import { nearestName } from '../options/suggestions.ts'
import { isOptions, kindOf, misconfigured } from '../options/option-rules.ts'
import type { SingleIssuerOptions } from './options.ts'

/** Environment variables by name: `process.env`, or an object that declares the ones that are read, such as a worker's `env`. */
export type Environment = Readonly<Record<string, string | undefined>> | EnvironmentVariables

/** The environment variables that are read. */
interface EnvironmentVariables {
  readonly JWT_ISSUER?: string | undefined
  readonly JWT_AUDIENCE?: string | undefined
  readonly JWT_JWKS_URI?: string | undefined
  readonly JWT_PUBLIC_KEY?: string | undefined
  readonly JWT_ALGORITHMS?: string | undefined
  readonly JWT_CLOCK_TOLERANCE?: string | undefined
  readonly JWT_ALLOW_HTTP_HOSTS?: string | undefined
  readonly JWT_PROVIDER?: string | undefined
}

/**
 * Reads options from environment variables. An empty variable counts as unset.
 *
 * - `JWT_ISSUER`: the exact `iss`. Required.
 * - `JWT_AUDIENCE`: this API's name in `aud`; separate several with commas. Required.
 * - `JWT_JWKS_URI`: the address of the JWK Set. Without it and without a public key, keys are discovered from the issuer.
 * - `JWT_PUBLIC_KEY`: SPKI or X.509 PEM, the base64 of that PEM, or a JWK.
 * - `JWT_ALGORITHMS`: accepted algorithms, separated by commas.
 * - `JWT_CLOCK_TOLERANCE`: seconds, 0 to 300.
 * - `JWT_ALLOW_HTTP_HOSTS`: hosts that the addresses above may use with `http:`, such as `keycloak:8080`, separated by commas.
 *
 * @throws TypeError that names every missing or invalid variable, and every variable whose name looks like a typo of an unset one
 */
export function optionsFromEnv(env: Environment): SingleIssuerOptions {
  return readEnvironment(env, NEEDED)
}

/** Like `optionsFromEnv`, with another list of required variables: a protected resource is its own audience. */
export function readEnvironment(env: Environment, needed: readonly Name[] | undefined = NEEDED): SingleIssuerOptions {
  if (!isOptions(env))
    throw misconfigured(ACTION, 'write optionsFromEnv(process.env), or optionsFromEnv(env) in a worker', env)
  if (textOf(env, 'JWT_PROVIDER') !== '')
    throw misconfigured(ACTION, 'with JWT_PROVIDER, import optionsFromEnv from @claimgate/core/providers')
  const texts = new Map(NAMES.map((name) => [name, textOf(env, name)] as const).filter(([, text]) => text !== ''))
  const options = bare<Partial<Record<keyof SingleIssuerOptions, unknown>>>({})
  const problems: string[] = []
  for (const [name, text] of texts) {
    const { option, list, parse } = VARIABLES[name]
    try {
      const parsed = (item: string): unknown => parse(item, name, { texts, algorithms: options.algorithms })
      options[option] = list ? itemsOf(text, name).map(parsed) : parsed(text)
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      problems.push(error.message.replace(`Cannot ${ACTION}: `, ''))
    }
  }
  if (texts.has('JWT_PUBLIC_KEY') && texts.has('JWT_JWKS_URI'))
    problems.push('set JWT_JWKS_URI or JWT_PUBLIC_KEY, but not both')
  if (texts.has('JWT_PUBLIC_KEY') && texts.has('JWT_ALLOW_HTTP_HOSTS'))
    problems.push('JWT_ALLOW_HTTP_HOSTS is for keys that are fetched: leave it out with JWT_PUBLIC_KEY')
  problems.push(...missing(env, texts, needed), ...misspelled(env, texts))
  if (problems.length > 0) throw misconfigured(ACTION, problems.join('; '))
  return { ...options } as unknown as SingleIssuerOptions
}

const ACTION = 'read the environment'

type Name = Exclude<keyof EnvironmentVariables, 'JWT_PROVIDER'>
/** The variables that are set. */
type Texts = ReadonlyMap<Name, string>

interface Variable {
  readonly option: keyof SingleIssuerOptions
  /** Whether it holds several values, separated by commas. */
  readonly list: boolean
  /** @throws TypeError */
  parse(text: string, name: Name, read: { readonly texts: Texts; readonly algorithms: unknown }): unknown
}

// In the order they are read: a public key must fit the algorithms.
const VARIABLES: Readonly<Record<Name, Variable>> = {
  JWT_JWKS_URI: { option: 'jwksUri', list: false, parse: url },
  JWT_ALGORITHMS: { option: 'algorithms', list: true, parse: algorithm },
  JWT_PUBLIC_KEY: { option: 'publicKey', list: false, parse: key },
  JWT_ALLOW_HTTP_HOSTS: { option: 'allowHttpHosts', list: true, parse: host },
  JWT_ISSUER: { option: 'issuer', list: false, parse: issuer },
  JWT_AUDIENCE: { option: 'audience', list: true, parse: notPlaceholder },
  JWT_CLOCK_TOLERANCE: { option: 'clockTolerance', list: false, parse: tolerance },
}
const NAMES = Object.keys(VARIABLES) as readonly Name[]

const REQUIRED: readonly (readonly [name: Name, meaning: string])[] = [
  ['JWT_ISSUER', 'the exact iss of the tokens, for example https://auth.example.com'],
  ['JWT_AUDIENCE', 'the name of this API in the aud of the tokens'],
]
const NEEDED: readonly Name[] = ['JWT_ISSUER', 'JWT_AUDIENCE']

function itemsOf(text: string, name: Name): readonly string[] {
  if (/^[["'`{]/.test(text))
    throw misconfigured(
      ACTION,
      `${name} must be names separated by commas, such as a,b: take off brackets and quotes`,
      text,
    )
  const items = text.split(',').map((item) => item.trim())
  if (items.includes('')) throw misconfigured(ACTION, `${name} has an empty item between its commas`, text)
  return items
}

// Many deployment tools set a variable to an empty string to mean "unset". In workers, values may be numbers.
function textOf(env: Environment, name: string): string {
  const value: unknown = own(env, name) ?? ''
  if (typeof value === 'string' || typeof value === 'number') return String(value).trim()
  throw misconfigured(ACTION, `${name} must be text, found ${kindOf(value)}`)
}

function missing(env: Environment, texts: Texts, needed: readonly Name[]): readonly string[] {
  return REQUIRED.filter(([name]) => needed.includes(name) && !texts.has(name)).map(([name, meaning]) => {
    const other = Object.keys(env).find(
      (variable) =>
        variable !== name && nearestName(withoutPrefix(variable), [withoutPrefix(name)], 'others') !== undefined,
    )
    return `set ${name} to ${meaning}${other === undefined ? '' : `; is that ${quote(other)}?`}`
  })
}

// The application may have other JWT_ variables, so only a likely typo of an unset variable is an error.
function misspelled(env: Environment, texts: Texts): readonly string[] {
  const unset = NAMES.filter((name) => !texts.has(name) && REQUIRED.every(([required]) => required !== name))
  return Object.keys(env).flatMap((variable) => {
    if (!/^JWT_/i.test(variable) || Object.hasOwn(VARIABLES, variable) || own(env, variable) === '') return []
    const near = nearestName(withoutPrefix(variable), unset.map(withoutPrefix), 'typos')
    return near === undefined ? [] : [`there is no ${quote(variable)}: did you mean JWT_${near}?`]
  })
}

function withoutPrefix(name: string): string {
  return name.replace(/^JWT_/i, '')
}

function single(text: string, name: Name): string {
  if (/^[["'`{]/.test(text))
    throw misconfigured(ACTION, `${name} must be written without brackets and quotes`, printedUri(text))
  if (/[\s,;]https?:/i.test(text))
    throw misconfigured(
      ACTION,
      `${name} must be one value: for several issuers, pass "issuers" to createVerifier`,
      printedUri(text),
    )
  return notPlaceholder(text, name)
}

function notPlaceholder(text: string, name: Name): string {
  if (!['*', 'null', 'undefined'].includes(text)) return text
  const rule =
    name === 'JWT_AUDIENCE' ? '; to accept tokens for any audience, give createVerifier "audience": null' : ''
  throw misconfigured(ACTION, `${name} must be a name, and is ${quote(text)}${rule}`)
}

function issuer(text: string, name: Name, { texts }: { readonly texts: Texts }): string {
  const only = single(text, name)
  if (URL.canParse(only) || texts.has('JWT_JWKS_URI') || texts.has('JWT_PUBLIC_KEY')) return only
  throw misconfigured(
    ACTION,
    `${name} must be a URL, because keys are discovered from it; otherwise set JWT_JWKS_URI`,
    only,
  )
}

function key(text: string, name: Name, { algorithms }: { readonly algorithms: unknown }): string {
  const names = { action: ACTION, publicKey: name, jwksUri: 'JWT_JWKS_URI', algorithms: 'JWT_ALGORITHMS' }
  readPublicKey(text, (algorithms as readonly Algorithm[] | undefined) ?? DEFAULT_ALGORITHMS, names)
  return text
}

function url(text: string, name: Name): string {
  if (URL.canParse(single(text, name))) return text
  throw misconfigured(ACTION, `${name} must be a URL`, printedUri(text))
}

function host(text: string, name: Name): string {
  if (httpHost(text) !== undefined) return text
  throw misconfigured(ACTION, `${name} may name hosts with their port, such as keycloak:8080`, text)
}

function algorithm(text: string, name: Name): Algorithm {
  if (isAlgorithm(text) && !isSymmetric(text)) return text
  const known = Object.keys(algorithmTraits).filter((other) => !other.startsWith('HS'))
  throw misconfigured(ACTION, `${name} may name ${known.join(', ')}`, text)
}

function tolerance(text: string, name: Name): number {
  const seconds = Number(text)
  if (seconds >= 0 && seconds <= 300) return seconds
  throw misconfigured(ACTION, `${name} must be seconds from 0 to 300`, text)
}
