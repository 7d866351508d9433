import type { CryptoKey } from 'jose'

import { bare, own } from '../model/own.ts'
import type { JoseHeader } from '../model/token.ts'

/**
 * Where keys come from. Implement `resolve` to bring your own; the rest is for sources whose keys change.
 *
 * A source gives the key for a header whose `alg` is already known to be allowed, or throws `AuthError`:
 * `key_not_found` or `key_ambiguous` when it knows, `keys_unavailable` when it cannot know. Keys are those of WebCrypto, imported to
 * verify with that very algorithm; Node's `KeyObject` has `toCryptoKey` for it. Give the same object for as long as the key is the same,
 * so that tokens can be remembered.
 */
export interface KeySource {
  /** A source that asks another one passes `token` on. */
  resolve(header: JoseHeader, token?: KeyContext): Promise<CryptoKey>
  /**
   * The key `resolve` would give, if it is at hand and nothing needs to be fetched or awaited, not even in the background. It spares a
   * verification the way through `resolve`, and must never answer otherwise than that would.
   */
  current?(header: JoseHeader): CryptoKey | undefined
  /**
   * Asked instead of `resolve` for a header without `kid`: the keys that may have signed the token, at most four, in the order to try them.
   * Throws as `resolve` does. Without it, `resolve` must name the one key. @defaultValue none
   */
  candidates?(header: JoseHeader, token?: KeyContext): Promise<readonly CryptoKey[]>
  /**
   * Asked once after a signature did not verify under `failed`: another key published since under the same `kid`,
   * or `undefined` if there is none. Must be rate-limited by the source. `token` is the object that `resolve` was given, if it was asked.
   */
  resolveAgain?(header: JoseHeader, failed: CryptoKey, token?: KeyContext): Promise<CryptoKey | undefined>
  /** Fetches what can be fetched ahead of the first token. Throws `AuthError` `keys_unavailable`. */
  ready?(): Promise<void>
  /** Stops background work. */
  close?(): void
  /** Grows whenever a key may have been added, changed or removed, so that caches can tell. */
  generation?(): number
  /** A sentence about the keys it holds, for `explain`: counts, ages and key IDs; never key material. */
  describe?(): string
}

/**
 * What a source may know about a token besides its header: one object for each verification. The token's signature has not been verified,
 * so a source may use this only to choose how to refuse it.
 */
export interface KeyContext {
  /**
   * The token was issued before this time, if its `iat` is true: seconds since the epoch, with the larger of 60 s and `clockTolerance`
   * added for clocks that differ. Absent for a token without `iat`. A key set that was requested later and does not have the key answers
   * `key_not_found`; an older one must answer `keys_unavailable`, because the key may have been published since.
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
  generation: true,
  describe: true,
}

/** A source as the program calls it: with the methods its author wrote, and without a prototype where others could be found. */
export function ownKeySource(source: KeySource): KeySource {
  const methods = Object.keys(METHODS).flatMap((name) => {
    const method = own(source, name)
    return typeof method === 'function' ? [[name, method.bind(source) as unknown]] : []
  })
  return bare(Object.fromEntries(methods) as unknown as KeySource)
}
