import { createHmac, generateKeyPairSync, randomBytes } from 'node:crypto'

import { accessClaims } from '../refusal.ts'

/** The secret that signs the tokens: no other algorithm signs thousands of them as quickly. */
export const SECRET = randomBytes(32)

/** A key of another algorithm, which signs no token. */
export const PUBLIC_JWK = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A good token with unique claims and header members. */
export function signed(claims: object = {}, header: object = {}): string {
  const input = `${encode({ alg: 'HS256', typ: 'at+jwt', kid: 'k', ...header })}.${encode({ ...accessClaims(), ...claims })}`
  return `${input}.${createHmac('sha256', SECRET).update(input).digest('base64url')}`
}

/** A text that shares no memory with another, like text from a network. */
export function received(...parts: readonly string[]): string {
  return Buffer.from(parts.join('')).toString()
}

/** A text of the given number of letters. */
export function filler(length: number): string {
  return 'x'.repeat(length)
}
