import { FetchError, flawOfJwk, own, parseJwkSet, parseStrictJson, presentMembers } from '@claimgate/core/adapter'

/** One member of a JWK Set. Contains no key material. */
export interface KeyReport {
  readonly kid: string | null
  readonly kty: string | null
  readonly crv: string | null
  /** The size of an RSA modulus. */
  readonly bits: number | null
  readonly alg: string | null
  readonly use: string | null
  /** Whether Claimgate uses the key. */
  readonly usable: boolean
  /** Why Claimgate skips the key. */
  readonly flaw: string | null
  /** The member that shows the flaw. */
  readonly member: string | null
}

/** A JWK Set, as Claimgate reads it. */
export interface KeySetReport {
  readonly keys: readonly KeyReport[]
  readonly usable: number
  /** Key IDs that more than one member has. */
  readonly duplicateKids: readonly string[]
  /** Why Claimgate rejects the whole set. */
  readonly failure: FetchError | undefined
}

const MOST_KEYS = 1000
const NO_LIMITS = { members: Infinity, nodes: Infinity, depth: Infinity }
const LONGEST = 256

/** Examines the text of a JWK Set with the rules of core. */
export function examineKeySet(text: string): KeySetReport {
  try {
    parseJwkSet(text, { maxKeys: MOST_KEYS })
  } catch (error) {
    if (error instanceof FetchError) return { keys: [], usable: 0, duplicateKids: [], failure: error }
    throw error
  }
  const duplicates = new Map<number, { readonly flaw: string; readonly name: string }>()
  const set = parseStrictJson(text, NO_LIMITS, { array: 'keys', flaws: duplicates as never }) as {
    readonly keys: readonly unknown[]
  }
  const keys = set.keys.map((member, index) => reportOf(member, duplicates.get(index)))
  const kids = keys.flatMap(({ kid }) => (kid === null ? [] : [kid]))
  return {
    keys,
    usable: keys.filter(({ usable }) => usable).length,
    duplicateKids: [...new Set(kids.filter((kid, index) => kids.indexOf(kid) !== index))],
    failure: undefined,
  }
}

function reportOf(value: unknown, inText: { readonly flaw: string; readonly name: string } | undefined): KeyReport {
  const member = presentMembers(value) ?? {}
  const flaw = inText === undefined ? flawOfJwk(value) : { reason: inText.flaw, member: inText.name }
  return {
    kid: shown(own(member, 'kid')),
    kty: shown(own(member, 'kty')),
    crv: shown(own(member, 'crv')),
    bits: own(member, 'kty') === 'RSA' ? bitsOf(own(member, 'n')) : null,
    alg: shown(own(member, 'alg')),
    use: shown(own(member, 'use')),
    usable: flaw === undefined,
    flaw: flaw?.reason ?? null,
    member: flaw?.member ?? null,
  }
}

function shown(value: unknown): string | null {
  if (typeof value !== 'string') return null
  return value.length <= LONGEST ? value : `${value.slice(0, LONGEST)}…`
}

function bitsOf(modulus: unknown): number | null {
  if (typeof modulus !== 'string') return null
  const hex = Buffer.from(modulus, 'base64url').toString('hex')
  return hex === '' ? null : BigInt(`0x${hex}`).toString(2).length
}
