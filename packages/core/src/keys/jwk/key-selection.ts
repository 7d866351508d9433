import { algorithmTraits, isAlgorithm } from '../../model/algorithm.ts'
import type { JoseHeader } from '../../model/token.ts'
import type { PublicMaterial } from './jwk-lint.ts'

/** A usable key of a set. */
export interface PublishedKey {
  /** Its place among the usable keys of its set. */
  readonly index: number
  readonly kid: string | undefined
  readonly alg: string | undefined
  readonly material: PublicMaterial
}

/** What a set says about a header: the key, or why there is none. */
export type Selection =
  | { readonly kind: 'found'; readonly key: PublishedKey }
  /** The header names a `kid` that no usable key has: a newer set may have it. */
  | { readonly kind: 'unknown_kid' }
  /** The header names no `kid`, and no key fits the algorithm. */
  | { readonly kind: 'none_fits' }
  /** The `kid` is there, but no key of that name fits the algorithm. */
  | { readonly kind: 'mismatch'; readonly candidates: readonly PublishedKey[] }
  | { readonly kind: 'ambiguous'; readonly candidates: number }

/** The keys of a set as selection needs them. */
export interface KeyIndex {
  readonly keys: readonly PublishedKey[]
  readonly byKid: ReadonlyMap<string, readonly PublishedKey[]>
}

/**
 * Chooses the one key for a header: by `kid` if it has one, else the only key that fits (RFC 7515 section 4.1.4). The
 * token's `alg` must fit the key's type and curve, and equal the key's `alg` where it has one (RFC 8725 section 3.1).
 */
export function selectKey({ keys, byKid }: KeyIndex, { alg, kid }: JoseHeader): Selection {
  const named = kid === undefined ? keys : byKid.get(kid)
  if (!named) return { kind: 'unknown_kid' }
  const [first, ...more] = named.filter((key) => fits(key, alg))
  if (!first) return kid === undefined ? { kind: 'none_fits' } : { kind: 'mismatch', candidates: named }
  return more.length > 0 ? { kind: 'ambiguous', candidates: more.length + 1 } : { kind: 'found', key: first }
}

function fits(key: PublishedKey, alg: string): boolean {
  if (!isAlgorithm(alg)) return false
  const { kty, crv }: { kty: string; crv?: string } = algorithmTraits[alg]
  if (kty !== key.material.kty || (crv !== undefined && crv !== key.material.crv)) return false
  return key.alg === undefined || canonicalName(key.alg) === canonicalName(alg)
}

// RFC 9864 renames EdDSA over Ed25519; key sets and tokens change over at different times.
function canonicalName(alg: string): string {
  return alg === 'EdDSA' ? 'Ed25519' : alg
}
