/** The variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>

/** What the token function needs to know about its key and its tokens. */
export interface TokenSettings {
  /** The parameter that holds the private key. */
  readonly parameter: string
  /** Whether to make a key pair and store it where there is no such parameter. */
  readonly create: boolean
  /** The `iss` of the tokens. */
  readonly issuer: string
  /** The `aud` of the tokens. */
  readonly audience: string
}

/**
 * The settings in `SIGNING_KEY_PARAMETER`, `SIGNING_KEY_CREATE` (`true` or nothing), `JWT_ISSUER` and `JWT_AUDIENCE`. A
 * variable that is empty counts as unset.
 *
 * @throws TypeError that names the variable.
 */
export const tokenSettings = (env: Environment): TokenSettings => {
  const create = env['SIGNING_KEY_CREATE'] || 'false'
  if (create !== 'true' && create !== 'false') {
    throw new TypeError('Cannot start issuer: SIGNING_KEY_CREATE must be "true" or "false"')
  }
  return {
    parameter: required(env, 'SIGNING_KEY_PARAMETER'),
    create: create === 'true',
    issuer: required(env, 'JWT_ISSUER'),
    audience: required(env, 'JWT_AUDIENCE'),
  }
}

const required = (env: Environment, name: string): string => {
  const value = env[name]
  if (value) return value
  throw new TypeError(`Cannot start issuer: ${name} must be set`)
}
