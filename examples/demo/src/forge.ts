import { exportSPKI, importJWK, type JWK, SignJWT } from 'jose'

/** The token's claims with the algorithm `none`, without a signature (RFC 7519 section 6). */
export function unsigned(token: string): string {
  const [, claims = ''] = token.split('.')
  return `${encode({ ...headerOf(token), alg: 'none' })}.${claims}.`
}

/** The token's claims, signed with HS256 and the text of the issuer's public key as the secret: algorithm confusion. */
export async function signedWithPublicKey(token: string, publicJwk: JWK): Promise<string> {
  const key = await importJWK(publicJwk, 'ES256', { extractable: true })
  if (key instanceof Uint8Array) throw new TypeError('Cannot forge a token: the key is no public key')
  const secret = new TextEncoder().encode(await exportSPKI(key))
  return new SignJWT({ ...claimsOf(token) }).setProtectedHeader({ ...headerOf(token), alg: 'HS256' }).sign(secret)
}

/** The token with changed claims and the original signature. */
export function tampered(token: string, claims: Readonly<Record<string, unknown>>): string {
  const [header = '', , signature = ''] = token.split('.')
  return `${header}.${encode({ ...claimsOf(token), ...claims })}.${signature}`
}

/** Decodes the JOSE header of a token for display, without verifying it. */
export function headerOf(token: string): Readonly<Record<string, unknown>> {
  return part(token, 0)
}

/** Decodes the claims of a token for display, without verifying them. */
export function claimsOf(token: string): Readonly<Record<string, unknown>> {
  return part(token, 1)
}

function part(token: string, index: number): Readonly<Record<string, unknown>> {
  const text = Buffer.from(token.split('.')[index] ?? '', 'base64url').toString()
  return JSON.parse(text) as Readonly<Record<string, unknown>>
}

function encode(members: Readonly<Record<string, unknown>>): string {
  return Buffer.from(JSON.stringify(members)).toString('base64url')
}
