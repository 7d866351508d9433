import { AuthError } from '../../errors/auth-error.ts'
import type { EventListener } from '../../model/events.ts'
import type { JoseHeader } from '../../model/token.ts'
import { emit } from '../../model/emit.ts'
import type { KeySet } from './jwk-set.ts'
import type { PublishedKey, Selection } from './key-selection.ts'

const KIDS_SHOWN = 8

/**
 * The key a selection found.
 *
 * @throws AuthError `key_not_found`, `algorithm_key_mismatch` or `key_ambiguous` (with an event)
 */
export function foundKey(selection: Selection, { set, header, about, onEvent }: RefusalContext): PublishedKey {
  switch (selection.kind) {
    case 'found':
      return selection.key
    case 'unknown_kid':
      throw new AuthError('key_not_found', { hint: unknownKidHint(set, header, about()) })
    case 'none_fits':
      throw new AuthError('key_not_found', {
        expected: `a key for ${header.alg}`,
        hint: `The token names no key ID, and none of the keys fits its algorithm (${about()})`,
      })
    case 'mismatch':
      throw new AuthError('algorithm_key_mismatch', {
        expected: selection.candidates.map(({ alg, material }) => alg ?? material.crv ?? material.kty),
        actual: header.alg,
      })
    default:
      emit(onEvent, { type: 'key.ambiguous', candidates: selection.candidates })
      throw new AuthError('key_ambiguous', {
        expected: 'exactly one key',
        actual: selection.candidates,
        hint: header.kid === undefined ? 'The token names no key ID' : 'The key set holds the same key ID twice',
      })
  }
}

export interface RefusalContext {
  readonly set: KeySet
  readonly header: JoseHeader
  /** A phrase about the set, as `in a set of 3 fetched 12 s ago: a, b, c`. */
  readonly about: () => string
  readonly onEvent: EventListener | undefined
}

/** The key IDs of a set, shortened for a message. */
export function listKids({ kids }: KeySet): string {
  const shown = kids.slice(0, KIDS_SHOWN).map((kid) => (kid.length > 40 ? `${kid.slice(0, 40)}…` : kid))
  const text = JSON.stringify(shown).slice(1, -1).replaceAll(',', ', ')
  return kids.length > KIDS_SHOWN ? `${text}, and ${kids.length - KIDS_SHOWN} more` : text
}

function unknownKidHint(set: KeySet, { kid = '' }: JoseHeader, about: string): string {
  const name = JSON.stringify(kid.length > 80 ? `${kid.slice(0, 80)}…` : kid)
  const flaw = set.flawOf(kid)
  if (flaw) return `The key with kid ${name} was skipped as ${flaw} (${about})`
  return `No key with kid ${name} ${about}`
}
