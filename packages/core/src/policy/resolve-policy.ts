import { audience } from '../claims/audience.ts'
import type { ClaimCheck } from '../claims/claim-check.ts'
import { client } from '../claims/client.ts'
import { registeredClaims } from '../claims/registered-claims.ts'
import { presentClaim, requiredClaim } from '../claims/required-claims.ts'
import { scopeReader, type ScopeReader, type ScopeRules, type TextReader } from '../claims/scopes.ts'
import { expiry, issuedAt, lifetime, notBefore } from '../claims/times.ts'
import { mediaTypeName, tokenType } from '../claims/token-type.ts'
import { misconfigured } from '../errors/misconfigured.ts'
import type { KeySource } from '../keys/key-source.ts'
import type { Algorithm } from '../model/algorithm.ts'
import { isClaimCondition } from '../model/claim-condition.ts'
import type { Limits } from '../model/limits.ts'
import { assertKnownOptions, assertNotNull } from '../errors/known-options.ts'
import { type ClaimRules, DEFAULTS, type IssuerPolicy } from '../options.ts'
import { type KeyEnvironment, resolveKeys } from './resolve-keys.ts'

/** An `IssuerPolicy` checked once, with its defaults filled in and its keys at hand. */
export interface ResolvedPolicy {
  readonly issuer: string | null
  readonly algorithms: ReadonlySet<Algorithm>
  readonly keys: KeySource
  /** In the order they are run. */
  readonly claimChecks: readonly ClaimCheck[]
  /** Those of them whose answer about the same token may be another the next time. */
  readonly momentaryChecks: readonly ClaimCheck[]
  readonly scopesOf: ScopeReader
}

/** What the policies of a verifier share. */
export interface PolicyEnvironment extends KeyEnvironment {
  readonly textWords: TextReader
}

/** The names an `IssuerPolicy` may have. */
export const POLICY_OPTIONS: readonly string[] = Object.freeze([
  'issuer',
  'audience',
  'algorithms',
  'jwksUri',
  'jwks',
  'publicKey',
  'secret',
  'keys',
  'allowedKeyHosts',
  'profile',
  'tokenTypes',
  'idTokens',
  'clientId',
  'requiredClaims',
  'maxAge',
  'maxLifetime',
  'clockTolerance',
  'scopeSources',
  'scopeHierarchy',
])

/**
 * Checks a policy at start-up.
 *
 * @throws TypeError with a sentence that tells what to write instead
 */
export function resolvePolicy(options: IssuerPolicy, limits: Limits, environment: PolicyEnvironment): ResolvedPolicy {
  if (typeof options !== 'object' || options === null)
    throw misconfigured(ACTION, 'each issuer needs an object with "issuer" and "audience"', options)
  assertKnownOptions(ACTION, options, POLICY_OPTIONS)
  assertNotNull(
    ACTION,
    options,
    POLICY_OPTIONS.filter((name) => name !== 'issuer' && name !== 'audience'),
  )
  const expectedIssuer = resolveIssuer(options.issuer)
  const { algorithms, keys } = resolveKeys(options, environment)
  const checks = claimChecks(options, limits)
  return Object.freeze({
    issuer: expectedIssuer,
    algorithms,
    keys,
    claimChecks: Object.freeze(checks),
    momentaryChecks: Object.freeze(checks.filter(({ answer }) => answer === 'momentary')),
    scopesOf: scopeReader(resolveScopeRules(options, limits), environment.textWords),
  })
}

const ACTION = 'create verifier'

function resolveIssuer(value: unknown): string | null {
  if (value === null) return null
  if (typeof value === 'string' && value !== '') return value
  throw misconfigured(ACTION, '"issuer" must be the exact iss of the tokens, or null to accept any', value)
}

function claimChecks(options: IssuerPolicy, limits: Limits): ClaimCheck[] {
  const { clockTolerance = DEFAULTS.clockTolerance, maxAge, maxLifetime, profile } = options
  if (profile !== undefined && profile !== 'rfc9068')
    throw misconfigured(ACTION, '"profile" must be "rfc9068"', profile)
  assertSeconds('clockTolerance', clockTolerance, 0, 300)
  if (maxAge !== undefined) assertSeconds('maxAge', maxAge, 1, Number.MAX_SAFE_INTEGER)
  if (maxLifetime !== undefined) assertSeconds('maxLifetime', maxLifetime, 1, Number.MAX_SAFE_INTEGER)
  const timeRules = { clockTolerance, maxAge, maxLifetime }
  const accepted = resolveAudience(options.audience)
  return [
    registeredClaims(limits),
    tokenType(tokenTypeRules(options)),
    ...(accepted === null ? [] : [audience(accepted)]),
    expiry(timeRules),
    notBefore(timeRules),
    issuedAt(timeRules),
    ...(maxLifetime === undefined ? [] : [lifetime(maxLifetime)]),
    ...(options.clientId === undefined ? [] : [client(textSet('clientId', options.clientId))]),
    ...(profile === 'rfc9068' ? RFC_9068_CLAIMS.map(presentClaim) : []),
    ...requiredClaimChecks(options.requiredClaims ?? []),
  ]
}

// RFC 9068 section 2.2; iss, exp and aud too, for a policy may leave issuer and audience open.
const RFC_9068_CLAIMS: readonly string[] = ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti']

function resolveAudience(value: unknown): ReadonlySet<string> | null {
  if (value === null) return null
  if (value === undefined)
    throw misconfigured(
      ACTION,
      '"audience" must be the name of this API in aud, or null to accept tokens for any audience',
    )
  return textSet('audience', value)
}

function textSet(name: string, value: unknown): ReadonlySet<string> {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (values.length === 0) throw misconfigured(ACTION, `"${name}" must not be empty`)
  for (const item of values)
    if (typeof item !== 'string' || item === '')
      throw misconfigured(ACTION, `"${name}" must be text, or a list of texts`, item)
  return new Set(values as readonly string[])
}

function tokenTypeRules({
  tokenTypes,
  profile,
  idTokens = DEFAULTS.idTokens,
}: ClaimRules): Parameters<typeof tokenType>[0] {
  if (idTokens !== 'accept' && idTokens !== 'refuse')
    throw misconfigured(ACTION, '"idTokens" must be "accept" or "refuse"', idTokens)
  if (profile === 'rfc9068') {
    if (tokenTypes !== undefined)
      throw misconfigured(ACTION, '"tokenTypes" is fixed by the profile "rfc9068": leave one out')
    return { types: new Set(['at+jwt']), typeRequired: 'required', idTokens }
  }
  const types = new Set([...textSet('tokenTypes', tokenTypes ?? DEFAULTS.tokenTypes)].map(mediaTypeName))
  return { types, typeRequired: tokenTypes === undefined ? 'optional' : 'required', idTokens }
}

function requiredClaimChecks(required: NonNullable<ClaimRules['requiredClaims']>): readonly ClaimCheck[] {
  if (isList(required)) return [...textSetOrNone(required)].map(presentClaim)
  return Object.entries(required).map(([name, condition]) => {
    if (!isClaimCondition(condition))
      throw misconfigured(
        ACTION,
        `"requiredClaims.${name}" must be a plain value, a list of them, or a predicate`,
        condition,
      )
    return requiredClaim(name, condition)
  })
}

function isList(value: unknown): value is readonly string[] {
  return Array.isArray(value)
}

function textSetOrNone(values: readonly string[]): ReadonlySet<string> {
  return values.length === 0 ? new Set() : textSet('requiredClaims', values)
}

function resolveScopeRules({ scopeSources, scopeHierarchy = {} }: ClaimRules, limits: Limits): ScopeRules {
  const sources = scopeSources ?? DEFAULTS.scopeSources
  const known = ['scope', 'scp', 'permissions', 'roles']
  for (const source of textSet('scopeSources', sources))
    if (!known.includes(source)) throw misconfigured(ACTION, `"scopeSources" may name ${known.join(', ')}`, source)
  const hierarchy = new Map(
    Object.entries(scopeHierarchy).map(([scope, implied]) => [scope, [...textSet(`scopeHierarchy.${scope}`, implied)]]),
  )
  return Object.freeze({ sources: [...sources], hierarchy, limit: limits.scopes })
}

function assertSeconds(name: string, value: unknown, least: number, most: number): void {
  if (typeof value === 'number' && value >= least && value <= most) return
  const range = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`
  throw misconfigured(ACTION, `"${name}" must be a number of seconds ${range}`, value)
}
