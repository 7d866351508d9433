import type { CryptoKey } from 'jose'
import { AuthError } from '../errors/auth-error.ts'
import type { FetchFailure } from '../model/events.ts'
import { iatTolerance } from '../model/runtime.ts'
import type { JoseHeader } from '../model/token.ts'
import { bare, own } from '../model/values.ts'
import type { RemoteKeySetOptions } from './remote/options.ts'
import { MOST_CANDIDATES, TOO_MANY } from './jwk/select-key.ts'

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
  /** Figures of fetched keys, for `status` of a verifier. @defaultValue the keys are not fetched, and are ready */
  stats?(): KeySourceStats | undefined
}

/** Figures of fetched keys. */
export interface KeySourceStats {
  /** How old the set is: none yet, fresh, past the start of early refresh, past its freshness, or too old to be used. */
  readonly freshness: 'cold' | 'fresh' | 'ageing' | 'stale' | 'expired'
  /** Usable cached keys. */
  readonly keys: number
  /** Seconds since the set was fetched or confirmed; `undefined` without a usable set. */
  readonly age: number | undefined
  /** Why the last attempt failed; `undefined` after a success. */
  readonly failure: FetchFailure | undefined
  /** Seconds until an attempt may begin; `Infinity` once closed. */
  readonly nextAttempt: number
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

/** What a source may know about a token with these claims. */
export function keyContextOf({ iat }: { readonly iat?: unknown }, clockTolerance: number): KeyContext {
  return { issuedBefore: typeof iat === 'number' ? iat + iatTolerance(clockTolerance) : undefined }
}

/** Makes the key source of an issuer when a verifier is created, with the verifier's clock, `fetch` and key set options. */
export interface KeySourcePlan {
  /** Plans with the same name share one source in a verifier, so it must say all that the source depends on. */
  readonly name: string
  create(options: RemoteKeySetOptions): KeySource
}

/** Whether a value is a plan for a key source. */
export function isPlan(keys: unknown): keys is KeySourcePlan {
  return (
    typeof keys === 'object' &&
    keys !== null &&
    typeof own(keys, 'create') === 'function' &&
    typeof own(keys, 'name') === 'string'
  )
}

const METHODS: Readonly<Record<keyof KeySource, true>> = {
  resolve: true,
  current: true,
  candidates: true,
  resolveAgain: true,
  ready: true,
  close: true,
  describe: true,
  stats: true,
}

/** A copy of a source with only the methods its author wrote, and without a prototype that could supply others. */
export function ownKeySource(source: KeySource): KeySource {
  const copy: Record<string, unknown> = {}
  for (const name of Object.keys(METHODS)) {
    const method = own(source, name)
    if (typeof method === 'function') copy[name] = method.bind(source)
  }
  return bare(copy as unknown as KeySource)
}

/**
 * The keys that may have signed a token, in the order to try them: one, or up to four for a header without `kid`.
 *
 * @throws AuthError as the source does, `key_not_found` for an empty list, and `key_ambiguous` for more than four
 */
export function possibleKeys(source: KeySource, header: JoseHeader, token?: KeyContext): Promise<readonly CryptoKey[]> {
  // Not async: each `await` would throw a refusal again.
  return header.kid !== undefined || source.candidates === undefined
    ? Promise.resolve(source.resolve(header, token)).then((key) => [key])
    : Promise.resolve(source.candidates(header, token)).then(fewEnough)
}

function fewEnough(keys: readonly CryptoKey[]): readonly CryptoKey[] {
  if (keys.length === 0) throw new AuthError('key_not_found', { hint: 'The token names no key ID' })
  if (keys.length > MOST_CANDIDATES)
    throw new AuthError('key_ambiguous', {
      expected: `at most ${MOST_CANDIDATES} keys`,
      actual: keys.length,
      hint: `The token names no key ID${TOO_MANY}`,
    })
  return keys
}
