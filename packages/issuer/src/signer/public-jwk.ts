import type { JWK } from 'jose'
import { bare, own } from '../own.ts'

// An allow-list, so that no present or future private member can slip through.
const PUBLIC_MEMBERS: Readonly<Record<string, readonly (keyof JWK)[]>> = {
  RSA: ['n', 'e'],
  EC: ['crv', 'x', 'y'],
  OKP: ['crv', 'x'],
  AKP: ['alg', 'pub'],
}

/**
 * The public members of an asymmetric JWK (RFC 7518 section 6) and nothing else: no private part, no `kid`, no `use`.
 * `undefined` for a key type that has no public part.
 */
export const publicJwk = (jwk: JWK): JWK | undefined => {
  const kty = own(jwk, 'kty')
  if (typeof kty !== 'string' || !Object.hasOwn(PUBLIC_MEMBERS, kty)) return undefined
  return pickMembers(jwk, ['kty', ...(PUBLIC_MEMBERS[kty] ?? [])])
}

/** A JWK with the named members of `jwk`, as far as it has them. */
export const pickMembers = (jwk: JWK, names: readonly (keyof JWK)[]): JWK =>
  bare(
    Object.fromEntries(
      names.flatMap((name) => {
        const value = own(jwk, name)
        return value === undefined ? [] : [[name, value]]
      }),
    ) as JWK,
  )
