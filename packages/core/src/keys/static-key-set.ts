import type { JSONWebKeySet } from 'jose'
import { emit, type EventListener } from '../model/events.ts'
import { bare, own } from '../model/values.ts'
import { callback, isOptions, misconfigured, numberIn, type OptionTable } from '../options/option-rules.ts'
import { readOptions } from '../options/read-options.ts'
import { FetchError } from './fetch/fetch-error.ts'
import { type JwkSetLimits, type KeySet, listSkipped, MOST_KEYS, parseJwkSet } from './jwk/jwk-set.ts'
import { foundKey, foundKeys, keyCount, listKids } from './jwk/select-key.ts'
import type { KeySource } from './key-source.ts'
import { readKeyText } from './key-text.ts'

/** Options for `staticKeySet`. */
export interface StaticKeySetOptions extends JwkSetLimits {
  /** Called for each skipped member (`key.skipped`) and each token that more than one key fits (`key.ambiguous`). */
  readonly onEvent?: EventListener | undefined
}

/**
 * Keys from a JWK Set that you already have, as an object or as text (RFC 7517 section 5). Never fetches anything.
 *
 * `resolve` throws `AuthError` `key_not_found`, `key_ambiguous`, `algorithm_key_mismatch` or `key_unusable`.
 *
 * @throws TypeError for anything but a JWK Set, and for a set that contains a secret or a private key, or has no usable key
 */
export function staticKeySet(jwks: JSONWebKeySet | string, given: StaticKeySetOptions = {}): KeySource {
  const options = readOptions(ACTION, given, STATIC_KEY_SET) as StaticKeySetOptions
  const { onEvent } = options
  const set = parseOwn(jwks, options)
  for (const skipped of set.skipped) emit(onEvent, { type: 'key.skipped', ...skipped })
  const about = (): string => `in a set of ${set.size}: ${listKids(set)}`
  return Object.freeze(
    bare<KeySource>({
      resolve: async (header) => set.import(foundKey(set.select(header), { header, about, onEvent }), header),
      candidates: async (header) => set.importSome(foundKeys(set.select(header), { header, about, onEvent }), header),
      current: (header) => set.imported.get(header),
      describe: () => `${keyCount(set)} given in the configuration: ${listKids(set)}`,
    }),
  )
}

const ACTION = 'use JWK Set'
const STATIC_KEY_SET: OptionTable<StaticKeySetOptions> = {
  maxKeys: numberIn({ least: 1, most: MOST_KEYS, whole: true }),
  onEvent: callback,
}

function parseOwn(jwks: JSONWebKeySet | string, limits: JwkSetLimits): KeySet {
  assertSet(jwks)
  const set = parse(jwks, limits)
  const { size, skipped } = set
  const reasons = new Set(skipped.map(({ reason }) => reason))
  const secret = reasons.has('symmetric') ? 'secret ("kty": "oct")' : 'private key'
  if (reasons.has('symmetric') || reasons.has('private_parts'))
    throw misconfigured(ACTION, `it must hold public keys only, and holds a ${secret}`)
  if (size > 0) return set
  const found = skipped.length === 0 ? 'none' : `only members that were skipped: ${listSkipped(skipped)}`
  throw new TypeError(`Cannot use JWK Set: it must hold a usable key, and holds ${found}`)
}

// What users pass by mistake.
const ADVICE: Readonly<Record<string, string>> = bare({
  jwk: 'a JWK: give { keys: [jwk] }',
  pem: 'a PEM: give it as "publicKey"',
  der: 'DER: give it as "publicKey", in PEM',
  'a URL': 'a URL: give it as "jwksUri"',
  'a list': 'a list: give { keys: […] }',
  'a Promise': 'a Promise: await it',
  'an object without "kty"': 'an object without "keys"',
  'a JWK Set': 'its bytes: give JSON.parse(text)',
})

function assertSet(jwks: unknown): void {
  if (isOptions(jwks) && Array.isArray(own(jwks, 'keys'))) return
  const read = readKeyText(jwks)
  const found = read.kind === 'other' ? read.found : read.kind
  if (typeof jwks === 'string' && jwks.trimStart().startsWith('{') && read.kind !== 'jwk') return
  throw misconfigured(ACTION, `"jwks" must be a JWK Set, an object { keys: […] }, found ${ADVICE[found] ?? found}`)
}

function parse(jwks: unknown, limits: JwkSetLimits): KeySet {
  try {
    return parseJwkSet(jwks, limits)
  } catch (cause) {
    if (!(cause instanceof FetchError)) throw cause
    throw new TypeError(`Cannot use JWK Set: ${cause.message}`, { cause })
  }
}
