import { misconfigured } from './errors/misconfigured.ts'
import { type PublicKeyNames, readPublicKey } from './keys/public-key.ts'
import { type Algorithm, algorithmTraits, DEFAULT_ALGORITHMS, isAlgorithm } from './model/algorithm.ts'
import { own } from './model/own.ts'
import type { SingleIssuerOptions } from './options.ts'

/** Environment variables by name, as `process.env`, or an object that declares those that are read, as the `env` of a worker. */
export type Environment = Readonly<Record<string, string | undefined>> | EnvironmentVariables

/** The environment variables that are read. */
export interface EnvironmentVariables {
  readonly JWT_ISSUER?: string | undefined
  readonly JWT_AUDIENCE?: string | undefined
  readonly JWT_JWKS_URI?: string | undefined
  readonly JWT_PUBLIC_KEY?: string | undefined
  readonly JWT_ALGORITHMS?: string | undefined
  readonly JWT_CLOCK_TOLERANCE?: string | undefined
}

/**
 * Options from environment variables; the only place that knows their names.
 *
 * - `JWT_ISSUER`: the exact `iss`. Required.
 * - `JWT_AUDIENCE`: this API's name in `aud`; several separated by commas. Required.
 * - `JWT_JWKS_URI`: the address of the JWK Set; without it, and without a public key, discovery from the issuer.
 * - `JWT_PUBLIC_KEY`: SPKI or X.509 PEM, or the base64 of it.
 * - `JWT_ALGORITHMS`: accepted algorithms, separated by commas.
 * - `JWT_CLOCK_TOLERANCE`: seconds, 0 to 300.
 *
 * @throws TypeError that names the variable
 */
export function optionsFromEnv(env: Environment): SingleIssuerOptions {
  const jwksUri = text(env, 'JWT_JWKS_URI')
  const publicKey = text(env, 'JWT_PUBLIC_KEY')
  if (jwksUri !== undefined && publicKey !== undefined)
    throw misconfigured(ACTION, 'set JWT_JWKS_URI or JWT_PUBLIC_KEY, but not both')
  const algorithms = algorithmList(env)
  if (publicKey !== undefined) readPublicKey(publicKey, algorithms ?? DEFAULT_ALGORITHMS, PUBLIC_KEY_NAMES)
  const clockTolerance = tolerance(env)
  return {
    issuer: required(env, 'JWT_ISSUER', 'the exact iss of the tokens, for example https://auth.example.com'),
    audience: list('JWT_AUDIENCE', required(env, 'JWT_AUDIENCE', 'the name of this API in the aud of the tokens')),
    ...(jwksUri === undefined ? {} : { jwksUri: url('JWT_JWKS_URI', jwksUri) }),
    ...(publicKey === undefined ? {} : { publicKey }),
    ...(algorithms === undefined ? {} : { algorithms }),
    ...(clockTolerance === undefined ? {} : { clockTolerance }),
  }
}

const ACTION = 'read the environment'
const PUBLIC_KEY_NAMES: PublicKeyNames = {
  action: ACTION,
  publicKey: 'JWT_PUBLIC_KEY',
  jwksUri: 'JWT_JWKS_URI',
  algorithms: 'JWT_ALGORITHMS',
}

// A variable set to nothing is how many deployment tools spell "not set".
function text(env: Environment, name: keyof EnvironmentVariables): string | undefined {
  const value = own(env as EnvironmentVariables, name)?.trim()
  return value === undefined || value === '' ? undefined : value
}

function required(env: Environment, name: keyof EnvironmentVariables, meaning: string): string {
  const value = text(env, name)
  if (value === undefined) throw misconfigured(ACTION, `set ${name} to ${meaning}`)
  return value
}

function list(name: string, value: string): readonly string[] {
  const items = value.split(',').map((item) => item.trim())
  if (items.includes('')) throw misconfigured(ACTION, `${name} has an empty item between its commas`, value)
  return items
}

function url(name: string, value: string): string {
  if (URL.canParse(value)) return value
  throw misconfigured(ACTION, `${name} must be a URL`, value)
}

function algorithmList(env: Environment): readonly Algorithm[] | undefined {
  const value = text(env, 'JWT_ALGORITHMS')
  if (value === undefined) return undefined
  const names = list('JWT_ALGORITHMS', value)
  const known = Object.keys(algorithmTraits).filter((name) => !name.startsWith('HS'))
  for (const name of names)
    if (!known.includes(name)) throw misconfigured(ACTION, `JWT_ALGORITHMS may name ${known.join(', ')}`, name)
  return names.filter(isAlgorithm)
}

function tolerance(env: Environment): number | undefined {
  const value = text(env, 'JWT_CLOCK_TOLERANCE')
  if (value === undefined) return undefined
  const seconds = Number(value)
  if (!(seconds >= 0 && seconds <= 300))
    throw misconfigured(ACTION, 'JWT_CLOCK_TOLERANCE must be seconds from 0 to 300', value)
  return seconds
}
