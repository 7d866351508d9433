import { defaultFetch } from '#default-fetch'
import { isSchema, type TokenCheck } from '../claims/application-checks.ts'
import { scopeTexts } from '../claims/scopes.ts'
import { parseJwt, quickParser } from '../jws/parse.ts'
import { joseSignature, webCryptoSignature } from '../jws/signature.ts'
import { checkKeySetTuning, KEY_SET_OPTIONS } from '../keys/remote-key-set.ts'
import { emit } from '../model/events.ts'
import type { Limits } from '../model/limits.ts'
import { type Clock, systemClock } from '../model/runtime.ts'
import type { VerifiedToken } from '../model/token.ts'
import { bare, own, ownOptions } from '../model/values.ts'
import { assertKnownOptions } from '../options/known-options.ts'
import {
  anything,
  callback,
  checkOptions,
  isOptions,
  listOf,
  misconfigured,
  objectWith,
  type OptionRules,
  optionsOf,
} from '../options/option-rules.ts'
import { explainToken, type Explanation } from './explain.ts'
import {
  type IssuerPolicy,
  type ManyIssuersOptions,
  resolveClock,
  resolveLimits,
  resolveTokenCache,
  type VerifierOptions,
} from './options.ts'
import { keySources } from './policy-keys.ts'
import { policyList, type PolicyRegistry, policyResolver, singlePolicy } from './policy-registry.ts'
import { NARROWING_OPTIONS, POLICY_OPTIONS, resolvePolicy } from './policy.ts'
import { contextOf, tokenVerifier, type VerifyContext } from './run-steps.ts'
import { type JwtRules, stepsOf } from './steps.ts'
import { createTokenCache } from './token-cache.ts'

/** Verifies access tokens. Create one per set of options and reuse it, because it holds the keys. */
export interface Verifier<C extends object = object> {
  /**
   * Resolves to the verified token.
   *
   * @throws AuthError with status 401 if the token is refused, and 503 if keys or a check are unavailable
   * @throws Error that an application hook threw; any other thrown value becomes the `cause` of an `Error`
   */
  verify(token: string, context?: VerifyContext): Promise<VerifiedToken<C>>
  /**
   * Reports every step as passed, failed or skipped, and why. Never throws and never repeats the token. Runs the same steps as `verify`,
   * so it may fetch keys, within the same limits, and it runs the token checks.
   */
  explain(token: string, context?: VerifyContext): Promise<Explanation>
  /**
   * Fetches keys before the first token arrives.
   *
   * @throws AuthError `keys_unavailable`
   */
  ready(): Promise<void>
  /** Permanently stops fetching its own key sets. Does not close key sources that it was given. */
  close(): void
}

/**
 * Creates a verifier. Options are read once; later changes have no effect.
 *
 * @throws TypeError for options that are missing, contradict each other or are out of range
 */
export function createVerifier<C extends object = object>(options: VerifierOptions<C>): Verifier<C> {
  return verifierWith(quickEngine, options)
}

/** How tokens are parsed and their signatures verified. */
export type Engine = (limits: Limits) => Pick<JwtRules<object>, 'parse' | 'isSignedBy'>

const quickEngine: Engine = (limits) => ({ parse: quickParser(limits), isSignedBy: webCryptoSignature })

/** Like `createVerifier`, with another engine. */
export function verifierWith<C extends object>(engine: Engine, given: VerifierOptions<C>): Verifier<C> {
  if (!isOptions(given)) throw misconfigured(ACTION, 'give options with "issuer" and "audience"', given)
  const options = ownOptions(given, VERIFIER_OPTIONS)
  assertKnownOptions(ACTION, options, VERIFIER_OPTIONS)
  checkOptions(ACTION, options, SHARED_RULES, { narrow: ['claims', 'checks'] })
  const tuning = ownOptions(options.keySet ?? {}, KEY_SET_OPTIONS)
  checkKeySetTuning(ACTION, tuning, options.fetch ?? defaultFetch)
  const clock = resolveClock(ACTION, options.clock)
  const { onEvent } = options
  const limits = resolveLimits(ACTION, options.limits)
  const sources = keySources()
  const policies = policiesOf(options, {
    limits,
    environment: {
      clock,
      sources,
      fetch: options.fetch ?? defaultFetch,
      onEvent: (event) => emit(onEvent, event),
      tuning,
      scopeTexts: scopeTexts(),
    },
  })
  const rules: JwtRules<C> = {
    policies,
    schema: options.claims,
    checks: resolveChecks(options.checks),
    ...engine(limits),
  }
  const cacheOptions = resolveTokenCache(ACTION, options.tokenCache)
  const cache = cacheOptions && createTokenCache(cacheOptions, clock)
  const steps = stepsOf(rules)
  const verifier: Verifier<C> = {
    verify: tokenVerifier(rules, { clock, cache, onEvent }),
    explain: (token, context) => explainToken(token, { steps, policies, contextOf: () => contextOf(clock, context) }),
    ready: async () => {
      await Promise.all([...policies.known()].map(async ({ keys }) => keys.ready?.()))
    },
    close: () => sources.close(),
  }
  jwtVerifiers.set(verifier, clock)
  return verifier
}

const jwtVerifiers = new WeakMap<object, Clock>()

/** Whether `createVerifier` or `createReferenceVerifier` made a verifier. These accept only signed JWTs. */
export function verifiesJwts(verifier: object): boolean {
  return jwtVerifiers.has(verifier)
}

/** The clock of a verifier. */
export function clockOf(verifier: object): Clock {
  return jwtVerifiers.get(verifier) ?? systemClock
}

const ACTION = 'create verifier'
const SHARED_RULES: OptionRules = {
  issuers: {
    be: 'a list of policies, or an async function from an iss to a policy',
    fits: (value) => Array.isArray(value) || typeof value === 'function',
  },
  claims: {
    be: 'a Standard Schema validator, for example of zod, valibot or arktype',
    fits: isSchema,
  },
  checks: listOf('a list, such as [denylist]'),
  tokenCache: {
    be: 'false, or an object such as { maxEntries: 1000 }',
    fits: (value) => value === false || isOptions(value),
  },
  limits: optionsOf('an object, such as { tokenLength: 32_768 }'),
  keySet: optionsOf('an object, such as { timeout: 3 }'),
  onEvent: callback,
  fetch: callback,
  clock: anything,
}

/** The names allowed in `VerifierOptions`. */
export const VERIFIER_OPTIONS: readonly string[] = [...POLICY_OPTIONS, ...Object.keys(SHARED_RULES)]

type Shared = {
  readonly limits: Parameters<typeof resolvePolicy>[1]
  readonly environment: Parameters<typeof resolvePolicy>[2]
}

function policiesOf<C extends object>(options: VerifierOptions<C>, { limits, environment }: Shared): PolicyRegistry {
  if (!hasManyIssuers(options)) return singlePolicy(resolvePolicy(policyPart(options), limits, environment))

  const values = options as unknown as Readonly<Record<string, unknown>>
  const misplaced = POLICY_OPTIONS.find(
    (name) => values[name] !== undefined || (NARROWING_OPTIONS.includes(name) && name in options),
  )
  if (misplaced !== undefined)
    throw misconfigured(ACTION, `with "issuers", "${misplaced}" belongs to each issuer of the list`)
  const { issuers } = options
  if (typeof issuers === 'function')
    return policyResolver(issuers, (policy) => resolvePolicy(policy, limits, environment))
  return policyList(issuers.map((policy: IssuerPolicy) => resolvePolicy(policy, limits, environment)))
}

function hasManyIssuers<C extends object>(options: VerifierOptions<C>): options is ManyIssuersOptions<C> {
  return options.issuers !== undefined
}

function policyPart(options: IssuerPolicy): IssuerPolicy {
  const values = options as unknown as Readonly<Record<string, unknown>>
  const given = POLICY_OPTIONS.filter((name) => name in options).map((name) => [name, values[name]] as const)
  return bare(Object.fromEntries<unknown>(given)) as unknown as IssuerPolicy
}

function resolveChecks(checks: readonly TokenCheck[] = []): readonly TokenCheck[] {
  for (const check of checks)
    if (!objectWith('', 'check').fits(check) || typeof own(check, 'name') !== 'string')
      throw misconfigured(ACTION, 'each of "checks" must be an object { name, check }', check)
  return Object.freeze([...checks])
}

const plainEngine: Engine = (limits) => ({ parse: (token) => parseJwt(token, limits), isSignedBy: joseSignature })

/**
 * A verifier without shortcuts: every token is parsed from scratch, jose verifies the signature, and nothing is cached.
 * Slower than `createVerifier`, which must give the same answer for every token.
 *
 * @throws TypeError for options that are missing, contradict each other or are out of range
 */
export function createReferenceVerifier<C extends object = object>(options: VerifierOptions<C>): Verifier<C> {
  return verifierWith(plainEngine, { ...options, tokenCache: false })
}
