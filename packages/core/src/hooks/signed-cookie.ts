import { AuthError, cookieValues, isHttpToken, misconfigured, type RequestView } from '../adapter.ts'

/**
 * Checks the signature of a cookie's value. Returns what was signed, the token, or `false` or `undefined` if the signature is wrong. The value
 * is as received, so a hook decodes percent-encoding itself.
 */
export type Unsign = (value: string) => Unsigned | Promise<Unsigned>

type Unsigned = string | false | undefined

/**
 * Reads the token from a signed cookie: `extractToken: signedCookie('session', unsign)`. A request without the cookie, or with an empty one, has no
 * credential there. A wrong signature refuses with 401 `signature_invalid`, and two cookies of that name with 400. What `unsign` throws, unless it is
 * an `AuthError`, and no answer within 10 s, are 503.
 *
 * @param name - the name of the cookie
 * @param unsign - checks the signature, as `cookie-signature` or `@fastify/cookie` do
 * @throws TypeError for a name that no cookie can have, and without a function
 */
export function signedCookie(name: string, unsign: Unsign): (view: RequestView) => Promise<string | undefined> {
  if (typeof name !== 'string' || !isHttpToken(name)) throw misconfigured(ACTION, 'give the name of a cookie', name)
  if (typeof unsign !== 'function') throw misconfigured(ACTION, 'give a function that checks the signature', unsign)
  return async (view) => {
    const [value, ...more] = cookieValues(view, name)
    if (more.length > 0)
      throw new AuthError('credential_repeated', { expected: 'one value', actual: `${more.length + 1} in a cookie` })
    if (value === undefined || value === '') return undefined
    if (typeof value !== 'string') throw new AuthError('credential_malformed', { expected: 'a cookie of text' })
    const token: unknown = await unsign(value)
    if (typeof token === 'string' && token !== '') return token
    throw new AuthError('signature_invalid', { expected: `a signed cookie "${name}"` })
  }
}

const ACTION = 'read signed cookie'
