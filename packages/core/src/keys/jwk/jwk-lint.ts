import { algorithmTraits, isAlgorithm, type AlgorithmTraits } from '../../model/algorithm.ts'
import type { KeyFlaw } from '../../model/events.ts'
import { bare } from '../../model/own.ts'
import { bytesOf, numberOf } from './jwk-bytes.ts'
import { isEd25519Point, isOnCurve } from './curve-point.ts'
import { isWeakRsa } from './rsa-weakness.ts'

/** A member of a JWK Set before anything is known about it. */
export type JwkMember = Readonly<Record<string, unknown>>

/** The members that make a public key and nothing else (RFC 7518 section 6, RFC 8037 section 2). */
export interface PublicMaterial {
  readonly kty: string
  readonly crv?: string
  readonly n?: string
  readonly e?: string
  readonly x?: string
  readonly y?: string
  readonly pub?: string
}

const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']
const LONGEST_KID = 1024

/**
 * What is wrong with a member of a JWK Set, or `undefined` for a key that may verify signatures (RFC 7517 sections 4
 * and 5, RFC 8725 sections 3.5 and 3.6). Looks at the member alone, and needs no cryptography of the runtime.
 */
export function lintJwk(value: unknown): KeyFlaw | undefined {
  if (!isMember(value)) return 'malformed'
  const member: JwkMember = bare({ ...value })
  if (typeof member['kty'] !== 'string') return 'malformed'
  if (member['kty'] === 'oct') return 'symmetric'
  if (PRIVATE_MEMBERS.some((name) => Object.hasOwn(member, name))) return 'private_parts'
  return lintCommon(member) ?? lintMaterial(member) ?? lintAlgorithm(member)
}

/** The public key of a member that `lintJwk` found nothing wrong with. */
export function publicMaterial(member: JwkMember): PublicMaterial {
  const names = ['kty', 'crv', 'n', 'e', 'x', 'y', 'pub']
  return Object.freeze(
    bare(Object.fromEntries(names.flatMap((name) => (Object.hasOwn(member, name) ? [[name, member[name]]] : [])))),
  ) as unknown as PublicMaterial
}

function isMember(value: unknown): value is JwkMember {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function lintCommon(member: JwkMember): KeyFlaw | undefined {
  const { kid, use, key_ops: operations, alg } = member
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > LONGEST_KID)) return 'malformed'
  if (alg !== undefined && typeof alg !== 'string') return 'malformed'
  if (use !== undefined && use !== 'sig') return 'wrong_use'
  if (operations === undefined) return undefined
  if (!Array.isArray(operations)) return 'malformed'
  return operations.includes('verify') ? undefined : 'wrong_use'
}

function lintMaterial(member: JwkMember): KeyFlaw | undefined {
  switch (member['kty']) {
    case 'RSA':
      return lintRsa(member)
    case 'EC':
      return lintEc(member)
    case 'OKP':
      return lintOkp(member)
    case 'AKP':
      return lintAkp(member)
    default:
      return 'unsupported_type'
  }
}

// Read up to twice the size allowed, so that a large key is called weak and only an absurd one malformed.
const LONGEST_MODULUS = 2048
const LONGEST_EXPONENT = 1024

function lintRsa(member: JwkMember): KeyFlaw | undefined {
  const modulus = bytesOf(member['n'], LONGEST_MODULUS)
  const exponent = bytesOf(member['e'], LONGEST_EXPONENT)
  if (!modulus?.length || !exponent?.length) return 'malformed'
  return isWeakRsa(modulus, exponent) ? 'weak' : undefined
}

const coordinateBytes: Readonly<Record<string, number>> = { 'P-256': 32, 'P-384': 48, 'P-521': 66 }

function lintEc(member: JwkMember): KeyFlaw | undefined {
  const { crv } = member
  if (typeof crv !== 'string') return 'malformed'
  if (!Object.hasOwn(coordinateBytes, crv)) return 'unsupported_type'
  const length = coordinateBytes[crv] ?? 0
  const x = bytesOf(member['x'], length)
  const y = bytesOf(member['y'], length)
  if (x?.length !== length || y?.length !== length) return 'malformed'
  return isOnCurve(crv, numberOf(x), numberOf(y)) ? undefined : 'invalid_point'
}

function lintOkp(member: JwkMember): KeyFlaw | undefined {
  if (typeof member['crv'] !== 'string') return 'malformed'
  if (member['crv'] !== 'Ed25519') return 'unsupported_type'
  const x = bytesOf(member['x'], 32)
  if (x?.length !== 32) return 'malformed'
  return isEd25519Point(x) ? undefined : 'invalid_point'
}

const akpBytes: Readonly<Record<string, number>> = { 'ML-DSA-44': 1312, 'ML-DSA-65': 1952, 'ML-DSA-87': 2592 }

function lintAkp(member: JwkMember): KeyFlaw | undefined {
  const { alg } = member
  if (typeof alg !== 'string') return 'malformed'
  if (!Object.hasOwn(akpBytes, alg)) return 'unsupported_algorithm'
  const length = akpBytes[alg] ?? 0
  return bytesOf(member['pub'], length)?.length === length ? undefined : 'malformed'
}

function lintAlgorithm(member: JwkMember): KeyFlaw | undefined {
  const { alg } = member
  if (alg === undefined) return undefined
  if (!isAlgorithm(alg)) return 'unsupported_algorithm'
  const traits: AlgorithmTraits = algorithmTraits[alg]
  const fits = traits.kty === member['kty'] && (traits.crv === undefined || traits.crv === member['crv'])
  return fits ? undefined : 'unsupported_algorithm'
}
