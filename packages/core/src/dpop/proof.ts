import { sha256 } from '#bytes'
import type { CryptoKey } from 'jose'
import {
  AuthError,
  bare,
  checkPadding,
  type Credential,
  DEFAULT_LIMITS,
  fits,
  importKey,
  type JoseHeader,
  lintJwk,
  orThrow,
  own,
  type ParsedJwt,
  presentMembers,
  publicMaterial,
  quickParser,
  type RequestView,
} from '../adapter.ts'

/** A proof, and the request that it came with. Each step adds what it finds. */
export interface Attempt {
  readonly view: RequestView
  readonly credential: Credential
  /** The `jkt` of the token. `undefined` if the token was refused. */
  readonly thumbprint: unknown
  proof: ParsedJwt
  /** The key in the header of the proof. */
  key: ProofKey
  /** When the proof ends, in seconds since the epoch. */
  end: number
}

/** A public key that a client has sent. */
export interface ProofKey {
  readonly key: CryptoKey
  /** Its thumbprint (RFC 7638). */
  readonly jkt: string
}

/** An attempt before its first step. Every member is set, because a step must find nothing that `Object.prototype` has. */
export function newAttempt(thumbprint: unknown, view: RequestView, credential: Credential): Attempt {
  const nothing = { proof: undefined, key: undefined, end: undefined }
  return { thumbprint, view, credential, ...nothing } as unknown as Attempt
}

/** The refusal of a proof. The token may be good. */
export function badProof(
  expected: string,
  ...[actual, cause]: readonly [actual?: unknown, cause?: unknown]
): AuthError {
  return new AuthError('binding_failed', {
    expected,
    ...(actual !== undefined && { actual }),
    ...(cause !== undefined && { cause }),
    refusal: { status: 401, error: 'invalid_dpop_proof' },
  })
}

/**
 * Parses the one proof of a request (RFC 9449 section 4.3, steps 1 to 3). Headers are cached by their text, so a client's next proof has the
 * same header object.
 *
 * @param longest - in characters
 */
export function proofParser(longest: number): (fields: readonly unknown[]) => ParsedJwt {
  const parse = quickParser({ ...DEFAULT_LIMITS, tokenLength: longest, headerLength: longest }, MOST_KEYS)
  return (fields) => {
    const [field] = fields
    if (fields.length !== 1 || typeof field !== 'string') throw badProof('one DPoP header', fields.length)
    if (field.length > longest) throw badProof(`at most ${longest} characters ("proofLength")`, field.length)
    try {
      const proof = orThrow(parse(field))
      checkPadding(proof, 'refuse')
      return proof
    } catch (error) {
      // The words of the cause are about access tokens.
      throw error instanceof AuthError ? badProof('a well-formed JWT', error.code, error) : error
    }
  }
}

// Each takes about 8 KiB, most of it in the cryptography of the runtime.
const MOST_KEYS = 1000

/** Finds the key in the header of a proof. Keys are kept as long as the parser caches their header, because importing is half of the work. */
export function proofKeys(): (header: JoseHeader) => ProofKey | Promise<ProofKey> {
  const known = new WeakMap<JoseHeader, ProofKey>()
  const keyOf = async (header: JoseHeader): Promise<ProofKey> => {
    const { alg } = header
    const given = own(header, 'jwk')
    const flaw = lintJwk(given)
    if (flaw !== undefined) throw badProof('a sound public key as jwk', flaw)
    const jwk = presentMembers(given) ?? {}
    if (!fits(jwk, alg, own(jwk, 'alg'))) throw badProof(`a jwk for ${alg}`)
    const material = publicMaterial(jwk)
    try {
      const key = await importKey(material, alg)
      const found = { key, jkt: await thumbprintOf({ ...material, alg }) }
      known.set(header, found)
      return found
    } catch (error) {
      throw error instanceof AuthError ? badProof('a key that this runtime can use', error.code, error) : error
    }
  }
  return (header) => known.get(header) ?? keyOf(header)
}

/**
 * The thumbprint of a key in canonical form, so that all its spellings have the same one (RFC 7638 section 3). jose would hash in the thread
 * pool, which costs as much as half of the signature.
 */
function thumbprintOf(key: Readonly<Record<string, unknown>>): string | Promise<string> {
  const names = REQUIRED[String(key['kty'])] ?? []
  return sha256(`{${names.map((name) => `"${name}":${JSON.stringify(key[name])}`).join(',')}}`)
}

// In the order of their names.
const REQUIRED: Readonly<Record<string, readonly string[]>> = bare({
  AKP: ['alg', 'kty', 'pub'],
  EC: ['crv', 'kty', 'x', 'y'],
  OKP: ['crv', 'kty', 'x'],
  RSA: ['e', 'kty', 'n'],
})
