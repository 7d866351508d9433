import type { AuthServiceOptions } from './options.ts'

/**
 * Reads the options from the environment: `PORT` (default 4000), `JWT_ISSUER`, `AUTH_AUDIENCE` and `AUTH_LOGOUT_URIS` (comma-separated),
 * `AUTH_DATABASE` (a file) and `AUTH_ROTATE_EVERY` (seconds). An empty variable is treated as unset.
 *
 * @throws TypeError that names the variable.
 */
export const optionsFromEnvironment = (env: Readonly<Record<string, string | undefined>>): AuthServiceOptions => {
  const { JWT_ISSUER, AUTH_DATABASE } = env
  const audience = list(env['AUTH_AUDIENCE'])
  const logoutUris = list(env['AUTH_LOGOUT_URIS'])
  const rotateEverySeconds = wholeNumber(env, 'AUTH_ROTATE_EVERY', 1, 2_000_000)
  return {
    port: wholeNumber(env, 'PORT', 0, 65_535) ?? 4000,
    ...(JWT_ISSUER && { issuer: JWT_ISSUER }),
    ...(audience.length > 0 && { audience: audience.length === 1 ? String(audience[0]) : audience }),
    ...(logoutUris.length > 0 && { logoutUris: () => logoutUris }),
    ...(AUTH_DATABASE && { database: AUTH_DATABASE }),
    ...(rotateEverySeconds !== undefined && { rotateEverySeconds }),
  }
}

const list = (text = ''): readonly string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')

const wholeNumber = (
  env: Readonly<Record<string, string | undefined>>,
  name: string,
  min: number,
  max: number,
): number | undefined => {
  const text = env[name]
  if (text === undefined || text === '') return undefined
  const value = /^\d{1,7}$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  throw new TypeError(
    `Cannot start auth service: ${name} must be a whole number from ${min} to ${max}, found "${text}"`,
  )
}
