import type { JSONWebKeySet } from 'jose'

import type { EventListener, KeyFlaw } from '../model/events.ts'
import { emit } from '../model/emit.ts'
import { ownOptions } from '../model/own.ts'
import { FetchError } from './fetch/fetch-error.ts'
import { listSkipped, parseJwkSet, type JwkSetLimits, type KeySet } from './jwk/jwk-set.ts'
import { foundKey, foundKeys, listKids } from './jwk/key-refusal.ts'
import type { KeySource } from './key-source.ts'

/** How to read a JWK Set at hand. */
export interface StaticKeySetOptions extends JwkSetLimits {
  /** Told of members that are skipped (`key.skipped`) and of tokens that more than one key fits (`key.ambiguous`). */
  readonly onEvent?: EventListener
}

/**
 * Keys from a JWK Set at hand, or its text (RFC 7517 section 5). Never fetches anything.
 *
 * `resolve` throws `AuthError` `key_not_found`, `key_ambiguous`, `algorithm_key_mismatch` or `key_unusable`.
 *
 * @throws TypeError for what is no JWK Set, holds a secret or a private key, or has no usable key
 */
export function staticKeySet(jwks: JSONWebKeySet | string, given: StaticKeySetOptions = {}): KeySource {
  const options = ownOptions(given, ['maxKeys', 'onEvent'])
  const { onEvent } = options
  const set = parseOwn(jwks, options)
  for (const skipped of set.skipped) emit(onEvent, { type: 'key.skipped', ...skipped })
  const about = (): string => `in a set of ${set.size}: ${listKids(set)}`
  return Object.freeze<KeySource>({
    resolve: async (header) => set.import(foundKey(set.select(header), { set, header, about, onEvent }), header),
    candidates: async (header) =>
      set.importSome(foundKeys(set.select(header), { set, header, about, onEvent }), header),
    current: (header) => set.imported(header),
    generation: () => 0,
    describe: () => `${set.size} keys given in the configuration: ${listKids(set)}`,
  })
}

function parseOwn(jwks: JSONWebKeySet | string, limits: JwkSetLimits): KeySet {
  const set = parse(jwks, limits)
  const skippedAs = (reason: KeyFlaw): boolean => set.skipped.some((skipped) => skipped.reason === reason)
  if (skippedAs('symmetric'))
    throw new TypeError('Cannot use JWK Set: it must hold public keys only, and holds a secret ("kty": "oct")')
  if (skippedAs('private_parts'))
    throw new TypeError('Cannot use JWK Set: it must hold public keys only, and holds a private key')
  if (set.size === 0)
    throw new TypeError(`Cannot use JWK Set: it must hold a usable key, and holds ${explainSkipped(set)}`)
  return set
}

function parse(jwks: unknown, limits: JwkSetLimits): KeySet {
  try {
    return parseJwkSet(jwks, limits)
  } catch (cause) {
    if (!(cause instanceof FetchError)) throw cause
    throw new TypeError(`Cannot use JWK Set: ${cause.message}`, { cause })
  }
}

function explainSkipped({ skipped }: KeySet): string {
  return skipped.length === 0 ? 'none' : `only members that were skipped: ${listSkipped(skipped)}`
}
