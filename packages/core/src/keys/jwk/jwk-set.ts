import type { CryptoKey, JSONWebKeySet, JWK } from 'jose'
import { AuthError } from '../../errors/auth-error.ts'
import { quote } from '../../errors/quote.ts'
import { type ElementTolerance, parseStrictJson, StrictJsonError } from '../../json/strict-json.ts'
import type { KeyFlaw } from '../../model/events.ts'
import { recentMap } from '../../model/memory.ts'
import { defaultSharing, type Sharing } from '../../model/runtime.ts'
import { parametersOf } from '../../model/algorithm.ts'
import type { JoseHeader, PublishedAs } from '../../model/token.ts'
import { bare, isObject } from '../../model/values.ts'
import { FetchError } from '../fetch/fetch-error.ts'
import { flawOfJwk, type JwkFlaw, type JwkMember, presentMembers, publicMaterial, type PublicMaterial } from './lint.ts'
import { type PublishedKey, type Selection, selectKey } from './select-key.ts'

export type { JSONWebKeySet } from 'jose'

export interface JwkSetLimits {
  /** Members of `keys`, usable or not. From 1 to 1,000. @defaultValue 64 */
  readonly maxKeys?: number
}

export interface JwkSetOptions extends JwkSetLimits {
  /** How requests share the import of a key. @defaultValue what the runtime needs */
  readonly sharing?: Sharing
}

/** An immutable set of public keys that may verify signatures (RFC 7517 section 5). */
export interface KeySet {
  /** Usable keys. */
  readonly size: number
  /** Key IDs of the usable keys, for messages. */
  readonly kids: readonly string[]
  /** What was wrong with each skipped member. */
  readonly skipped: readonly SkippedMember[]
  select(header: JoseHeader): Selection
  /** Imports the key selected for a header, and caches the result. @throws AuthError `key_unusable` */
  import(key: PublishedKey, header: JoseHeader): Promise<CryptoKey>
  /** Like `import`, for several keys; leaves out unusable ones. @throws AuthError `key_unusable` if none is usable */
  importSome(keys: readonly PublishedKey[], header: JoseHeader): Promise<readonly CryptoKey[]>
  /** The key imported for this same header object, which must be frozen. A header that several keys fit is never cached. */
  readonly imported: Pick<WeakMap<JoseHeader, CryptoKey>, 'get'>
  /** The usable keys, public members only. */
  toJwks(): JSONWebKeySet
}

const DEFAULT_MAX_KEYS = 64
export const MOST_KEYS = 1000
const JSON_LIMITS = { members: MOST_KEYS, nodes: 65_536, depth: 16 }

/**
 * Parses an untrusted JWK Set. Unusable members are skipped and counted, as RFC 7517 section 5 requires. A set without any usable key is
 * valid here; the caller decides what to do with it.
 *
 * @throws FetchError `malformed` for anything that is not a JWK Set, `too_large` for more than `maxKeys` members
 */
export function parseJwkSet(source: unknown, options: JwkSetOptions = {}): KeySet {
  const { maxKeys = DEFAULT_MAX_KEYS, sharing = defaultSharing() } = bare({ ...options })
  const textFlaws: ElementTolerance['flaws'] = new Map()
  const value = typeof source === 'string' ? parseText(source, textFlaws) : source
  const hasKeys = isObject(value) && Object.hasOwn(value, 'keys')
  const members = hasKeys ? (value as { readonly keys?: unknown }).keys : undefined
  if (!Array.isArray(members)) throw new FetchError('malformed', 'The JWK Set has no "keys" array')
  if (members.length > maxKeys)
    throw new FetchError(
      'too_large',
      `The JWK Set has ${members.length} members, and at most ${maxKeys} are read; "maxKeys" sets this limit, up to ${MOST_KEYS}`,
    )
  const keys: PublishedKey[] = []
  const skipped: SkippedMember[] = []
  const flaws = new Map<string, JwkFlaw>()
  const firsts = new Map<string, number>()
  for (const [index, item] of members.entries()) {
    const member = presentMembers(item)
    // Two parsers may read different keys from a duplicate member, and some take `__proto__` as a prototype.
    const inText = textFlaws.get(index)
    const reason = inText?.flaw === 'duplicate_member' ? 'duplicate_member' : 'malformed'
    const flaw: JwkFlaw | undefined = inText ? { reason, member: inText.name } : flawOfJwk(member)
    if (member && !flaw) keys.push(publishedKey(member, keys.length, firsts))
    else if (flaw) {
      const kid = textOf(member?.['kid'])
      if (kid !== undefined) flaws.set(kid, flaw)
      const key = kid === undefined ? `member ${index + 1}` : `the key with kid ${quote(kid)}`
      skipped.push({ reason: flaw.reason, detail: flaw.member === undefined ? key : `${quote(flaw.member)} of ${key}` })
    }
  }
  return keySet(keys, { skipped, flaws, sharing })
}

/** A skipped member of a set. */
interface SkippedMember {
  readonly reason: KeyFlaw
  /** A phrase about the member, escaped: `"n" of the key with kid "a"`. */
  readonly detail: string
}

const MOST_SHOWN = 8

/** What was wrong with skipped members, for a message. */
export function listSkipped(skipped: readonly SkippedMember[]): string {
  const shown = skipped.slice(0, MOST_SHOWN).map(({ reason, detail }) => `${reason} (${detail})`)
  return `${shown.join(', ')}${skipped.length > MOST_SHOWN ? `, and ${skipped.length - MOST_SHOWN} more` : ''}`
}

function parseText(text: string, flaws: ElementTolerance['flaws']): unknown {
  try {
    return parseStrictJson(text, JSON_LIMITS, { array: 'keys', flaws })
  } catch (cause) {
    if (!(cause instanceof StrictJsonError)) throw cause
    const isLimit = cause.flaw === 'limits'
    const limit = isLimit ? ', a limit of Claimgate that cannot be raised' : ''
    throw new FetchError(isLimit ? 'too_large' : 'malformed', `The JWK Set ${cause.message}${limit}`, { cause })
  }
}

const LONGEST_THUMBPRINT = 128
const LONGEST_ISSUER = 512

function publishedKey(member: JwkMember, index: number, firsts: Map<string, number>): PublishedKey {
  const { kid, alg, x5t, 'x5t#S256': x5tS256, issuer } = member
  const material = publicMaterial(member)
  const print = fingerprint(material)
  const sameAs = firsts.get(print) ?? index
  firsts.set(print, sameAs)
  return Object.freeze({
    index,
    kid: textOf(kid),
    alg: textOf(alg),
    x5t: textOf(x5t, LONGEST_THUMBPRINT),
    'x5t#S256': textOf(x5tS256, LONGEST_THUMBPRINT),
    issuer: textOf(issuer, LONGEST_ISSUER),
    material,
    sameAs,
  })
}

function textOf(value: unknown, longest = Infinity): string | undefined {
  return typeof value === 'string' && value.length <= longest ? value : undefined
}

const MOST_IMPORTED = 256
// An RSA key may be used with six algorithms.
const ALGORITHMS_PER_KEY = 6

interface SetParts {
  readonly skipped: readonly SkippedMember[]
  readonly flaws: ReadonlyMap<string, JwkFlaw>
  readonly sharing: Sharing
}

function keySet(keys: readonly PublishedKey[], { skipped, flaws, sharing }: SetParts): KeySet {
  const byKid = new Map<string, readonly PublishedKey[]>()
  for (const key of keys) if (key.kid !== undefined) byKid.set(key.kid, [...(byKid.get(key.kid) ?? []), key])
  const importedKeys = recentMap<string, CryptoKey>(
    Math.min(MOST_IMPORTED, Math.max(1, keys.length * ALGORITHMS_PER_KEY)),
  )
  const importing = new Map<string, Promise<CryptoKey>>()
  const imported = new WeakMap<JoseHeader, CryptoKey>()

  /** Imports a key once for each algorithm it is used with. */
  const importOnce = async (published: PublishedKey, alg: string): Promise<CryptoKey> => {
    const { index, material } = published
    const name = `${index} ${alg}`
    const known = importedKeys.get(name) ?? importing.get(name)
    if (known) return known
    const pending = importKey(material, alg, published)
    // Thousands of requests may wait for the first fetch, and then need the same key.
    if (sharing === 'promise') importing.set(name, pending)
    try {
      const key = await pending
      importedKeys.set(name, key)
      return key
    } finally {
      importing.delete(name)
    }
  }
  const importFor = async (selected: PublishedKey, header: JoseHeader): Promise<CryptoKey> => {
    const key = await importOnce(selected, header.alg)
    // A frozen header selects the same key for as long as the set lives.
    if (Object.isFrozen(header)) imported.set(header, key)
    return key
  }

  return Object.freeze<KeySet>({
    size: keys.length,
    kids: Object.freeze([...byKid.keys()]),
    skipped: Object.freeze(skipped),
    select: (header) => selectKey({ keys, byKid, flaws }, header),
    import: importFor,
    importSome: async (selected, header) => {
      const [only, ...others] = selected
      if (only !== undefined && others.length === 0) return [await importFor(only, header)]
      const outcomes = await Promise.allSettled(selected.map(async (key) => importOnce(key, header.alg)))
      const usable = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
      const [first] = outcomes
      if (usable.length === 0 && first?.status === 'rejected') throw first.reason
      return usable
    },
    imported,
    toJwks: () => ({ keys: keys.map(toJwk) }),
  })
}

function toJwk({ kid, alg, x5t, 'x5t#S256': x5tS256, issuer, material }: PublishedKey): JWK {
  const named = Object.entries({ kid, alg, x5t, 'x5t#S256': x5tS256, issuer }).filter(
    ([, value]) => value !== undefined,
  )
  return { ...material, ...Object.fromEntries(named), use: 'sig' }
}

const details = new WeakMap<CryptoKey, { readonly material: PublicMaterial; readonly published: PublishedAs }>()

/**
 * Imports a public key for one algorithm. The key cannot be exported again. What it is published with, if given, is kept for messages and checks.
 *
 * @throws AuthError `key_unusable` if the runtime rejects it
 */
export async function importKey(material: PublicMaterial, alg: string, published?: PublishedAs): Promise<CryptoKey> {
  try {
    // WebCrypto requires `alg` in the key only for AKP, where it checks it.
    const jwk = bare(material.kty === 'AKP' ? { ...material, alg } : { ...material }) as JsonWebKey
    const key = await crypto.subtle.importKey('jwk', jwk, parametersOf(alg), false, ['verify'])
    if (key.type !== 'public') throw new TypeError('not a public key')
    if (published !== undefined) details.set(key, { material, published: publishedAs(published) })
    return key
  } catch (cause) {
    throw new AuthError('key_unusable', {
      actual: `${material.kty}${material.crv === undefined ? '' : ` ${material.crv}`} for ${alg}`,
      hint: 'The runtime does not support this algorithm, or does not accept the key.',
      cause,
    })
  }
}

function publishedAs({ kid, alg, x5t, 'x5t#S256': x5tS256, issuer }: PublishedAs): PublishedAs {
  return Object.freeze({ kid, alg, x5t, 'x5t#S256': x5tS256, issuer })
}

/** How an imported key is published; `undefined` for a key of another source, and for one that is not in a set. */
export function publicationOf(key: CryptoKey): PublishedAs | undefined {
  return details.get(key)?.published
}

/** Whether a key that was imported with what it is published with has the given material. */
export function hasMaterial(key: CryptoKey, material: PublicMaterial): boolean {
  const imported = details.get(key)?.material
  return imported !== undefined && fingerprint(imported) === fingerprint(material)
}

/** The key IDs of imported keys, for a message. Unknown for keys of another source. */
export function listKeys(keys: readonly CryptoKey[]): string {
  const kids = keys.map((key) => publicationOf(key)?.kid)
  return kids.map((kid) => (kid === undefined ? 'one without kid' : quote(kid))).join(', ')
}

// Equal for keys of the same material.
function fingerprint({ kty, crv, n, e, x, y, pub }: PublicMaterial): string {
  return JSON.stringify([kty, crv, n, e, x, y, pub])
}
