import type { CryptoKey } from 'jose'
import { AuthError } from '../errors/auth-error.ts'
import { quote } from '../errors/quote.ts'
import { emit, type EventListener } from '../model/events.ts'
import type { JoseHeader } from '../model/token.ts'
import { bare, own } from '../model/values.ts'
import type { KeySet } from './jwk/jwk-set.ts'
import { MOST_CANDIDATES, type PublishedKey, type Selection, TOO_MANY } from './jwk/select-key.ts'

/**
 * Where keys come from. Implement `resolve` for your own source; the other methods are for sources whose keys change.
 *
 * A source returns the key for a header whose `alg` is already known to be allowed, or throws `AuthError`: `key_not_found` or
 * `key_ambiguous` when it is sure, `keys_unavailable` when it cannot tell. Keys are WebCrypto keys, imported to verify with exactly that
 * algorithm; Node's `KeyObject` has `toCryptoKey` for this. Return the same CryptoKey while the key is unchanged; otherwise tokens cannot
 * be cached.
 */
export interface KeySource {
  /** If your source calls another one, pass `token` on. */
  resolve(header: JoseHeader, token?: KeyContext): Promise<CryptoKey>
  /**
   * The key that `resolve` would return, if it is already loaded and nothing needs to be fetched or awaited, not even in the background.
   * A shortcut around `resolve`: it must never give a different answer.
   */
  current?(header: JoseHeader): CryptoKey | undefined
  /**
   * Called instead of `resolve` for a header without `kid`. Returns the keys that may have signed the token, at most four, in the order to
   * try them. Throws as `resolve` does. Without it, `resolve` must return the one key. @defaultValue none
   */
  candidates?(header: JoseHeader, token?: KeyContext): Promise<readonly CryptoKey[]>
  /**
   * Called once after a signature did not verify with `failed`. Returns another key published since under the same `kid`, or `undefined`.
   * The source must rate-limit it. `token` is the same object that `resolve` was given, if it was called.
   */
  resolveAgain?(header: JoseHeader, failed: CryptoKey, token?: KeyContext): Promise<CryptoKey | undefined>
  /** Fetches keys before the first token arrives. Throws `AuthError` `keys_unavailable`. */
  ready?(): Promise<void>
  /** Stops background work. */
  close?(): void
  /** A sentence about the loaded keys, for `explain`: counts, ages and key IDs; never key material. */
  describe?(): string
}

/**
 * What a source may know about a token besides its header. One object per verification. The token's signature is unverified, so use this
 * only to choose the error.
 */
export interface KeyContext {
  /**
   * If the token's `iat` is true, the token was issued before this time: seconds since the epoch, plus the larger of 60 s and
   * `clockTolerance` for clock differences. Absent for a token without `iat`. A key set that was requested later and lacks the key throws
   * `key_not_found`. An older one must throw `keys_unavailable`, because the key may have been published since.
   */
  readonly issuedBefore?: number | undefined
}

const METHODS: Readonly<Record<keyof KeySource, true>> = {
  resolve: true,
  current: true,
  candidates: true,
  resolveAgain: true,
  ready: true,
  close: true,
  describe: true,
}

/** A copy of a source with only the methods its author wrote, and without a prototype that could supply others. */
export function ownKeySource(source: KeySource): KeySource {
  const methods = Object.keys(METHODS).flatMap((name) => {
    const method = own(source, name)
    return typeof method === 'function' ? [[name, method.bind(source) as unknown]] : []
  })
  return bare(Object.fromEntries(methods) as unknown as KeySource)
}

/** Whether a source may return several keys for a header: only if the header has no `kid`. */
export function mayBeSeveral(source: KeySource, header: JoseHeader): boolean {
  return header.kid === undefined && source.candidates !== undefined
}

/**
 * The keys that may have signed a token, in the order to try them: one, or up to four for a header without `kid`.
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

const KIDS_SHOWN = 8

/**
 * The only key of a selection.
 *
 * @throws AuthError `key_not_found`, `algorithm_key_mismatch` or `key_ambiguous` (with an event)
 */
export function foundKey(selection: Selection, context: RefusalContext): PublishedKey {
  if (selection.kind === 'found') return selection.key
  throw refusalOf(selection, context)
}

/**
 * All keys of a selection, in the order of the set.
 *
 * @throws AuthError as `foundKey` does, except when few enough keys fit to try each
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
  /** A phrase about the set, such as `in a set of 3 fetched 12 s ago: a, b, c`. */
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
