import { AuthError, orThrow } from '../../errors/auth-error.ts'
import { quote } from '../../errors/quote.ts'
import { emit, type EventListener } from '../../model/events.ts'
import type { JoseHeader, PublishedAs } from '../../model/token.ts'
import { fits, type JwkFlaw, type PublicMaterial } from './lint.ts'

/** A usable key of a set. */
export interface PublishedKey extends PublishedAs {
  /** Its index among the usable keys of its set. */
  readonly index: number
  readonly material: PublicMaterial
  /** The index of the first key of the set with the same material. */
  readonly sameAs: number
}

/** What a set says about a header: the key, or why there is none. */
export type Selection =
  | { readonly kind: 'found'; readonly key: PublishedKey }
  /** The header names no key, and few enough keys fit to try each. */
  | { readonly kind: 'several'; readonly keys: readonly PublishedKey[] }
  /** The header names a `kid` that no usable key has: a newer set may have it, or a member with it was skipped for a flaw. */
  | { readonly kind: 'unknown_kid'; readonly flaw: JwkFlaw | undefined }
  /** The header names no `kid`, and no key fits the algorithm. */
  | { readonly kind: 'none_fits' }
  /** The `kid` exists, but no key with it fits the algorithm. */
  | { readonly kind: 'mismatch'; readonly candidates: readonly PublishedKey[] }
  | { readonly kind: 'ambiguous'; readonly candidates: number }

/** The keys of a set, indexed for selection. */
interface KeyIndex {
  readonly keys: readonly PublishedKey[]
  readonly byKid: ReadonlyMap<string, readonly PublishedKey[]>
  /** The flaws of skipped members, by key ID. */
  readonly flaws: ReadonlyMap<string, JwkFlaw>
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
export function selectKey({ keys, byKid, flaws }: KeyIndex, header: JoseHeader): Selection {
  const { alg, kid } = header
  const named = kid === undefined ? keys : byKid.get(kid)
  if (!named) return { kind: 'unknown_kid', flaw: flaws.get(kid ?? '') }
  const fitting = named.filter((key) => fits(key.material, alg, key.alg))
  const seen = new Set<number>()
  const [first, ...more] = (kid === undefined ? byThumbprint(fitting, header) : fitting).filter(
    ({ sameAs }) => seen.size < seen.add(sameAs).size,
  )
  if (!first) return kid === undefined ? { kind: 'none_fits' } : { kind: 'mismatch', candidates: named }
  if (more.length === 0) return { kind: 'found', key: first }
  return kid === undefined && more.length < MOST_CANDIDATES
    ? { kind: 'several', keys: [first, ...more] }
    : { kind: 'ambiguous', candidates: more.length + 1 }
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

/** What a refusal says about the set. */
export interface RefusalContext {
  readonly header: JoseHeader
  /** A phrase about the set, such as `in a set of 3 fetched 12 s ago: a, b, c`. */
  readonly about: () => string
  readonly onEvent: EventListener | undefined
}

/**
 * The only key of a selection, or why there is none: `key_not_found`, `algorithm_key_mismatch` or `key_ambiguous` (with an event). Returned
 * and not thrown, because an unknown key ID costs an attacker nothing, and throwing takes a tenth of the time of such a refusal.
 */
export function onlyKey(selection: Selection, { header, about, onEvent }: RefusalContext): PublishedKey | AuthError {
  switch (selection.kind) {
    case 'found':
      return selection.key
    case 'unknown_kid':
      return new AuthError('key_not_found', { hint: unknownKidHint(selection.flaw, header, about()) })
    case 'none_fits':
      return new AuthError('key_not_found', {
        expected: `a key for ${header.alg}`,
        hint: `The token names no key ID, and none of the keys fits its algorithm (${about()})`,
      })
    case 'mismatch':
      return new AuthError('algorithm_key_mismatch', {
        expected: selection.candidates.map(({ alg, material }) => alg ?? material.crv ?? material.kty),
        actual: header.alg,
      })
    default: {
      const candidates = selection.kind === 'several' ? selection.keys.length : selection.candidates
      emit(onEvent, { type: 'key.ambiguous', candidates })
      const tooMany = header.kid === undefined && candidates > MOST_CANDIDATES
      return new AuthError('key_ambiguous', {
        expected: tooMany ? `at most ${MOST_CANDIDATES} keys that fit` : 'exactly one key',
        actual: candidates,
        hint:
          header.kid === undefined
            ? `The token names no key ID${tooMany ? TOO_MANY : ''}`
            : 'The key set holds different keys under the same key ID',
      })
    }
  }
}

/** Like `onlyKey`. @throws AuthError */
export function foundKey(selection: Selection, context: RefusalContext): PublishedKey {
  return orThrow(onlyKey(selection, context))
}

/**
 * All keys of a selection, in the order of the set.
 *
 * @throws AuthError as `foundKey` does, except when few enough keys fit to try each
 */
export function foundKeys(selection: Selection, context: RefusalContext): readonly PublishedKey[] {
  return selection.kind === 'several' ? selection.keys : [foundKey(selection, context)]
}

function unknownKidHint(flaw: JwkFlaw | undefined, { kid = '' }: JoseHeader, about: string): string {
  const name = quote(kid, 80)
  if (!flaw) return `No key with kid ${name} ${about}`
  const member = flaw.member === undefined ? '' : `, because of ${quote(flaw.member)}`
  return `The key with kid ${name} was skipped as ${flaw.reason}${member} (${about})`
}

const KIDS_SHOWN = 8

/** The number of keys in words: "1 key", "2 keys". */
export function keyCount({ size }: { readonly size: number }): string {
  return size === 1 ? '1 key' : `${size} keys`
}

// Every refusal of an unknown key ID shows those of the set, which never change.
const lists = new WeakMap<readonly string[], string>()

/** The key IDs of a set, shortened for a message. */
export function listKids({ kids }: { readonly kids: readonly string[] }): string {
  const known = lists.get(kids)
  if (known !== undefined) return known
  const shown = kids.slice(0, KIDS_SHOWN).map((kid) => quote(kid, 40))
  const list = `${shown.join(', ')}${kids.length > KIDS_SHOWN ? `, and ${kids.length - KIDS_SHOWN} more` : ''}`
  lists.set(kids, list)
  return list
}
