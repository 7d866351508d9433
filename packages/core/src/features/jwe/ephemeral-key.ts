import { AuthError, bytesOf, type KeyFlaw, lintJwk, numberOf, publicMaterial } from '../../extend.ts'
import { decryptionFailed } from './decryption-failed.ts'

/** A curve that keys can be agreed on (RFC 7518 section 6.2.1.1, RFC 8037 section 2). */
export type Curve = 'P-256' | 'P-384' | 'P-521' | 'X25519'

/**
 * The sender's ephemeral public key, `epk` (RFC 7518 section 4.6.1.1), is a public key and nothing else, and a point on its curve. A point beside it would let whoever sends it learn the private key bit by bit.
 *
 * @throws AuthError `header_malformed`, `token_decryption_failed`
 */
export function checkEphemeralKey(header: Readonly<Record<string, unknown>>): void {
  const { epk } = header
  if (typeof epk !== 'object' || epk === null || Array.isArray(epk))
    throw new AuthError('header_malformed', { expected: 'epk: a public key', actual: typeof epk })
  const flaw = flawOf(epk as Readonly<Record<string, unknown>>)
  if (flaw === 'private_parts' || flaw === 'symmetric')
    throw new AuthError('header_malformed', { expected: 'epk: a public key', actual: 'a private key' })
  if (flaw === 'invalid_point') throw decryptionFailed()
  if (flaw !== undefined)
    throw new AuthError('header_malformed', { expected: 'epk: a public key on P-256, P-384, P-521 or X25519' })
}

function flawOf(epk: Readonly<Record<string, unknown>>): KeyFlaw | undefined {
  if (Object.values(epk).includes(null)) return 'malformed'
  const flaw = lintJwk({ ...epk, kid: undefined, use: undefined, key_ops: undefined, alg: undefined })
  if (flaw === 'private_parts' || flaw === 'symmetric') return flaw
  if (epk['kty'] === 'OKP' && epk['crv'] === 'X25519') return flawOfX25519(epk['x'])
  if (epk['kty'] !== 'EC') return 'unsupported_type'
  // What is forgiven in a published key is not in one that a token brings (RFC 7518 section 6.2.1.2).
  const { x, y } = publicMaterial(epk)
  return x === epk['x'] && y === epk['y'] ? flaw : 'malformed'
}

const P = 2n ** 255n - 19n
// Every u of order 1, 2, 4 and 8 (RFC 7748 section 6.1): what is agreed on with these is zero, whatever the private key.
const SMALL_ORDER: ReadonlySet<bigint> = new Set([
  0n,
  1n,
  P - 1n,
  0xb8495f16_056286fd_b1329ceb_8d09da6a_c49ff1fa_e35616ae_b8413b7c_7aebe0n,
  0x57119fd0_dd4e22d8_868e1c58_c45c4404_5bef839c_55b1d0b1_248c50a3_bc959c5fn,
])

/** What is wrong with an X25519 public key (RFC 7748 section 5, RFC 8037 section 2). */
export function flawOfX25519(x: unknown): KeyFlaw | undefined {
  const bytes = bytesOf(x, 32)
  if (bytes?.length !== 32) return 'malformed'
  // Little-endian, and the top bit is not part of it.
  const u = numberOf(bytes.toReversed()) % 2n ** 255n
  return SMALL_ORDER.has(u % P) ? 'invalid_point' : undefined
}
