import type { CryptoKey, JSONWebKeySet, JWK } from 'jose'
import { quote } from '../../errors/quote.ts'
import { type ElementTolerance, parseStrictJson, StrictJsonError } from '../../json/strict-json.ts'
import type { KeyFlaw } from '../../model/events.ts'
import type { JoseHeader } from '../../model/token.ts'
import { bare } from '../../model/values.ts'
import { FetchError } from '../fetch/fetch-error.ts'
import { defaultSharing, type Sharing } from '../remote/flight.ts'
import { fingerprint, importedKeys } from './import-key.ts'
import { flawOfJwk, type JwkFlaw, type JwkMember, presentMembers, publicMaterial } from './lint.ts'
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
  /** What was wrong with the member with that key ID, if it was skipped. */
  flawOf(kid: string): JwkFlaw | undefined
  /** Imports the key selected for a header, and caches the result. @throws AuthError `key_unusable` */
  import(key: PublishedKey, header: JoseHeader): Promise<CryptoKey>
  /** Like `import`, for several keys; leaves out unusable ones. @throws AuthError `key_unusable` if none is usable */
  importSome(keys: readonly PublishedKey[], header: JoseHeader): Promise<readonly CryptoKey[]>
  /** The key imported for this same header object, which must be frozen. A header that several keys fit is never cached. */
  imported(header: JoseHeader): CryptoKey | undefined
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
  const spoiled: ElementTolerance['flaws'] = new Map()
  const members = membersOf(typeof source === 'string' ? parseText(source, spoiled) : source)
  if (members.length > maxKeys)
    throw new FetchError(
      'too_large',
      `The JWK Set has ${members.length} members, and at most ${maxKeys} are read; "maxKeys" sets this limit, up to ${MOST_KEYS}`,
    )
  const keys: PublishedKey[] = []
  const skipped: SkippedMember[] = []
  const flaws = new Map<string, JwkFlaw>()
  const firsts = new Map<string, number>()
  for (const [index, value] of members.entries()) {
    const member = presentMembers(value)
    const flaw = flawOfText(spoiled.get(index)) ?? flawOfJwk(member)
    if (member !== undefined && flaw === undefined) keys.push(publishedKey(member, keys.length, firsts))
    else if (flaw !== undefined) {
      const kid = member && kidOf(member)
      skipped.push({ reason: flaw.reason, detail: detailOf(flaw, kid, index) })
      if (kid !== undefined) flaws.set(kid, flaw)
    }
  }
  return keySet(keys, skipped, flaws, sharing)
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

function detailOf({ member }: JwkFlaw, kid: string | undefined, index: number): string {
  const key = kid === undefined ? `member ${index + 1}` : `the key with kid ${quote(kid)}`
  return member === undefined ? key : `${quote(member)} of ${key}`
}

// Two parsers may read different keys from a duplicate member, and some take `__proto__` as a prototype.
function flawOfText(found: ReturnType<ElementTolerance['flaws']['get']>): JwkFlaw | undefined {
  return found && { reason: found.flaw === 'duplicate_member' ? 'duplicate_member' : 'malformed', member: found.name }
}

function parseText(text: string, flaws: ElementTolerance['flaws']): unknown {
  try {
    return parseStrictJson(text, JSON_LIMITS, { array: 'keys', flaws })
  } catch (cause) {
    if (!(cause instanceof StrictJsonError)) throw cause
    if (cause.flaw === 'limits')
      throw new FetchError('too_large', `The JWK Set ${cause.message}, a limit of Claimgate that cannot be raised`, {
        cause,
      })
    throw new FetchError('malformed', `The JWK Set ${cause.message}`, { cause })
  }
}

function membersOf(value: unknown): readonly unknown[] {
  if (typeof value === 'object' && value !== null && Object.hasOwn(value, 'keys') && 'keys' in value) {
    if (Array.isArray(value.keys)) return value.keys as readonly unknown[]
  }
  throw new FetchError('malformed', 'The JWK Set has no "keys" array')
}

function publishedKey(member: JwkMember, index: number, firsts: Map<string, number>): PublishedKey {
  const alg = typeof member['alg'] === 'string' ? member['alg'] : undefined
  const material = publicMaterial(member)
  const print = fingerprint(material)
  const sameAs = firsts.get(print) ?? index
  firsts.set(print, sameAs)
  const [x5t, x5tS256] = [thumbprint(member['x5t']), thumbprint(member['x5t#S256'])]
  return Object.freeze({ index, kid: kidOf(member), alg, x5t, 'x5t#S256': x5tS256, material, sameAs })
}

const LONGEST_THUMBPRINT = 128

function thumbprint(value: unknown): string | undefined {
  return typeof value === 'string' && value.length <= LONGEST_THUMBPRINT ? value : undefined
}

function kidOf({ kid }: JwkMember): string | undefined {
  return typeof kid === 'string' ? kid : undefined
}

function keySet(
  keys: readonly PublishedKey[],
  skipped: readonly SkippedMember[],
  flaws: ReadonlyMap<string, JwkFlaw>,
  sharing: Sharing,
): KeySet {
  const byKid = new Map<string, PublishedKey[]>()
  for (const key of keys) {
    if (key.kid === undefined) continue
    const named = byKid.get(key.kid)
    if (named) named.push(key)
    else byKid.set(key.kid, [key])
  }
  const importOnce = importedKeys(keys.length, sharing)
  const byHeader = new WeakMap<JoseHeader, CryptoKey>()
  const importFor = async (selected: PublishedKey, header: JoseHeader): Promise<CryptoKey> => {
    const key = await importOnce(selected, header.alg)
    // A frozen header selects the same key for as long as the set lives.
    if (Object.isFrozen(header)) byHeader.set(header, key)
    return key
  }
  return Object.freeze<KeySet>({
    size: keys.length,
    kids: Object.freeze([...byKid.keys()]),
    skipped: Object.freeze(skipped),
    select: (header: JoseHeader) => selectKey({ keys, byKid }, header),
    flawOf: (kid: string) => flaws.get(kid),
    import: importFor,
    importSome: async (selected: readonly PublishedKey[], header: JoseHeader) => {
      const [only, ...others] = selected
      if (only !== undefined && others.length === 0) return [await importFor(only, header)]
      const outcomes = await Promise.allSettled(selected.map(async (key) => importOnce(key, header.alg)))
      const usable = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
      const [first] = outcomes
      if (usable.length === 0 && first?.status === 'rejected') throw first.reason
      return usable
    },
    imported: (header: JoseHeader) => byHeader.get(header),
    toJwks: () => ({ keys: keys.map(toJwk) }),
  })
}

function toJwk({ kid, alg, x5t, 'x5t#S256': x5tS256, material }: PublishedKey): JWK {
  const named = { kid, alg, x5t, 'x5t#S256': x5tS256 }
  return {
    ...material,
    ...Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)),
    use: 'sig',
  }
}
