import { isObject } from '../../model/values.ts'
import * as base64url from 'jose/base64url'
import { algorithmTraits, type AlgorithmTraits, isAlgorithm } from '../../model/algorithm.ts'
import type { KeyFlaw } from '../../model/events.ts'
import {
  inBytes,
  isEd25519Point,
  isOnCurve,
  materialBytes,
  numberOf,
  weakRsaMember,
  withoutLeadingZeros,
} from './key-material.ts'

/** An unchecked member of a JWK Set. */
export type JwkMember = Readonly<Record<string, unknown>>

/** The members of a public key, and no others (RFC 7518 section 6, RFC 8037 section 2). */
export interface PublicMaterial {
  readonly kty: string
  readonly crv?: string
  readonly n?: string
  readonly e?: string
  readonly x?: string
  readonly y?: string
  readonly pub?: string
}

/** What is wrong with a JWK, and which of its members shows it. */
export interface JwkFlaw {
  readonly reason: KeyFlaw
  /** Absent if no single member shows it. */
  readonly member?: string
}

const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']
const MAY_BE_EMPTY: ReadonlySet<string> = new Set(['key_ops', 'oth'])
const MATERIAL_MEMBERS = ['kty', 'crv', 'n', 'e', 'x', 'y', 'pub']
const LONGEST_KID = 1024

/**
 * What is wrong with a member of a JWK Set, or `undefined` for a key that may verify signatures (RFC 7517 sections 4
 * and 5, RFC 8725 sections 3.5 and 3.6). Checks only the JWK, and does not use WebCrypto.
 */
export function lintJwk(value: unknown): KeyFlaw | undefined {
  return flawOfJwk(value)?.reason
}

/** Like `lintJwk`, with the member that shows the flaw. */
export function flawOfJwk(value: unknown): JwkFlaw | undefined {
  const member = presentMembers(value)
  if (member === undefined) return { reason: 'malformed' }
  const { kty, kid, use, key_ops: operations, alg } = member
  if (typeof kty !== 'string') return { reason: 'malformed', member: 'kty' }
  if (kty === 'oct') return { reason: 'symmetric', member: 'kty' }
  const secret = PRIVATE_MEMBERS.find((name) => Object.hasOwn(member, name))
  if (secret !== undefined) return { reason: 'private_parts', member: secret }
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > LONGEST_KID)) return malformed('kid')
  if (alg !== undefined && typeof alg !== 'string') return malformed('alg')
  if (use !== undefined && use !== 'sig') return { reason: 'wrong_use', member: 'use' }
  if (operations !== undefined && !Array.isArray(operations)) return malformed('key_ops')
  if (operations?.includes('verify') === false) return { reason: 'wrong_use', member: 'key_ops' }
  const flaw = flawInMaterial(member)
  if (flaw || alg === undefined || fits(member, alg)) return flaw
  return { reason: 'unsupported_algorithm', member: 'alg' }
}

/** Whether a key may be used with an algorithm: its type and curve must fit, and so must `only`, the `alg` of the key. */
export function fits({ kty, crv }: JwkMember | PublicMaterial, alg: string, only?: unknown): boolean {
  if (!isAlgorithm(alg)) return false
  const traits: AlgorithmTraits = algorithmTraits[alg]
  if (traits.kty !== kty || (traits.crv !== undefined && traits.crv !== crv)) return false
  // RFC 9864 renames EdDSA over Ed25519, and key sets and tokens switch to the new name at different times.
  return only === undefined || only === alg || (crv === 'Ed25519' && (only === 'EdDSA' || only === 'Ed25519'))
}

/**
 * The non-empty members of a JWK, without a prototype. JSON `null` counts as absent, because some serializers write it, and so do empty
 * `key_ops` and `oth` lists. `undefined` if the value is not an object.
 */
export function presentMembers(value: unknown): JwkMember | undefined {
  if (!isObject(value) || Array.isArray(value)) return undefined
  const present = Object.create(null) as Record<string, unknown>
  for (const [name, member] of Object.entries(value)) {
    const isEmptyList = Array.isArray(member) && member.length === 0 && MAY_BE_EMPTY.has(name)
    if (member !== null && !isEmptyList) present[name] = member
  }
  return present
}

/**
 * The public key of a member that passed `lintJwk`, in the canonical form of RFC 7518: numbers without leading zeros, and
 * coordinates as long as their curve requires.
 */
export function publicMaterial(member: JwkMember): PublicMaterial {
  const length = member['kty'] === 'EC' ? coordinateBytes.get(member['crv']) : undefined
  const material = Object.create(null) as Record<string, unknown>
  for (const name of MATERIAL_MEMBERS) {
    const value = member[name] ?? undefined
    if (value === undefined) continue
    const bytes = name === 'kty' || name === 'crv' ? undefined : materialBytes(value, LONGEST_MATERIAL)
    if (bytes === undefined) material[name] = value
    else if (name === 'n' || name === 'e') material[name] = base64url.encode(withoutLeadingZeros(bytes))
    else if (bytes.length === length && isCanonical(value, length)) material[name] = value
    else if (length === undefined) material[name] = base64url.encode(bytes)
    else material[name] = base64url.encode(inBytes(bytes, length) ?? bytes)
  }
  return Object.freeze(material) as unknown as PublicMaterial
}

// Of a value that decodes to so many bytes. Base64 has "+" and "/" instead of "-" and "_".
function isCanonical(value: unknown, length: number): boolean {
  return typeof value === 'string' && value.length === Math.ceil((length * 4) / 3) && !/[+/]/.test(value)
}

function malformed(member: string): JwkFlaw {
  return { reason: 'malformed', member }
}

// Reads up to twice the allowed size, so a large key is reported as weak and only an absurd one as malformed.
const LONGEST_MODULUS = 2048
const LONGEST_EXPONENT = 1024
const coordinateBytes: ReadonlyMap<unknown, number> = new Map([
  ['P-256', 32],
  ['P-384', 48],
  ['P-521', 66],
])
// Extra leading zeros allowed in a coordinate. Java writes one for the sign.
const SPARE_ZEROS = 8
// The size of an ML-DSA-87 key.
const LONGEST_MATERIAL = 2592
const akpBytes: ReadonlyMap<unknown, number> = new Map([
  ['ML-DSA-44', 1312],
  ['ML-DSA-65', 1952],
  ['ML-DSA-87', LONGEST_MATERIAL],
])

function flawInMaterial(member: JwkMember): JwkFlaw | undefined {
  const { kty, crv, alg } = member
  switch (kty) {
    case 'RSA': {
      const modulus = materialBytes(member['n'], LONGEST_MODULUS)
      const exponent = materialBytes(member['e'], LONGEST_EXPONENT)
      if (!modulus?.length) return malformed('n')
      if (!exponent?.length) return malformed('e')
      const weak = weakRsaMember(modulus, exponent)
      return weak && { reason: 'weak', member: weak }
    }
    case 'EC': {
      if (typeof crv !== 'string') return malformed('crv')
      const length = coordinateBytes.get(crv)
      if (length === undefined) return { reason: 'unsupported_type', member: 'crv' }
      const x = inBytes(materialBytes(member['x'], length + SPARE_ZEROS), length)
      const y = inBytes(materialBytes(member['y'], length + SPARE_ZEROS), length)
      if (x === undefined) return malformed('x')
      if (y === undefined) return malformed('y')
      return isOnCurve(crv, numberOf(x), numberOf(y)) ? undefined : { reason: 'invalid_point' }
    }
    case 'OKP': {
      if (typeof crv !== 'string') return malformed('crv')
      if (crv !== 'Ed25519') return { reason: 'unsupported_type', member: 'crv' }
      // Little-endian: a short x could mean two different keys.
      const x = materialBytes(member['x'], 32)
      if (x?.length !== 32) return malformed('x')
      return isEd25519Point(x) ? undefined : { reason: 'invalid_point', member: 'x' }
    }
    case 'AKP': {
      if (typeof alg !== 'string') return malformed('alg')
      const length = akpBytes.get(alg)
      if (length === undefined) return { reason: 'unsupported_algorithm', member: 'alg' }
      return materialBytes(member['pub'], length)?.length === length ? undefined : malformed('pub')
    }
    default:
      return { reason: 'unsupported_type', member: 'kty' }
  }
}
