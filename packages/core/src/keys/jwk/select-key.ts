import { algorithmTraits, isAlgorithm } from '../../model/algorithm.ts'
import type { JoseHeader } from '../../model/token.ts'
import type { PublicMaterial } from './lint.ts'

/** A usable key of a set. */
export interface PublishedKey {
  /** Its index among the usable keys of its set. */
  readonly index: number
  readonly kid: string | undefined
  readonly alg: string | undefined
  /** The certificate thumbprints it is published with (RFC 7517 sections 4.8 and 4.9). */
  readonly x5t: string | undefined
  readonly 'x5t#S256': string | undefined
  readonly material: PublicMaterial
  /** The index of the first key of the set with the same material. */
  readonly sameAs: number
}

/** What a set says about a header: the key, or why there is none. */
export type Selection =
  | { readonly kind: 'found'; readonly key: PublishedKey }
  /** The header names no key, and few enough keys fit to try each. */
  | { readonly kind: 'several'; readonly keys: readonly PublishedKey[] }
  /** The header names a `kid` that no usable key has. A newer set may have it. */
  | { readonly kind: 'unknown_kid' }
  /** The header names no `kid`, and no key fits the algorithm. */
  | { readonly kind: 'none_fits' }
  /** The `kid` exists, but no key with it fits the algorithm. */
  | { readonly kind: 'mismatch'; readonly candidates: readonly PublishedKey[] }
  | { readonly kind: 'ambiguous'; readonly candidates: number }

/** The keys of a set, indexed for selection. */
interface KeyIndex {
  readonly keys: readonly PublishedKey[]
  readonly byKid: ReadonlyMap<string, readonly PublishedKey[]>
}

/** How many keys are tried for one token. Each costs a signature check. */
export const MOST_CANDIDATES = 4
/** Text after `The token names no key ID` if more keys fit. */
export const TOO_MANY: string = `, and of several keys that fit at most ${MOST_CANDIDATES} are tried: a limit of Claimgate`

/**
 * Selects the key for a header by `kid` (RFC 7515 section 4.1.4). Without `kid`, the header's `x5t#S256` or `x5t` selects among the keys
 * that are published with one. If it matches none, or is absent, up to four keys that fit can be tried. The token's `alg` must fit the
 * key's type and curve, and equal the key's `alg` if it has one (RFC 8725 section 3.1). Keys of the same material are one key.
 */
export function selectKey({ keys, byKid }: KeyIndex, header: JoseHeader): Selection {
  const { alg, kid } = header
  const named = kid === undefined ? keys : byKid.get(kid)
  if (!named) return { kind: 'unknown_kid' }
  const fitting = named.filter((key) => fits(key, alg))
  const [first, ...more] = distinct(kid === undefined ? byThumbprint(fitting, header) : fitting)
  if (!first) return kid === undefined ? { kind: 'none_fits' } : { kind: 'mismatch', candidates: named }
  if (more.length === 0) return { kind: 'found', key: first }
  return kid === undefined && more.length < MOST_CANDIDATES
    ? { kind: 'several', keys: [first, ...more] }
    : { kind: 'ambiguous', candidates: more.length + 1 }
}

function distinct(keys: readonly PublishedKey[]): readonly PublishedKey[] {
  if (keys.length < 2) return keys
  const seen = new Set<number>()
  return keys.filter(({ sameAs }) => seen.size < seen.add(sameAs).size)
}

const THUMBPRINTS = ['x5t#S256', 'x5t'] as const

function byThumbprint(keys: readonly PublishedKey[], header: JoseHeader): readonly PublishedKey[] {
  for (const name of THUMBPRINTS) {
    const value = Object.hasOwn(header, name) ? header[name] : undefined
    const matching = typeof value === 'string' ? keys.filter((key) => key[name] === value) : []
    if (matching.length > 0) return matching
  }
  return keys
}

function fits(key: PublishedKey, alg: string): boolean {
  if (!isAlgorithm(alg)) return false
  const { kty, crv }: { kty: string; crv?: string } = algorithmTraits[alg]
  if (kty !== key.material.kty || (crv !== undefined && crv !== key.material.crv)) return false
  return key.alg === undefined || canonicalName(key.alg) === canonicalName(alg)
}

// RFC 9864 renames EdDSA over Ed25519, and key sets and tokens switch to the new name at different times.
function canonicalName(alg: string): string {
  return alg === 'EdDSA' ? 'Ed25519' : alg
}
