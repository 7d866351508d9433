/**
 * The minimum cost of uncached verification in a server: the signature of the token, and no other check.
 *
 * @param {import('./settings.mjs').Settings} settings
 * @returns {Promise<(authorization: string | undefined) => Promise<boolean>>}
 */
export async function signatureAlone({ jwks }) {
  const { subtle } = crypto
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
  const key = await subtle.importKey('jwk', jwks.keys[0], algorithm, false, ['verify'])
  return async (authorization = '') => {
    const end = authorization.lastIndexOf('.')
    const input = Buffer.from(authorization.slice(SCHEME.length, end), 'latin1')
    return subtle.verify(algorithm, key, Buffer.from(authorization.slice(end + 1), 'base64url'), input)
  }
}

const SCHEME = 'Bearer '
