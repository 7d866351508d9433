import type { JSONWebKeySet } from 'jose'
import {
  type AuthError,
  isObject,
  type JoseHeader,
  type KeySource,
  misconfigured,
  MOST_CANDIDATES,
  own,
  TOO_MANY,
} from '../adapter.ts'
import { type DecryptionKey, decryptionKey, type ImportedKey } from './decryption-key.ts'
import { decryptionFailed } from './parse.ts'

/** Private keys to decrypt tokens with. */
export interface DecryptionKeys extends KeySource {
  /**
   * Imports the keys before the first token arrives.
   *
   * @throws TypeError for a PEM that is not fit for use, and for two keys with the same `kid`
   */
  ready(): Promise<void>
  /**
   * The JWK Set to publish, so others can encrypt to these keys: public members, `kid`, and `use` `enc` (RFC 7517 section 4.2).
   *
   * @throws TypeError for a WebCrypto key without its public half
   */
  publicJwks(): Promise<JSONWebKeySet>
  describe(): string
}

/**
 * Keys to decrypt tokens with: one, several, or a JWK Set. Use several for rotation: publish the new one, and keep the old one until the
 * last token encrypted to it has expired. The ID of a key without `kid` is its thumbprint (RFC 7638).
 *
 * A token with `kid` is decrypted only with that key. For a token without one, each key that fits its `alg` and curve is tried, up to four;
 * if more fit, the token is refused.
 *
 * `resolve` and `candidates` throw `AuthError` `token_decryption_failed` if there is no such key.
 *
 * @throws TypeError for a key that is public, symmetric, for signatures, or weak. For a PEM, `ready` throws it
 */
export function decryptionKeys(
  keys: DecryptionKey | readonly DecryptionKey[] | { readonly keys: readonly DecryptionKey[] },
): DecryptionKeys {
  const importers = listOf(keys).map((key, index) => decryptionKey(ACTION, `key ${index + 1}`, key))
  if (importers.length === 0) throw misconfigured(ACTION, 'there must be at least one')
  let imported: readonly ImportedKey[] | undefined

  // Requests before the first import finishes each import the keys, because on some runtimes no request may await another's promise.
  const load = async (): Promise<readonly ImportedKey[]> => {
    imported ??= distinct(await Promise.all(importers.map(async (importer) => importer())))
    return imported
  }

  return Object.freeze<DecryptionKeys>({
    resolve: async (header) => {
      const all = await load()
      const [only, ...others] = keysFor(header, all)
      if (only !== undefined && others.length === 0) return only
      throw noKey(header, { keys: all, named: all.length, fitting: others.length + 1 })
    },
    candidates: async (header) => keysFor(header, await load()),
    ready: async () => void (await load()),
    publicJwks: async () => ({ keys: (await load()).map(toPublicJwk) }),
    describe: () => `${importers.length} decryption keys`,
  })
}

const ACTION = 'use decryption keys'

function listOf(keys: Parameters<typeof decryptionKeys>[0]): readonly DecryptionKey[] {
  if (Array.isArray(keys)) return keys as readonly DecryptionKey[]
  const members = isObject(keys) ? own(keys, 'keys') : undefined
  return Array.isArray(members) ? (members as readonly DecryptionKey[]) : [keys as DecryptionKey]
}

function distinct(keys: readonly ImportedKey[]): readonly ImportedKey[] {
  const kids = keys.map(({ kid }) => kid).filter((kid) => kid !== undefined)
  const repeated = kids.find((kid, index) => kids.indexOf(kid) !== index)
  if (repeated !== undefined) throw misconfigured(ACTION, 'there must not be two with one "kid"', repeated)
  return keys
}

function keysFor(header: JoseHeader, keys: readonly ImportedKey[]): readonly CryptoKey[] {
  const { kid } = header
  const named = kid === undefined ? keys : keys.filter((key) => key.kid === kid)
  const fitting = named.filter((key) => fits(key, header))
  const most = kid === undefined ? MOST_CANDIDATES : 1
  if (fitting.length >= 1 && fitting.length <= most) return fitting.map(({ privateKey }) => privateKey)
  throw noKey(header, { keys, named: named.length, fitting: fitting.length })
}

function fits({ kind, alg }: ImportedKey, header: JoseHeader): boolean {
  if (alg !== undefined && alg !== header.alg) return false
  const { epk } = header as { readonly epk?: { readonly crv?: unknown } }
  return kind === (header.alg === 'RSA-OAEP-256' ? 'RSA' : epk?.crv)
}

// The header is plain text and key IDs are published, so this reveals nothing about a key.
function noKey(
  { kid, alg }: JoseHeader,
  found: { readonly keys: readonly ImportedKey[]; readonly named: number; readonly fitting: number },
): AuthError {
  if (found.named === 0)
    return decryptionFailed({
      expected: found.keys.map((key) => key.kid),
      actual: kid,
      hint: 'There is no decryption key with this kid',
    })
  return decryptionFailed({
    expected: `one decryption key that fits ${alg}`,
    actual: found.fitting,
    hint:
      kid === undefined
        ? `The token names no key ID${found.fitting > MOST_CANDIDATES ? TOO_MANY : ''}`
        : 'The key of that kid is for another algorithm, or on another curve',
  })
}

function toPublicJwk({ kind, kid, alg, publicJwk }: ImportedKey): JSONWebKeySet['keys'][number] {
  if (publicJwk === undefined)
    throw misconfigured('publish decryption keys', 'give { privateKey, publicKey } for each WebCrypto key')
  const onlyFor = alg ?? (kind === 'RSA' ? 'RSA-OAEP-256' : undefined)
  return { ...publicJwk, ...(kid !== undefined && { kid }), ...(onlyFor !== undefined && { alg: onlyFor }), use: 'enc' }
}
