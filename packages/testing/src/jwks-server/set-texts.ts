import { generateKeyPairSync } from 'node:crypto'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { JSONWebKeySet, JWK } from 'jose'

/** The keys of a set followed by filler keys, each with its own `kid`, up to `count`. */
export function withFillers(set: JSONWebKeySet, count: number): JSONWebKeySet {
  const filler = sibling({ kty: 'EC', crv: 'P-256' })
  const missing = Math.max(0, count - set.keys.length)
  return {
    keys: [...set.keys, ...Array.from({ length: missing }, (_, index) => ({ ...filler, kid: `filler-${index}` }))],
  }
}

/** Each key of a set followed by another of the same type under the same `kid`. */
export function withDuplicates(set: JSONWebKeySet): JSONWebKeySet {
  return { keys: set.keys.flatMap((key) => [key, { ...key, ...sibling(key) }]) }
}

/** The first half of one set's text and the second half of the other's. */
export function torn(before: JSONWebKeySet, after: JSONWebKeySet): string {
  const [first, second] = [JSON.stringify(before), JSON.stringify(after)]
  return first.slice(0, first.length / 2) + second.slice(second.length / 2)
}

const compress = promisify(gzip)
let lastBomb: { readonly text: string; readonly size: number; readonly bytes: Promise<Buffer> } | undefined

/** A text padded with leading white space to `size` bytes, then compressed. The last result is cached because it is slow. */
export function gzipBomb(text: string, size: number): Promise<Buffer> {
  if (lastBomb?.text !== text || lastBomb.size !== size) {
    lastBomb = { text, size, bytes: compress(Buffer.from(text).length < size ? padded(text, size) : Buffer.from(text)) }
  }
  return lastBomb.bytes
}

function padded(text: string, size: number): Buffer {
  const bytes = Buffer.alloc(size, ' ')
  bytes.write(text, size - Buffer.byteLength(text))
  return bytes
}

const siblings = new Map<string, JWK>()

function sibling(key: JWK): JWK {
  const type = `${key.kty} ${key.crv ?? ''}`
  const known = siblings.get(type) ?? otherKey(key)
  siblings.set(type, known)
  return known
}

function otherKey({ kty, crv = '' }: JWK): JWK {
  if (kty === 'EC') return generateKeyPairSync('ec', { namedCurve: crv }).publicKey.export({ format: 'jwk' })
  if (kty === 'OKP') return generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })
  if (kty === 'RSA') {
    return generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' })
  }
  // For a type we cannot generate, the same key twice is still a duplicate kid.
  return {}
}
