import { defaultFetch } from '#default-fetch'
import { isSchema, type TokenCheck } from '../claims/application-checks.ts'
import { wordCache } from '../claims/scopes.ts'
import { asError, AuthError } from '../errors/auth-error.ts'
import { parseJwt } from '../jws/parse.ts'
import { quickParser } from '../jws/quick-parser.ts'
import { joseSignature, webCryptoSignature } from '../jws/signature.ts'
import { checkKeySetTuning, KEY_SET_OPTIONS } from '../keys/remote-key-set.ts'
import { emit, type EventListener, type TokenVerifiedEvent } from '../model/events.ts'
import type { Limits } from '../model/limits.ts'
import { type Clock, systemClock } from '../model/runtime.ts'
import { VerifiedJwt, type VerifiedToken } from '../model/token.ts'
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
  DEFAULTS,
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
import { jwtVerifier } from './run-steps.ts'
import { type JwtRules, stepsOf, type TokenContext } from './steps.ts'
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

/** What one verification may depend on, besides the token and the options. */
export interface VerifyContext {
  /** Verifies as of this earlier time instead of now. */
  readonly asOf?: AsOf
  /** Members of `cnf` (RFC 7800) that the caller confirms itself. @defaultValue none */
  readonly confirmations?: readonly string[]
}

/** A past time from a trusted record, such as when a job was queued. */
export interface AsOf {
  /** Seconds since the epoch. Never take it from the token or its sender. */
  readonly time: number
  /** How long ago it may be, in seconds. From 0. */
  readonly maxLag: number
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
  const tell: EventListener = (event) => emit(onEvent, event)
  const limits = resolveLimits(ACTION, options.limits)
  const sources = keySources()
  const policies = policiesOf(options, {
    limits,
    environment: {
      clock,
      sources,
      fetch: options.fetch ?? defaultFetch,
      onEvent: tell,
      tuning,
      textWords: wordCache(),
    },
  })
  const rules: JwtRules<C> = {
    limits,
    policies,
    schema: options.claims,
    checks: resolveChecks(options.checks),
    ...engine(limits),
  }
  const cache = resolveTokenCache(ACTION, options.tokenCache)
  const jwts = jwtVerifier<C>(rules, cache && createTokenCache(cache, clock))
  const steps = stepsOf(rules)
  const contextOf = (context: VerifyContext): TokenContext => {
    const now = clock.now() / 1000
    if (context === NO_CONTEXT) return { now, confirmations: NONE }
    if (typeof context !== 'object' || context === null)
      throw misconfigured('verify token', 'the context must be an object, such as { asOf }', context)
    const confirmations = own(context, 'confirmations')
    if (confirmations !== undefined && !Array.isArray(confirmations))
      throw misconfigured('verify token', '"confirmations" must be a list, such as ["jkt"]', confirmations)
    return {
      now: verificationTime(now, own(context, 'asOf')),
      confirmations: confirmations === undefined ? NONE : new Set(confirmations),
    }
  }

  const accepted = (verified: VerifiedToken<C>): VerifiedToken<C> => {
    tell(TOKEN_VERIFIED)
    return verified
  }
  const refused = (error: unknown): Error => {
    const known = asError(error)
    if (known instanceof AuthError) tell({ type: 'token.rejected', code: known.code })
    return known
  }

  const verifier: Verifier<C> = {
    // Not async: an async function would rethrow each refusal, and throwing costs more than creating the error.
    verify: (token, context = NO_CONTEXT) => {
      try {
        const answer = jwts.verify(token, contextOf(context))
        if (!isVerified(answer)) return onEvent === undefined ? answer : whenSettled(answer, accepted, refused)
        return Promise.resolve(onEvent === undefined ? answer : accepted(answer))
      } catch (error) {
        return rejectedSoon(refused(error))
      }
    },
    explain: (token, context = NO_CONTEXT) =>
      explainToken(token, { steps, policies, contextOf: () => contextOf(context) }),
    ready: async () => {
      await Promise.all([...policies.known()].map(async ({ keys }) => keys.ready?.()))
    },
    close: () => sources.close(),
  }
  jwtVerifiers.set(verifier, clock)
  return verifier
}

function whenSettled<T>(promise: Promise<T>, onValue: (value: T) => T, onError: (error: unknown) => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    promise
      .then(
        (value) => resolve(onValue(value)),
        (error: unknown) => reject(onError(error)),
      )
      // An error of a hook may throw when it is read.
      .catch(reject)
  })
}

// Node does extra bookkeeping for a promise that is rejected before it can have a handler.
function rejectedSoon(error: Error): Promise<never> {
  return new Promise((_, reject) => {
    // oxlint-disable-next-line promise/no-promise-in-callback -- waits for one turn on purpose
    void DONE.then(() => reject(error))
  })
}

// Checked by class because an application may have replaced `Promise`.
function isVerified<C extends object>(
  answer: VerifiedToken<C> | Promise<VerifiedToken<C>>,
): answer is VerifiedToken<C> {
  return answer instanceof VerifiedJwt
}

const DONE = Promise.resolve()
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
const NONE: ReadonlySet<string> = new Set()
const NO_CONTEXT: VerifyContext = Object.freeze({})
const TOKEN_VERIFIED: TokenVerifiedEvent = Object.freeze({ type: 'token.verified' })
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

function verificationTime(now: number, asOf: AsOf | undefined): number {
  if (asOf === undefined) return now
  if (!isOptions(asOf)) throw misconfigured('verify token', '"asOf" must be an object { time, maxLag }', asOf)
  const { time, maxLag } = ownOptions(asOf, ['time', 'maxLag'])
  if (typeof maxLag !== 'number' || !(maxLag >= 0))
    throw misconfigured('verify token', '"asOf.maxLag" must be a number of seconds from 0', maxLag)
  // This is a bug in the program. Refusing the token would make a worker discard every job.
  if (typeof time !== 'number' || !(time < FIRST_MILLISECONDS))
    throw misconfigured('verify token', '"asOf.time" must be seconds since the epoch, such as Date.now() / 1000', time)
  if (!(time - now <= DEFAULTS.clockTolerance && now - time <= maxLag))
    throw new AuthError('verification_time', {
      expected: `a time at most ${maxLag} s ago, and not in the future`,
      actual: time,
    })
  return Math.min(time, now)
}

// Verification times in seconds are always smaller; times in milliseconds are always larger.
const FIRST_MILLISECONDS = 1e11

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
