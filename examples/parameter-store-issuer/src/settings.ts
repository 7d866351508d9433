/** The environment variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>

/** The settings of the token function. */
export interface TokenSettings {
  /** The parameter that holds the private key. */
  readonly parameter: string
  /** Whether to create and store a key pair if the parameter does not exist. */
  readonly create: boolean
  /** The `iss` of the tokens. */
  readonly issuer: string
  /** The `aud` of the tokens. */
  readonly audience: string
}

/**
 * Reads the settings from `SIGNING_KEY_PARAMETER`, `SIGNING_KEY_CREATE` (`true` or empty), `JWT_ISSUER` and `JWT_AUDIENCE`. An empty
 * variable is treated as unset.
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
