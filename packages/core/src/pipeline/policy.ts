import type { ClaimRequirement } from '../authorization/requirements.ts'
import { presentClaim, requiredClaim } from '../claims/application-checks.ts'
import {
  audience,
  type ClaimCheck,
  client,
  kind,
  mediaTypeName,
  registeredClaims,
  tokenType,
} from '../claims/claim-checks.ts'
import { roleReader, scopeReader, type ScopeReader, type ScopeRules, type TextReader } from '../claims/scopes.ts'
import { lifetime, NEVER, type PeriodOf, times } from '../claims/times.ts'
import type { KeySource } from '../keys/key-source.ts'
import type { Algorithm } from '../model/algorithm.ts'
import { type ClaimCondition, type ClaimPath, copyPath, isClaimCondition, isClaimPath } from '../model/claim-path.ts'
import { type RecentMap, recentMap } from '../model/memory.ts'
import { bare, own } from '../model/values.ts'
import type { Limits } from '../model/limits.ts'
import { type Filled, misconfigured } from '../options/option-rules.ts'
import { readOptions } from '../options/read-options.ts'
import { type IssuerPolicy, isTextList, KEY_LOCATION, POLICY, type ProviderRules } from './options.ts'
import { type KeyEnvironment, resolveKeys } from './policy-keys.ts'
import { isUnchanged, type PolicySnapshot, snapshotOf } from './policy-snapshot.ts'
import type { TokenCheckContext } from './token-checks.ts'

/** An `IssuerPolicy`, checked, with its defaults filled in and its key source created. */
export interface ResolvedPolicy {
  readonly issuer: string | null
  readonly audience: IssuerPolicy['audience']
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
  readonly checkContext: TokenCheckContext
  readonly rolesOf: ScopeReader
  /** Inherits nothing. */
  readonly provider: Partial<ProviderRules>
}

/** What all policies of a verifier share. */
interface PolicyEnvironment extends KeyEnvironment {
  readonly scopeTexts: TextReader
  readonly claimPolicies: ClaimPolicies
}

/**
 * Checks a policy at start-up.
 *
 * @throws TypeError with a message that says what to write instead
 */
export function resolvePolicy(
  given: IssuerPolicy,
  limits: Limits,
  environment: PolicyEnvironment,
  beside: readonly string[] = [],
): ResolvedPolicy {
  const options = readOptions(ACTION, given, POLICY, { form: FORM, beside }) as ReadPolicy
  const { algorithms, keys } = resolveKeys(options, environment)
  return Object.freeze({
    issuer: options.issuer,
    audience: options.audience,
    algorithms,
    keys,
    padding: options.padding,
    ...claimPolicyOf(options, limits, environment),
    clockTolerance: options.clockTolerance,
    checkContext: Object.freeze(bare({ keys, algorithms: Object.freeze([...algorithms]) })),
    provider: options.provider === undefined ? NO_PROVIDER : Object.freeze(bare({ ...options.provider })),
  })
}

const NO_PROVIDER: Partial<ProviderRules> = Object.freeze(bare({}))

/** What a policy demands of claims, and reads from them. */
type ClaimPolicy = Pick<
  ResolvedPolicy,
  'claimChecks' | 'repeatedChecks' | 'periodOf' | 'keylessChecks' | 'scopesOf' | 'rolesOf'
>

/** What policies demand of claims, by their audience. */
type ClaimPolicies = RecentMap<string, { readonly snapshot: PolicySnapshot; readonly made: ClaimPolicy }>

/** Policies with equal rules share one `ClaimPolicy`, because a verifier may have thousands of them. */
export function claimPolicies(): ClaimPolicies {
  return recentMap(MOST_AUDIENCES)
}

const MOST_AUDIENCES = 100

function claimPolicyOf(options: ReadPolicy, limits: Limits, environment: PolicyEnvironment): ClaimPolicy {
  const rules = explicitRules(options)
  const name = typeof options.audience === 'string' ? options.audience : ''
  const known = environment.claimPolicies.get(name)
  if (known !== undefined && isUnchanged(known.snapshot, rules)) return known.made
  const timeChecks = times(options)
  const keylessChecks = standardChecks(options, limits, timeChecks)
  const checks = [...keylessChecks, ...ownChecks(options)]
  const runsCode = checks.some(({ dependsOn }) => dependsOn === 'application')
  const made = Object.freeze({
    claimChecks: Object.freeze(checks),
    repeatedChecks: Object.freeze(checks.filter(({ dependsOn }) => dependsOn !== 'token')),
    periodOf: runsCode ? () => NEVER : timeChecks.periodOf,
    keylessChecks: Object.freeze(keylessChecks),
    scopesOf: scopeReader(scopeRules(options, limits), environment.scopeTexts),
    rolesOf: roleReader(
      options.roleSource && copyPath(options.roleSource),
      limits.scopes,
      options.provider && own(options.provider, 'roleCounts'),
    ),
  })
  environment.claimPolicies.set(name, { snapshot: snapshotOf(rules), made })
  return made
}

// A default may mean more than the same value written out, so it counts as absent.
function explicitRules(options: ReadPolicy): Partial<IssuerPolicy> {
  const given = CLAIM_OPTIONS.map((name) => [
    name,
    options[name] === own(POLICY[name], 'default') ? undefined : options[name],
  ])
  return bare(Object.fromEntries(given) as Partial<IssuerPolicy>)
}

const CLAIM_OPTIONS = (Object.keys(POLICY) as (keyof IssuerPolicy)[]).filter(
  (name) => name !== 'issuer' && !Object.hasOwn(KEY_LOCATION, name),
)

type ReadPolicy = Filled<
  IssuerPolicy,
  'padding' | 'tokenTypes' | 'idTokens' | 'clientClaims' | 'clockTolerance' | 'scopeSources' | 'scopeHierarchy'
>

const ACTION = 'create verifier'
const FORM = 'each issuer needs an object with "issuer" and "audience"'

/** Checks that reveal nothing secret: the form of a token, its audience and its times. */
function standardChecks(options: ReadPolicy, limits: Limits, timeChecks: ClaimCheck): readonly ClaimCheck[] {
  const { audience: accepted, maxLifetime, provider } = options
  const checkKind = provider && own(provider, 'checkKind')
  return [
    registeredClaims(limits),
    ...(checkKind === undefined ? [] : [kind(checkKind)]),
    tokenType(tokenTypeRules(options)),
    ...(accepted === null ? [] : [audience(textSet(accepted))]),
    timeChecks,
    ...(maxLifetime === undefined ? [] : [lifetime(maxLifetime)]),
  ]
}

/** Checks that would reveal private rules of an API to an attacker, or that run application code. They run only on verified tokens. */
function ownChecks({ clientId, clientClaims, profile, requiredClaims = [] }: ReadPolicy): readonly ClaimCheck[] {
  if (clientId === undefined && clientClaims !== POLICY.clientClaims.default)
    throw misconfigured(ACTION, '"clientClaims" says where the client is named: give "clientId", too, or leave it out')
  return [
    ...(clientId === undefined ? [] : [client(textSet(clientId), Object.freeze(clientClaims.map(copyPath)))]),
    ...(profile === 'rfc9068' ? RFC_9068_CLAIMS.map(presentClaim) : []),
    ...(isList(requiredClaims) ? requiredClaims.map(requiredClaimCheck) : conditionChecks(requiredClaims)),
  ]
}

// RFC 9068 section 2.2. Includes iss, exp and aud because a policy may leave issuer and audience open.
const RFC_9068_CLAIMS: readonly string[] = ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti']

function textSet(value: string | readonly string[]): ReadonlySet<string> {
  return new Set([value].flat())
}

function tokenTypeRules({ tokenTypes, profile, idTokens }: ReadPolicy): Parameters<typeof tokenType>[0] {
  const isDefault = tokenTypes === POLICY.tokenTypes.default
  if (profile !== 'rfc9068')
    return {
      types: new Set(tokenTypes.map(mediaTypeName)),
      typeRequired: isDefault ? 'optional' : 'required',
      idTokens,
    }
  if (isDefault) return { types: new Set(['at+jwt']), typeRequired: 'required', idTokens }
  throw misconfigured(ACTION, '"tokenTypes" is fixed by the profile "rfc9068": leave one out')
}

function conditionChecks(conditions: Readonly<Record<string, ClaimCondition>>): readonly ClaimCheck[] {
  return Object.entries(conditions).map(([name, condition]) => {
    if (isClaimCondition(condition)) return requiredClaim(name, condition)
    throw misconfigured(
      ACTION,
      `"requiredClaims.${name}" must be a plain value, a list of them, or a predicate`,
      condition,
    )
  })
}

function isList<T>(value: readonly T[] | object): value is readonly T[] {
  return Array.isArray(value)
}

function requiredClaimCheck(required: ClaimPath | ClaimRequirement): ClaimCheck {
  return isClaimPath(required) ? presentClaim(required) : requiredClaim(required.claim, required.condition)
}

function scopeRules({ scopeSources, scopeHierarchy }: ReadPolicy, limits: Limits): ScopeRules {
  const hierarchy = new Map<string, readonly string[]>()
  for (const [scope, implied] of Object.entries(scopeHierarchy)) {
    if (!isTextList(implied)) throw misconfigured(ACTION, `"scopeHierarchy.${scope}" must be a list of scopes`, implied)
    hierarchy.set(scope, [...implied])
  }
  return Object.freeze({ sources: Object.freeze(scopeSources.map(copyPath)), hierarchy, limit: limits.scopes })
}
