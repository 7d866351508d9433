import type { CryptoKey } from 'jose'

import { AuthError } from '../errors/auth-error.ts'
import type { JoseHeader } from '../model/token.ts'
import { MOST_CANDIDATES, TOO_MANY } from './jwk/key-selection.ts'
import type { KeyContext, KeySource } from './key-source.ts'

/** Whether a source may give several keys for a header: only a header without `kid` leaves that open. */
export function mayBeSeveral(source: KeySource, header: JoseHeader): boolean {
  return header.kid === undefined && source.candidates !== undefined
}

/**
 * The keys that may have signed a token, in the order to try them: one, or up to four for a header that names none.
 *
 * @throws AuthError as the source does, `key_not_found` for an empty list, and `key_ambiguous` for more than four
 */
export async function possibleKeys(
  source: KeySource,
  header: JoseHeader,
  token?: KeyContext,
): Promise<readonly CryptoKey[]> {
  if (source.candidates === undefined || !mayBeSeveral(source, header)) return [await source.resolve(header, token)]
  const keys = await source.candidates(header, token)
  if (keys.length === 0) throw new AuthError('key_not_found', { hint: 'The token names no key ID' })
  if (keys.length > MOST_CANDIDATES)
    throw new AuthError('key_ambiguous', {
      expected: `at most ${MOST_CANDIDATES} keys`,
      actual: keys.length,
      hint: `The token names no key ID${TOO_MANY}`,
    })
  return keys
}
