import { randomUUID } from 'node:crypto'

import type { IssuerPolicy } from '@claimgate/core'
import { isOptions, numberIn, type OptionTable, own, readOptions } from '@claimgate/core/adapter'
import { SIGNING_ALGORITHMS } from '@claimgate/issuer'
import { providerExample } from '@claimgate/testing'

/** The protected header, without `alg` and `kid`, and the claims of a token. */
export interface TokenParts {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
}

/** Makes the parts of tokens of one kind. */
export interface TokenPlan {
  readonly issuer: string
  /** The `aud` of the tokens; `undefined` if they have none. */
  readonly audience: unknown
  readonly algorithm: string
  /** The profile of a provider: its tokens have another shape, and another `iss` than the address of `serve`. */
  readonly provider?: Provider
  parts(changes?: TokenChanges): TokenParts
}

/** A provider as whose tokens the tokens look. */
export interface Provider {
  readonly name: string
  readonly words: Readonly<Record<string, unknown>>
  readonly policy: IssuerPolicy
}

/** What one token has different from the others of its kind. */
export interface TokenChanges {
  /** Claims that are added or replaced. */
  readonly claims?: Readonly<Record<string, unknown>>
  /** Header members that are added or replaced. */
  readonly header?: Readonly<Record<string, unknown>>
  /** Claims that are removed. */
  readonly without?: readonly string[]
  /** Seconds until it expires, counted from now. From 1 to a year. @defaultValue 3600 */
  readonly ttl?: number
}

const TTL = 3600
const YEAR = 365 * 24 * 3600

const CHANGES: OptionTable<TokenChanges> = {
  claims: { be: 'an object with claims', fits: isOptions },
  header: { be: 'an object with header members', fits: isOptions },
  without: { be: 'a list of names of claims', fits: (value) => Array.isArray(value) && value.every(isText) },
  ttl: numberIn({ least: 1, most: YEAR, whole: true }),
}

function isText(value: unknown): boolean {
  return typeof value === 'string'
}

/** @throws TypeError for an unknown or a wrong member */
export function readChanges(given: unknown): TokenChanges {
  return readOptions('make token', given as object, CHANGES, { form: 'give an object' })
}

/** What a plan is made from. */
export interface PlanOptions {
  /** Whose tokens to imitate: one of the names that the test kit knows. @defaultValue none: access tokens as in RFC 9068 */
  readonly provider?: string
  /** Settings of the provider's profile that replace those of its example. */
  readonly words?: Readonly<Record<string, unknown>>
  /** The `iss` of tokens that imitate no provider. */
  readonly issuer: string
  readonly audience?: string
  readonly algorithm?: string
}

/** @throws TypeError for an unknown provider and for wrong settings; the message says what to write */
export function planTokens(options: PlanOptions): TokenPlan {
  assertAlgorithm(options.algorithm)
  return options.provider === undefined ? plainPlan(options) : providerPlan(options.provider, options)
}

/** @throws TypeError for any but a signature algorithm with a key pair */
function assertAlgorithm(algorithm: string | undefined): void {
  if (algorithm === undefined || SIGNING_ALGORITHMS.some((known) => known === algorithm)) return
  throw new TypeError(`Cannot sign: the algorithm must be one of ${SIGNING_ALGORITHMS.join(', ')}`)
}

function plainPlan({ issuer, audience, algorithm = 'ES256' }: PlanOptions): TokenPlan {
  const standard = (): object => ({
    iss: issuer,
    ...(audience !== undefined && { aud: audience }),
    sub: 'ada',
    client_id: 'web-shop',
    scope: 'orders:read orders:write',
    jti: randomUUID(),
  })
  const parts = (changes: TokenChanges = {}): TokenParts => changed({ typ: 'at+jwt' }, standard(), changes)
  return { issuer, audience, algorithm, parts }
}

function providerPlan(name: string, { words = {}, audience, algorithm }: PlanOptions): TokenPlan {
  const given = audience === undefined ? words : { audience, ...words }
  const example = providerExample(name, given)
  return {
    issuer: String(example.policy.issuer),
    audience: own(example.claims, 'aud'),
    algorithm: algorithm ?? example.algorithm,
    provider: { name: example.profile, words: example.words, policy: example.policy },
    parts: (changes = {}) => changed(example.header, example.claims, changes),
  }
}

function changed(header: object, standard: object, changes: TokenChanges): TokenParts {
  const now = Math.floor(Date.now() / 1000)
  const times = { iat: now, exp: now + (own(changes, 'ttl') ?? TTL) }
  const claims = { ...standard, ...times, ...own(changes, 'claims') }
  const without = own(changes, 'without') ?? []
  return {
    header: { ...header, ...own(changes, 'header') },
    claims: Object.fromEntries(Object.entries(claims).filter(([name]) => !without.includes(name))),
  }
}
