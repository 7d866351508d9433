import { AuthError } from '../../errors/auth-error.ts'
import { quote } from '../../errors/quote.ts'
import type { EventListener } from '../../model/events.ts'
import type { JoseHeader } from '../../model/token.ts'
import { emit } from '../../model/emit.ts'
import type { KeySet } from './jwk-set.ts'
import { MOST_CANDIDATES, type PublishedKey, type Selection, TOO_MANY } from './key-selection.ts'

const KIDS_SHOWN = 8

/**
 * The one key a selection found.
 *
 * @throws AuthError `key_not_found`, `algorithm_key_mismatch` or `key_ambiguous` (with an event)
 */
export function foundKey(selection: Selection, context: RefusalContext): PublishedKey {
  if (selection.kind === 'found') return selection.key
  throw refusalOf(selection, context)
}

/**
 * The keys a selection found, in the order of the set.
 *
 * @throws AuthError as `foundKey`, but not where few enough fit that each can be tried
 */
export function foundKeys(selection: Selection, context: RefusalContext): readonly PublishedKey[] {
  return selection.kind === 'several' ? selection.keys : [foundKey(selection, context)]
}

function refusalOf(
  selection: Exclude<Selection, { readonly kind: 'found' }>,
  { set, header, about, onEvent }: RefusalContext,
): AuthError {
  switch (selection.kind) {
    case 'unknown_kid':
      return new AuthError('key_not_found', { hint: unknownKidHint(set, header, about()) })
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
      return new AuthError('key_ambiguous', {
        expected:
          header.kid === undefined && candidates > MOST_CANDIDATES
            ? `at most ${MOST_CANDIDATES} keys that fit`
            : 'exactly one key',
        actual: candidates,
        hint:
          header.kid === undefined
            ? `The token names no key ID${candidates > MOST_CANDIDATES ? TOO_MANY : ''}`
            : 'The key set holds different keys under the same key ID',
      })
    }
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
  const text = kids
    .slice(0, KIDS_SHOWN)
    .map((kid) => quote(kid, 40))
    .join(', ')
  return kids.length > KIDS_SHOWN ? `${text}, and ${kids.length - KIDS_SHOWN} more` : text
}

function unknownKidHint(set: KeySet, { kid = '' }: JoseHeader, about: string): string {
  const name = quote(kid, 80)
  const flaw = set.flawOf(kid)
  if (flaw) {
    const member = flaw.member === undefined ? '' : `, because of ${quote(flaw.member)}`
    return `The key with kid ${name} was skipped as ${flaw.reason}${member} (${about})`
  }
  return `No key with kid ${name} ${about}`
}
