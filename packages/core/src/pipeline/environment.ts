import { quote } from '../errors/quote.ts'
import { httpHost, printedUri } from '../keys/fetch/key-uri.ts'
import { type PublicKeyNames, readPublicKey } from '../keys/public-key.ts'
import { type Algorithm, algorithmTraits, DEFAULT_ALGORITHMS, isAlgorithm, isSymmetric } from '../model/algorithm.ts'
import { own } from '../model/values.ts'
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
  if (!isOptions(env))
    throw misconfigured(ACTION, 'write optionsFromEnv(process.env), or optionsFromEnv(env) in a worker', env)
  const { read, list, problems } = variablesOf(env)
  const jwksUri = read('JWT_JWKS_URI', url)
  const algorithms = list('JWT_ALGORITHMS', algorithm)
  const publicKey = read('JWT_PUBLIC_KEY', (text) => {
    readPublicKey(text, algorithms ?? DEFAULT_ALGORITHMS, PUBLIC_KEY_NAMES)
    return text
  })
  if (isSet(env, 'JWT_JWKS_URI') && isSet(env, 'JWT_PUBLIC_KEY'))
    problems.push('set JWT_JWKS_URI or JWT_PUBLIC_KEY, but not both')
  const allowHttpHosts = list('JWT_ALLOW_HTTP_HOSTS', host)
  if (isSet(env, 'JWT_ALLOW_HTTP_HOSTS') && isSet(env, 'JWT_PUBLIC_KEY'))
    problems.push('JWT_ALLOW_HTTP_HOSTS is for keys that are fetched: leave it out with JWT_PUBLIC_KEY')
  const issuer = read('JWT_ISSUER', (text, name) => {
    const only = one(name, text)
    if (URL.canParse(only) || isSet(env, 'JWT_JWKS_URI') || isSet(env, 'JWT_PUBLIC_KEY')) return only
    throw misconfigured(ACTION, `${name} must be a URL to find keys by; else set JWT_JWKS_URI`, only)
  })
  const audience = list('JWT_AUDIENCE', named)
  const clockTolerance = read('JWT_CLOCK_TOLERANCE', tolerance)
  problems.push(...missing(env), ...misspelled(env))
  if (issuer === undefined || audience === undefined || problems.length > 0)
    throw misconfigured(ACTION, problems.join('; '))
  return {
    issuer,
    audience,
    ...(jwksUri === undefined ? {} : { jwksUri }),
    ...(publicKey === undefined ? {} : { publicKey }),
    ...(algorithms === undefined ? {} : { algorithms }),
    ...(clockTolerance === undefined ? {} : { clockTolerance }),
    ...(allowHttpHosts === undefined ? {} : { allowHttpHosts }),
  }
}

const ACTION = 'read the environment'
const PUBLIC_KEY_NAMES: PublicKeyNames = {
  action: ACTION,
  publicKey: 'JWT_PUBLIC_KEY',
  jwksUri: 'JWT_JWKS_URI',
  algorithms: 'JWT_ALGORITHMS',
}

type Name = keyof EnvironmentVariables

const REQUIRED: readonly (readonly [name: Name, meaning: string])[] = [
  ['JWT_ISSUER', 'the exact iss of the tokens, for example https://auth.example.com'],
  ['JWT_AUDIENCE', 'the name of this API in the aud of the tokens'],
]

const NAMES: readonly Name[] = [
  'JWT_ISSUER',
  'JWT_AUDIENCE',
  'JWT_JWKS_URI',
  'JWT_PUBLIC_KEY',
  'JWT_ALGORITHMS',
  'JWT_CLOCK_TOLERANCE',
  'JWT_ALLOW_HTTP_HOSTS',
]

interface Variables {
  /** The parsed value of a variable. `undefined` if it is unset or invalid; an invalid value is added to `problems`. */
  read<T>(name: Name, parse: (text: string, name: Name) => T): T | undefined
  /** Like `read`, for values separated by commas. */
  list<T>(name: Name, parse: (text: string, name: Name) => T): readonly T[] | undefined
  readonly problems: string[]
}

function variablesOf(env: Environment): Variables {
  const problems: string[] = []
  const read: Variables['read'] = (name, parse) => {
    const text = textOf(env, name)
    if (text === '') return undefined
    try {
      return parse(text, name)
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      problems.push(error.message.replace(`Cannot ${ACTION}: `, ''))
      return undefined
    }
  }
  const list: Variables['list'] = (name, parse) =>
    read(name, (text) => {
      if (/^[["'`{]/.test(text))
        throw misconfigured(
          ACTION,
          `${name} must be names separated by commas, such as a,b: take off brackets and quotes`,
          text,
        )
      return text.split(',').map((item) => {
        if (item.trim() === '') throw misconfigured(ACTION, `${name} has an empty item between its commas`, text)
        return parse(item.trim(), name)
      })
    })
  return { read, list, problems }
}

// Many deployment tools set a variable to an empty string to mean "unset". In workers, values may be numbers.
function textOf(env: Environment, name: Name): string {
  const value: unknown = own(env, name) ?? ''
  if (typeof value === 'string' || typeof value === 'number') return String(value).trim()
  throw misconfigured(ACTION, `${name} must be text, found ${kindOf(value)}`)
}

function isSet(env: Environment, name: Name): boolean {
  return textOf(env, name) !== ''
}

function missing(env: Environment): readonly string[] {
  return REQUIRED.filter(([name]) => !isSet(env, name)).map(([name, meaning]) => {
    const other = Object.keys(env).find(
      (key) => key !== name && nearestName(withoutPrefix(key), [withoutPrefix(name)], 'others') !== undefined,
    )
    return `set ${name} to ${meaning}${other === undefined ? '' : `; is that ${quote(other)}?`}`
  })
}

// The application may have its own JWT_ variables, so only a likely typo of an unset one is an error.
function misspelled(env: Environment): readonly string[] {
  const open = NAMES.filter((name) => !isSet(env, name) && REQUIRED.every(([required]) => required !== name))
  return Object.keys(env).flatMap((key) => {
    if (!/^JWT_/i.test(key) || (NAMES as readonly string[]).includes(key) || own(env, key) === '') return []
    const near = nearestName(withoutPrefix(key), open.map(withoutPrefix), 'typos')
    return near === undefined ? [] : [`there is no ${quote(key)}: did you mean JWT_${near}?`]
  })
}

function withoutPrefix(name: string): string {
  return name.replace(/^JWT_/i, '')
}

function one(name: Name, text: string): string {
  if (/^[["'`{]/.test(text))
    throw misconfigured(ACTION, `${name} must be written without brackets and quotes`, printedUri(text))
  if (/[\s,;]https?:/i.test(text))
    throw misconfigured(
      ACTION,
      `${name} must be one: several issuers are "issuers" of createVerifier`,
      printedUri(text),
    )
  return named(text, name)
}

function named(text: string, name: Name): string {
  if (!['*', 'null', 'undefined'].includes(text)) return text
  const rule =
    name === 'JWT_AUDIENCE' ? '; to accept tokens for any audience, give createVerifier "audience": null' : ''
  throw misconfigured(ACTION, `${name} must be a name, and is ${quote(text)}${rule}`)
}

function url(text: string, name: Name): string {
  if (URL.canParse(one(name, text))) return text
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
