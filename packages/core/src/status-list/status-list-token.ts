import {
  type Algorithm,
  type ClaimsVerifier,
  decodePart,
  isObject,
  type KeySource,
  LAST_SECOND,
  MAXIMUM_LIMITS,
  mediaTypeName,
  own,
  parseJsonObject,
  verifyJws,
} from '../adapter.ts'
import { inflate } from './inflate.ts'

/** A decompressed status list. */
export interface StatusList {
  readonly bits: 1 | 2 | 4 | 8
  readonly bytes: Uint8Array
  /** Seconds until it should be fetched again, if its issuer says so. */
  readonly ttl: number | undefined
  /** Seconds since the epoch. */
  readonly exp: number | undefined
}

/** What a list must be, besides signed. */
export interface StatusListRules {
  readonly keys: KeySource
  readonly algorithms: readonly Algorithm[]
  /** The `sub` of the list. */
  readonly uri: string
  /** The `iss` of the list, if it has one. */
  readonly issuer: string | undefined
  readonly maxBytes: number
  /** Checks the times. */
  readonly times: ClaimsVerifier
}

/** Why a list must not be used. Has no cause, because the list may be anything. */
export class StatusListError extends Error {
  override readonly name: string = 'StatusListError'
}

const TYPE = 'statuslist+jwt'
const WIDTHS: readonly unknown[] = [1, 2, 4, 8]

/** Characters of a list of so many bytes, which cannot be compressed, with header and signature. */
export const longestToken = (maxBytes: number): number => Math.ceil((maxBytes * 1.01 * 16) / 9) + 65_536

/**
 * Verifies a status list token and decompresses its list (Token Status List sections 4.1, 5.1 and 8.3).
 *
 * @throws AuthError or StatusListError
 */
export async function readStatusList(text: string, rules: StatusListRules): Promise<StatusList> {
  const { keys, algorithms, uri, issuer, maxBytes, times } = rules
  const { header, payload } = await verifyJws(text, { keys, algorithms, maxLength: longestToken(maxBytes) })
  if (header.typ === undefined || mediaTypeName(header.typ) !== TYPE) throw bad(`its "typ" is not ${TYPE}`)
  const { status_list: list, ...claims } = parseJsonObject(payload, 'a status list', MAXIMUM_LIMITS)
  const [sub, iss, exp, ttl] = ['sub', 'iss', 'exp', 'ttl'].map((name) => own(claims, name))
  if (sub !== uri) throw bad('its "sub" is not the address in the token')
  if (iss !== undefined && iss !== issuer) throw bad('it comes from another issuer')
  if (ttl !== undefined && !(typeof ttl === 'number' && ttl > 0)) throw bad('its "ttl" is not a positive number')
  // The checks of a token's times need an `exp`, which a list may lack.
  await times.verify('', exp === undefined ? { ...claims, exp: LAST_SECOND } : claims)
  if (!isObject(list)) throw bad('it has no "status_list" object')
  const [bits, lst] = [own(list, 'bits'), own(list, 'lst')]
  if (!WIDTHS.includes(bits)) throw bad('its "bits" are not 1, 2, 4 or 8')
  if (typeof lst !== 'string') throw bad('its "lst" is not text')
  const bytes = await inflate(decodePart(lst, 'status list'), maxBytes).catch(() => undefined)
  if (bytes === undefined) throw bad(`its "lst" cannot be decompressed, or to more than ${maxBytes} bytes ("maxBytes")`)
  return { bits: bits as StatusList['bits'], bytes, ttl, exp: typeof exp === 'number' ? exp : undefined }
}

function bad(why: string): StatusListError {
  return new StatusListError(`The status list must not be used: ${why}`)
}

/** The status at an index, from the least significant bits of each byte on (section 4.1). `undefined` beyond the end. */
export function statusAt({ bits, bytes }: StatusList, index: number): number | undefined {
  const perByte = 8 / bits
  const byte = bytes[Math.floor(index / perByte)]
  return byte === undefined ? undefined : (byte >> ((index % perByte) * bits)) & (2 ** bits - 1)
}
