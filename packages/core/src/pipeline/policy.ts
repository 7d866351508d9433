import { type ClaimRequirement, isClaimRequirement } from '../authorization/requirements.ts'
import { presentClaim, requiredClaim } from '../claims/application-checks.ts'
import {
  audience,
  type ClaimCheck,
  client,
  mediaTypeName,
  registeredClaims,
  tokenType,
} from '../claims/claim-checks.ts'
import { scopeReader, type ScopeReader, type ScopeRules, type TextReader } from '../claims/scopes.ts'
import { lifetime, NEVER, type PeriodOf, times } from '../claims/times.ts'
import type { KeySource } from '../keys/key-source.ts'
import type { Algorithm } from '../model/algorithm.ts'
import { type ClaimPath, copyPath, isClaimCondition, isClaimPath } from '../model/claim-path.ts'
import type { Limits } from '../model/limits.ts'
import { ownOptions } from '../model/values.ts'
import { assertKnownOptions } from '../options/known-options.ts'
import {
  checkOptions,
  isOptions,
  isRecord,
  misconfigured,
  numberIn,
  oneOf,
  type OptionRules,
} from '../options/option-rules.ts'
import { type ClaimRules, DEFAULTS, type IssuerPolicy } from './options.ts'
import { KEY_LOCATION_RULES, type KeyEnvironment, resolveKeys } from './policy-keys.ts'

/** An `IssuerPolicy`, checked, with its defaults filled in and its key source created. */
export interface ResolvedPolicy {
  readonly issuer: string | null
  readonly algorithms: ReadonlySet<Algorithm>
  readonly keys: KeySource
  readonly padding: 'accept' | 'refuse'
  /** In the order they run. */
  readonly claimChecks: readonly ClaimCheck[]
  /** The claim checks that run again for a cached token, because they depend on more than the token. */
  readonly repeatedChecks: readonly ClaimCheck[]
  /** When an accepted token passes all `repeatedChecks`. `NEVER` if one runs application code. */
  readonly periodOf: PeriodOf
  /** The claim checks that may refuse a token while its signature cannot be verified. */
  readonly keylessChecks: readonly ClaimCheck[]
  /** Seconds. */
  readonly clockTolerance: number
  readonly scopesOf: ScopeReader
}

/** What all policies of a verifier share. */
interface PolicyEnvironment extends KeyEnvironment {
  readonly scopeTexts: TextReader
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
const isTextList = (value: unknown): boolean => Array.isArray(value) && value.length > 0 && value.every(isText)
const isPathList = (value: unknown): boolean => Array.isArray(value) && value.length > 0 && value.every(isClaimPath)
const isRequired = (value: unknown): boolean => isClaimPath(value) || isClaimRequirement(value)
const SECONDS = numberIn({ least: 1 })

const RULES: OptionRules = {
  issuer: {
    be: 'the exact iss of the tokens, or null to accept any',
    fits: (value) => value === null || isText(value),
  },
  audience: {
    be: 'the name of this API in aud, a list of names, or null to accept tokens for any audience',
    fits: (value) => value === null || isText(value) || isTextList(value),
  },
  algorithms: { be: 'a list of algorithms, such as ["RS256"]', fits: isTextList },
  ...KEY_LOCATION_RULES,
  padding: oneOf('accept', 'refuse'),
  profile: oneOf('rfc9068'),
  tokenTypes: { be: 'a list of typ values, such as ["at+jwt"]', fits: isTextList },
  idTokens: oneOf('accept', 'refuse'),
  clientId: {
    be: 'the ID of the client whose tokens are accepted, or a list of IDs',
    fits: (value) => isText(value) || isTextList(value),
  },
  clientClaims: { be: 'a list of claims, such as ["client_id", "cid"]', fits: isPathList },
  requiredClaims: {
    be: 'a list of claim names and of claim("…", "…"), such as ["sub"], or an object of conditions, such as { tenant: "acme" }',
    fits: (value) =>
      (isRecord(value) && !isClaimRequirement(value)) || (Array.isArray(value) && value.every(isRequired)),
  },
  maxAge: SECONDS,
  maxLifetime: SECONDS,
  clockTolerance: numberIn({ least: 0, most: 300 }),
  scopeSources: { be: 'a list of claims, such as ["scope", ["realm_access", "roles"]]', fits: isPathList },
  scopeHierarchy: { be: 'an object of lists, such as { "orders:write": ["orders:read"] }', fits: isRecord },
}

/** The names allowed in an `IssuerPolicy`. */
export const POLICY_OPTIONS: readonly string[] = Object.freeze(Object.keys(RULES))

/** Options that accept more when they are left out. `undefined` is therefore rejected for them. */
export const NARROWING_OPTIONS: readonly string[] = [
  'algorithms',
  'allowedKeyHosts',
  'profile',
  'tokenTypes',
  'clientId',
  'clientClaims',
  'requiredClaims',
  'maxAge',
  'maxLifetime',
  'scopeSources',
]

/**
 * Checks a policy at start-up.
 *
 * @throws TypeError with a message that says what to write instead
 */
export function resolvePolicy(given: IssuerPolicy, limits: Limits, environment: PolicyEnvironment): ResolvedPolicy {
  if (!isOptions(given)) throw misconfigured(ACTION, 'each issuer needs an object with "issuer" and "audience"', given)
  const options = ownOptions(given, POLICY_OPTIONS)
  assertKnownOptions(ACTION, options, POLICY_OPTIONS)
  checkOptions(ACTION, options, RULES, { narrow: NARROWING_OPTIONS, required: ['issuer', 'audience'] })
  const { algorithms, keys } = resolveKeys(options, environment)
  const clockTolerance = options.clockTolerance ?? DEFAULTS.clockTolerance
  const { maxAge } = options
  const timeChecks = times({ clockTolerance, maxAge })
  const keylessChecks = standardChecks(options, limits, timeChecks)
  const checks = [...keylessChecks, ...ownChecks(options)]
  const runsCode = checks.some(({ dependsOn }) => dependsOn === 'application')
  return Object.freeze({
    issuer: options.issuer,
    algorithms,
    keys,
    padding: options.padding ?? DEFAULTS.padding,
    claimChecks: Object.freeze(checks),
    repeatedChecks: Object.freeze(checks.filter(({ dependsOn }) => dependsOn !== 'token')),
    periodOf: runsCode ? () => NEVER : timeChecks.periodOf,
    keylessChecks: Object.freeze(keylessChecks),
    clockTolerance,
    scopesOf: scopeReader(resolveScopeRules(options, limits), environment.scopeTexts),
  })
}

const ACTION = 'create verifier'

/** Checks that reveal nothing secret: the form of a token, its audience and its times. */
function standardChecks(options: IssuerPolicy, limits: Limits, timeChecks: ClaimCheck): readonly ClaimCheck[] {
  const { audience: accepted, maxLifetime } = options
  return [
    registeredClaims(limits),
    tokenType(tokenTypeRules(options)),
    ...(accepted === null ? [] : [audience(textSet(accepted))]),
    timeChecks,
    ...(maxLifetime === undefined ? [] : [lifetime(maxLifetime)]),
  ]
}

/** Checks that would reveal private rules of an API to an attacker, or that run application code. They run only on verified tokens. */
function ownChecks(options: IssuerPolicy): readonly ClaimCheck[] {
  return [
    ...clientChecks(options),
    ...(options.profile === 'rfc9068' ? RFC_9068_CLAIMS.map(presentClaim) : []),
    ...requiredClaimChecks(options.requiredClaims ?? []),
  ]
}

// RFC 9068 section 2.2. Includes iss, exp and aud because a policy may leave issuer and audience open.
const RFC_9068_CLAIMS: readonly string[] = ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti']

function textSet(value: string | readonly string[]): ReadonlySet<string> {
  return new Set([value].flat())
}

function tokenTypeRules({
  tokenTypes,
  profile,
  idTokens = DEFAULTS.idTokens,
}: ClaimRules): Parameters<typeof tokenType>[0] {
  if (profile === 'rfc9068') {
    if (tokenTypes !== undefined)
      throw misconfigured(ACTION, '"tokenTypes" is fixed by the profile "rfc9068": leave one out')
    return { types: new Set(['at+jwt']), typeRequired: 'required', idTokens }
  }
  const types = new Set((tokenTypes ?? DEFAULTS.tokenTypes).map(mediaTypeName))
  return { types, typeRequired: tokenTypes === undefined ? 'optional' : 'required', idTokens }
}

function clientChecks({ clientId, clientClaims }: ClaimRules): readonly ClaimCheck[] {
  if (clientId !== undefined)
    return [client(textSet(clientId), Object.freeze((clientClaims ?? DEFAULTS.clientClaims).map(copyPath)))]
  if (clientClaims === undefined) return []
  throw misconfigured(ACTION, '"clientClaims" says where the client is named: give "clientId", too, or leave it out')
}

function requiredClaimChecks(required: NonNullable<ClaimRules['requiredClaims']>): readonly ClaimCheck[] {
  if (isList(required)) return required.map(requiredClaimCheck)
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

function isList<T>(value: readonly T[] | object): value is readonly T[] {
  return Array.isArray(value)
}

function requiredClaimCheck(required: ClaimPath | ClaimRequirement): ClaimCheck {
  return isClaimPath(required) ? presentClaim(required) : requiredClaim(required.claim, required.condition)
}

function resolveScopeRules(
  { scopeSources = DEFAULTS.scopeSources, scopeHierarchy = {} }: ClaimRules,
  limits: Limits,
): ScopeRules {
  const sources = Object.freeze(scopeSources.map(copyPath))
  const hierarchy = new Map(
    Object.entries(scopeHierarchy).map(([scope, implied]) => {
      if (!isTextList(implied))
        throw misconfigured(ACTION, `"scopeHierarchy.${scope}" must be a list of scopes`, implied)
      return [scope, [...implied]]
    }),
  )
  return Object.freeze({ sources, hierarchy, limit: limits.scopes })
}
