import { byAlgorithm, endOf, isFirstOf, type PublicKeyLocation, type SecretAndPublicKeys } from '../keys/first-of.ts'
import { isPlan, type KeySource, ownKeySource } from '../keys/key-source.ts'
import { publicKey } from '../keys/public-key.ts'
import { keySetOf } from '../keys/remote/discovery.ts'
import { keySetAt } from '../keys/remote/key-set.ts'
import { completeKeySetOptions, type ResolvedKeySetOptions, type ResolvedTuning } from '../keys/remote/options.ts'
import { secretKey } from '../keys/secret-key.ts'
import { staticKeySet } from '../keys/static-key-set.ts'
import {
  type Algorithm,
  DEFAULT_ALGORITHMS,
  isAlgorithm,
  isSymmetric,
  type SymmetricAlgorithm,
} from '../model/algorithm.ts'
import type { EventListener } from '../model/events.ts'
import { recentMap } from '../model/memory.ts'
import type { Clock, FetchLike } from '../model/runtime.ts'
import { bare, isObject, own } from '../model/values.ts'
import { misconfigured } from '../options/option-rules.ts'
import { readOptions } from '../options/read-options.ts'
import { type IssuerPolicy, KEY_LOCATION } from './options.ts'

/** The fetched key sets of a verifier, one per address. Issuers with the same address share one. */
interface KeySources {
  /** The key set of an address, created on first use. */
  at(address: string, make: () => KeySource): KeySource
  /** Stops background work in all key sets, including those created later. */
  close(): void
}

// Far more than a verifier needs, because an evicted key set loses its count of fetches.
const MOST_KEY_SETS = 10_000

/** Key sets by address. Evicted key sets are not closed, because requests may be waiting for them. */
export function keySources(): KeySources {
  const sources = recentMap<string, KeySource>(MOST_KEY_SETS)
  let closed = false
  return {
    at: (address, make) => {
      const known = sources.get(address)
      if (known !== undefined) return known
      const made = make()
      if (closed) made.close?.()
      sources.set(address, made)
      return made
    },
    close: () => {
      closed = true
      for (const source of sources.values()) source.close?.()
    },
  }
}

/** What all key sources of a verifier share. */
export interface KeyEnvironment {
  readonly clock: Clock
  readonly fetch: FetchLike
  readonly onEvent: EventListener | undefined
  readonly tuning: ResolvedTuning
  readonly sources: KeySources
}

/** The key source of a policy, and the algorithms that may be used with it. */
interface ResolvedKeys {
  readonly keys: KeySource
  readonly algorithms: ReadonlySet<Algorithm>
}

/**
 * @throws TypeError for two key locations, and for algorithms that do not fit the location or that the runtime lacks
 */
export function resolveKeys(options: IssuerPolicy, environment: KeyEnvironment): ResolvedKeys {
  const locations = LOCATIONS.filter((name) => options[name] !== undefined)
  if (locations.length > 1)
    throw misconfigured(
      ACTION,
      `give one of ${LOCATIONS.map((name) => `"${name}"`).join(', ')}${locations.includes('secret') ? SIDE_BY_SIDE : ''}`,
      locations,
    )
  // An undefined `publicKey`, for example, must not silently fall back to discovery.
  const missing = PINNED.find((name) => name in options)
  if (locations.length === 0 && missing !== undefined)
    throw misconfigured(ACTION, `"${missing}" must not be undefined: give it a value, or leave it out for discovery`)
  const unused = (['allowedKeyHosts', 'metadataUri'] as const).find((name) => options[name] !== undefined)
  if (unused !== undefined && locations.length > 0)
    throw misconfigured(
      ACTION,
      `"${unused}" is for discovery: leave it out if keys are given or have an address`,
      locations,
    )
  if (options.allowHttpHosts !== undefined && locations.some((name) => name !== 'jwksUri'))
    throw misconfigured(
      ACTION,
      '"allowHttpHosts" is for keys that are fetched: leave it out if keys are given',
      locations,
    )
  const algorithms = resolveAlgorithms(options)
  return { algorithms, keys: keySource(options, algorithms, environment) }
}

const ACTION = 'create verifier'
const SIDE_BY_SIDE = ', or for a secret and public keys side by side "keys": firstOf({ secret }, { jwksUri })'
const PINNED = ['jwks', 'publicKey', 'secret', 'keys'] as const
const LOCATIONS = ['jwksUri', ...PINNED] as const

function resolveAlgorithms({ algorithms, secret, keys }: IssuerPolicy): ReadonlySet<Algorithm> {
  const both = isFirstOf(keys)
  if (both && !listsBoth(algorithms ?? []))
    throw misconfigured(
      ACTION,
      'with firstOf, "algorithms" must list those of the secret and those of the public keys, such as ["HS256", "ES256"]',
      algorithms,
    )
  if (algorithms === undefined) return secret === undefined ? BY_DEFAULT : new Set(['HS256'])
  const resolved: Algorithm[] = []
  for (const name of algorithms as readonly string[]) {
    if (!isAlgorithm(name))
      throw misconfigured(ACTION, '"algorithms" holds a name that is no signature algorithm', name)
    if (isSymmetric(name) && secret === undefined && !both)
      throw misconfigured(ACTION, `${name} needs "secret", and never comes from public keys or a JWK Set`)
    if (!isSymmetric(name) && secret !== undefined)
      throw misconfigured(ACTION, '"secret" works only with HS256, HS384 and HS512', name)
    if (name.startsWith('ML-DSA') && !runtimeVerifies(name))
      throw misconfigured(ACTION, `this JavaScript runtime does not have ${name}: take it out of "algorithms"`)
    resolved.push(name)
  }
  return new Set(resolved)
}

// Shared, because a verifier may have thousands of issuers.
const BY_DEFAULT: ReadonlySet<Algorithm> = new Set(DEFAULT_ALGORITHMS)

function listsBoth(algorithms: readonly Algorithm[]): boolean {
  return algorithms.some(isForSecret) && !algorithms.every(isForSecret)
}

const isForSecret = (name: Algorithm): name is SymmetricAlgorithm => isAlgorithm(name) && isSymmetric(name)

// `SubtleCrypto.supports` and ML-DSA came to WebCrypto together, so a runtime without one has neither.
function runtimeVerifies(algorithm: Algorithm): boolean {
  const subtle = (globalThis as { SubtleCrypto?: { supports?: (operation: string, algorithm: string) => boolean } })
    .SubtleCrypto
  return subtle?.supports?.('verify', algorithm) === true
}

function keySource(options: IssuerPolicy, algorithms: ReadonlySet<Algorithm>, environment: KeyEnvironment): KeySource {
  const { clock, fetch, onEvent, tuning, sources } = environment
  const { issuer, keys, jwksUri, metadataUri, allowHttpHosts = [] } = options
  const read = { ...tuning, clock, fetch, onEvent, allowHttpHosts }
  if (isPlan(keys)) return sources.at(`plan ${keys.name}`, () => customSource(keys.create(read)))
  if (keys !== undefined && !isFirstOf(keys)) return customSource(keys)
  if (isFirstOf(keys)) return secretAndPublicKeys(keys, options, algorithms, environment)
  if (options.secret !== undefined) return secretKey(options.secret, [...algorithms] as SymmetricAlgorithm[])
  if (options.publicKey !== undefined) return publicKey(options.publicKey, [...algorithms])
  if (options.jwks !== undefined) return staticKeySet(options.jwks, { onEvent })
  const settings = (): ResolvedKeySetOptions => completeKeySetOptions(bare(read))
  if (jwksUri !== undefined)
    return sources.at(`jwks ${JSON.stringify([jwksUri, allowHttpHosts])}`, () => keySetAt(jwksUri, settings()))
  if (issuer === null)
    throw misconfigured(
      ACTION,
      'with "issuer": null, say where keys come from: "jwksUri", "jwks", "publicKey", "secret" or "keys"',
    )
  const { allowedKeyHosts = [] } = options
  return sources.at(`issuer ${JSON.stringify([issuer, metadataUri, allowedKeyHosts, allowHttpHosts])}`, () =>
    keySetOf({ issuer, metadataUri, allowedKeyHosts }, settings()),
  )
}

// Each half gets only its own algorithms, because a key must never be imported for an algorithm of the other half.
function secretAndPublicKeys(
  { first, others }: SecretAndPublicKeys,
  { issuer, audience }: IssuerPolicy,
  algorithms: ReadonlySet<Algorithm>,
  environment: KeyEnvironment,
): KeySource {
  const list = [...algorithms]
  const location = readOptions(ACTION, others, KEY_LOCATION) as PublicKeyLocation
  const publicKeys = bare({ ...location, issuer, audience, algorithms: list.filter((name) => !isSymmetric(name)) })
  const { keys } = resolveKeys(publicKeys, environment)
  return byAlgorithm(secretKey(first.secret, list.filter(isSymmetric)), keys, {
    until: endOf(first),
    clock: environment.clock,
  })
}

function customSource(keys: unknown): KeySource {
  if (isObject(keys) && typeof own(keys, 'resolve') === 'function') return ownKeySource(keys as KeySource)
  throw misconfigured(ACTION, '"keys" must be a key source with a resolve method', keys)
}
