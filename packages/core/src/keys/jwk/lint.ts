import * as base64url from 'jose/base64url'
import { algorithmTraits, type AlgorithmTraits, isAlgorithm } from '../../model/algorithm.ts'
import type { KeyFlaw } from '../../model/events.ts'
import { bare } from '../../model/values.ts'
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
  if (typeof member['kty'] !== 'string') return { reason: 'malformed', member: 'kty' }
  if (member['kty'] === 'oct') return { reason: 'symmetric', member: 'kty' }
  const secret = PRIVATE_MEMBERS.find((name) => Object.hasOwn(member, name))
  if (secret !== undefined) return { reason: 'private_parts', member: secret }
  return flawInCommon(member) ?? flawInMaterial(member) ?? flawInAlgorithm(member)
}

/**
 * The non-empty members of a JWK, without a prototype. JSON `null` counts as absent, because some serializers write it, and so do empty
 * `key_ops` and `oth` lists. `undefined` if the value is not an object.
 */
export function presentMembers(value: unknown): JwkMember | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return bare(Object.fromEntries(Object.entries(value).filter(isPresent)))
}

function isPresent([name, value]: readonly [string, unknown]): boolean {
  return value !== null && !(Array.isArray(value) && value.length === 0 && MAY_BE_EMPTY.has(name))
}

/**
 * The public key of a member that passed `lintJwk`, in the canonical form of RFC 7518: numbers without leading zeros, and
 * coordinates as long as their curve requires.
 */
export function publicMaterial(member: JwkMember): PublicMaterial {
  const { kty, crv } = member
  const names = ['kty', 'crv', 'n', 'e', 'x', 'y', 'pub'].filter((name) => (member[name] ?? undefined) !== undefined)
  const spelled = (name: string): unknown => {
    const bytes = name === 'kty' || name === 'crv' ? undefined : materialBytes(member[name], LONGEST_MATERIAL)
    if (bytes === undefined) return member[name]
    if (name === 'n' || name === 'e') return base64url.encode(withoutLeadingZeros(bytes))
    return base64url.encode((kty === 'EC' && inBytes(bytes, lengthOn(crv))) || bytes)
  }
  return Object.freeze(
    bare(Object.fromEntries(names.map((name) => [name, spelled(name)]))),
  ) as unknown as PublicMaterial
}

function flawInCommon(member: JwkMember): JwkFlaw | undefined {
  const { kid, use, key_ops: operations, alg } = member
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > LONGEST_KID)) return malformed('kid')
  if (alg !== undefined && typeof alg !== 'string') return malformed('alg')
  if (use !== undefined && use !== 'sig') return { reason: 'wrong_use', member: 'use' }
  if (operations === undefined) return undefined
  if (!Array.isArray(operations)) return malformed('key_ops')
  return operations.includes('verify') ? undefined : { reason: 'wrong_use', member: 'key_ops' }
}

function malformed(member: string): JwkFlaw {
  return { reason: 'malformed', member }
}

function flawInMaterial(member: JwkMember): JwkFlaw | undefined {
  switch (member['kty']) {
    case 'RSA':
      return flawOfRsa(member)
    case 'EC':
      return flawOfEc(member)
    case 'OKP':
      return flawOfOkp(member)
    case 'AKP':
      return flawOfAkp(member)
    default:
      return { reason: 'unsupported_type', member: 'kty' }
  }
}

// Reads up to twice the allowed size, so a large key is reported as weak and only an absurd one as malformed.
const LONGEST_MODULUS = 2048
const LONGEST_EXPONENT = 1024
// The size of an ML-DSA-87 key.
const LONGEST_MATERIAL = 2592

function flawOfRsa(member: JwkMember): JwkFlaw | undefined {
  const modulus = materialBytes(member['n'], LONGEST_MODULUS)
  const exponent = materialBytes(member['e'], LONGEST_EXPONENT)
  if (!modulus?.length) return malformed('n')
  if (!exponent?.length) return malformed('e')
  const weak = weakRsaMember(modulus, exponent)
  return weak && { reason: 'weak', member: weak }
}

const coordinateBytes: Readonly<Record<string, number>> = { 'P-256': 32, 'P-384': 48, 'P-521': 66 }
// Extra leading zeros allowed in a coordinate. Java writes one for the sign.
const SPARE_ZEROS = 8

function lengthOn(crv: unknown): number {
  return typeof crv === 'string' && Object.hasOwn(coordinateBytes, crv) ? (coordinateBytes[crv] ?? 0) : 0
}

function flawOfEc(member: JwkMember): JwkFlaw | undefined {
  const { crv } = member
  if (typeof crv !== 'string') return malformed('crv')
  const length = lengthOn(crv)
  if (length === 0) return { reason: 'unsupported_type', member: 'crv' }
  const x = inBytes(materialBytes(member['x'], length + SPARE_ZEROS), length)
  const y = inBytes(materialBytes(member['y'], length + SPARE_ZEROS), length)
  if (x === undefined) return malformed('x')
  if (y === undefined) return malformed('y')
  return isOnCurve(crv, numberOf(x), numberOf(y)) ? undefined : { reason: 'invalid_point' }
}

function flawOfOkp(member: JwkMember): JwkFlaw | undefined {
  if (typeof member['crv'] !== 'string') return malformed('crv')
  if (member['crv'] !== 'Ed25519') return { reason: 'unsupported_type', member: 'crv' }
  // Little-endian: a short x could mean two different keys.
  const x = materialBytes(member['x'], 32)
  if (x?.length !== 32) return malformed('x')
  return isEd25519Point(x) ? undefined : { reason: 'invalid_point', member: 'x' }
}

const akpBytes: Readonly<Record<string, number>> = {
  'ML-DSA-44': 1312,
  'ML-DSA-65': 1952,
  'ML-DSA-87': LONGEST_MATERIAL,
}

function flawOfAkp(member: JwkMember): JwkFlaw | undefined {
  const { alg } = member
  if (typeof alg !== 'string') return malformed('alg')
  if (!Object.hasOwn(akpBytes, alg)) return { reason: 'unsupported_algorithm', member: 'alg' }
  const length = akpBytes[alg] ?? 0
  return materialBytes(member['pub'], length)?.length === length ? undefined : malformed('pub')
}

function flawInAlgorithm(member: JwkMember): JwkFlaw | undefined {
  const { alg } = member
  if (alg === undefined) return undefined
  const flaw: JwkFlaw = { reason: 'unsupported_algorithm', member: 'alg' }
  if (!isAlgorithm(alg)) return flaw
  const traits: AlgorithmTraits = algorithmTraits[alg]
  const fits = traits.kty === member['kty'] && (traits.crv === undefined || traits.crv === member['crv'])
  return fits ? undefined : flaw
}
