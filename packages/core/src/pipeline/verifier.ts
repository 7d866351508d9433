import type { CredentialSource } from '../http/credential-sources.ts'
import { scopeTexts } from '../claims/scopes.ts'
import { orThrow } from '../errors/auth-error.ts'
import { parseJwt, quickParser } from '../jws/parse.ts'
import { joseSignature, webCryptoSignature } from '../jws/signature.ts'
import { type ResolvedTuning, transportOf } from '../keys/remote/options.ts'
import { emit, type EventListener } from '../model/events.ts'
import type { Limits } from '../model/limits.ts'
import { MANY, recreations } from '../model/memory.ts'
import { type Clock, type FetchLike, systemClock } from '../model/runtime.ts'
import type { Claims, VerifiedToken } from '../model/token.ts'
import { deepFreeze, has, own, ownOptions } from '../model/values.ts'
import { misconfigured } from '../options/option-rules.ts'
import { readOptions } from '../options/read-options.ts'
import { explainToken, type Explanation } from './explain.ts'
import {
  type IssuerPolicy,
  POLICY,
  POLICY_OPTIONS,
  SHARED,
  type SharedOptions,
  type VerifierOptions,
} from './options.ts'
import { keySources } from './policy-keys.ts'
import { policyList, type PolicyRegistry, policyResolver, singlePolicy } from './policy-registry.ts'
import { claimPolicies, type ResolvedPolicy, resolvePolicy } from './policy.ts'
import { contextOf, tokenVerifier, type VerifyContext } from './run-steps.ts'
import { statusOf, type VerifierStatus } from './status.ts'
import { type JwtRules, stepsOf } from './steps.ts'
import type { ResolvedTokenCache } from './token-cache-options.ts'
import { createTokenCache, type TokenCache } from './token-cache.ts'
import type { TokenCheck } from './token-checks.ts'

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
   * Verifies a token again with the authorization server, which is asked after this call, or was asked for this object within the last
   * second. Absent on verifiers that cannot ask: there, a requirement such as `fresh()` is an error.
   *
   * @throws AuthError like `verify`
   */
  verifyFresh?(token: VerifiedToken<C>, context?: VerifyContext): Promise<VerifiedToken<C>>
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
  /**
   * What it knows now of the keys of each issuer, for health checks. Makes no request: call `ready` for that. @defaultValue an application's own
   * verifier may lack it
   */
  status?(): VerifierStatus
  /** Permanently stops fetching its own key sets. Does not close key sources that it was given. */
  close(): void
  /** The time by its clock, in milliseconds since the epoch. Requirements use it, too. @defaultValue the runtime's clock */
  now?(): number
  /**
   * The issuers that it accepts, as far as they are known, with the audience of each and where its tokens are. The option `resource` needs it.
   * @defaultValue unknown
   */
  accepts?(): readonly AcceptedIssuer[]
  /**
   * Whether it needs the `view` of the context, as that of `selectVerifier` of `@claimgate/core/hooks` does. An authenticator then passes it.
   * @defaultValue false
   */
  readonly dependsOnRequest?: boolean
}

/** An issuer that a verifier accepts. */
export interface AcceptedIssuer extends Pick<IssuerPolicy, 'issuer' | 'audience'> {
  /** Where requests carry its tokens. @defaultValue the `Authorization` header */
  readonly credentials?: readonly CredentialSource[] | undefined
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

/** What the options of a verifier describe. */
interface VerifierParts<C extends object> {
  readonly rules: JwtRules<C>
  readonly clock: Clock
  readonly cache: TokenCache | undefined
  readonly onEvent: EventListener | undefined
  close(): void
}

/** Reads the options of a verifier. @throws TypeError */
export function verifierParts<C extends object>(engine: Engine, given: VerifierOptions<C>): VerifierParts<C> {
  const options = readOptions(ACTION, given, SHARED, { form: FORM, beside: POLICY_OPTIONS }) as ReadOptions<C>
  const { claims: schema, checks, tokenCache, limits, keySet, onEvent, fetch, clock } = options
  // Without a proxy, checked when keys are fetched for the first time, because given keys need no transport.
  if (keySet.proxy !== undefined) transportOf(fetch, keySet.proxy)
  const sources = keySources()
  const environment = {
    clock,
    sources,
    fetch,
    onEvent,
    tuning: keySet,
    scopeTexts: scopeTexts(),
    claimPolicies: claimPolicies(),
  }
  const policies = policiesOf(options, (policy, beside) => resolvePolicy(policy, limits, environment, beside))
  const rules: JwtRules<C> = { policies, schema, checks, ...engine(limits) }
  const cache = tokenCache === false ? undefined : createTokenCache(tokenCache, clock)
  return { rules, clock, cache, onEvent, close: () => sources.close() }
}

/** Like `createVerifier`, with another engine. */
export function verifierWith<C extends object>(engine: Engine, given: VerifierOptions<C>): Verifier<C> {
  const { rules, clock, cache, onEvent, close } = verifierParts(engine, given)
  const { policies } = rules
  const steps = stepsOf(rules)
  const verifier: Verifier<C> = {
    verify: tokenVerifier(stepsOf(rules, cache), { clock, cache, onEvent }),
    explain: (token, context) => explainToken(token, { steps, policies, contextOf: () => contextOf(clock, context) }),
    ready: async () => {
      await Promise.all([...policies.known()].map(async ({ keys }) => keys.ready?.()))
    },
    status: () => statusOf(policies.known()),
    close,
    now: () => clock.now(),
    accepts: () =>
      [...policies.known()].map(({ issuer, audience, provider: { credentials } }) => ({
        issuer,
        audience,
        credentials,
      })),
  }
  jwtVerifiers.set(verifier, clock)
  return verifier
}

const jwtVerifiers = new WeakMap<object, Clock>()

/** Whether `createVerifier` or `createReferenceVerifier` made a verifier. These accept only signed JWTs. */
export function verifiesJwts(verifier: object): boolean {
  return jwtVerifiers.has(verifier)
}

/** The clock of such a verifier, or that of the runtime. */
export function clockOf(verifier: object): Clock {
  return jwtVerifiers.get(verifier) ?? systemClock
}

/** The time by the clock of a verifier, in seconds since the epoch. */
export function timeOf(verifier: Verifier): number {
  return ((own(verifier, 'now') && verifier.now?.()) ?? systemClock.now()) / 1000
}

const ACTION = 'create verifier'
const FORM = 'give options with "issuer" and "audience"'

/** What all issuers share, with defaults filled in. The options of one issuer are as they were given. */
type ReadOptions<C extends object> = VerifierOptions<C> & {
  readonly checks: readonly TokenCheck[]
  readonly tokenCache: ResolvedTokenCache | false
  readonly limits: Limits
  readonly keySet: ResolvedTuning
  readonly fetch: FetchLike
  readonly clock: Clock
}

function policiesOf<C extends object>(
  options: ReadOptions<C>,
  resolve: (policy: IssuerPolicy, beside?: readonly string[]) => ResolvedPolicy,
): PolicyRegistry {
  if (options.issuers === undefined) return singlePolicy(resolve(options, Object.keys(SHARED)))
  const misplaced = POLICY_OPTIONS.find(
    (name) =>
      own(options, name) !== undefined || (name in options && has(POLICY[name as keyof IssuerPolicy], 'narrows')),
  )
  if (misplaced !== undefined)
    throw misconfigured(ACTION, `with "issuers", "${misplaced}" belongs to each issuer of the list`)
  const { issuers } = options
  return typeof issuers === 'function'
    ? policyResolver(issuers, (policy) => resolve(policy))
    : policyList(issuers.map((policy) => resolve(policy)))
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

/**
 * Creates a verifier of JWTs that are no access tokens, such as logout tokens. They pass the same steps. None is cached.
 *
 * @param claimsOf - returns the claims to check, which the verified token then has
 * @throws TypeError for options that are missing, contradict each other or are out of range
 */
export function createJwtVerifier(options: VerifierOptions, claimsOf: (claims: Claims) => Claims): Verifier {
  const engine: Engine = (limits) => {
    const { parse, isSignedBy } = quickEngine(limits)
    return {
      isSignedBy,
      parse: (token) => {
        const parsed = orThrow(parse(token))
        return { ...parsed, claims: deepFreeze(claimsOf(parsed.claims)) }
      },
    }
  }
  return verifierWith(engine, { ...options, tokenCache: false })
}

const verifiers = new WeakMap<object, Verifier<object>>()

/**
 * Verifies one token. Reuse the options object: each one has its own verifier, whose keys live as long as the object. A new object on every
 * call fetches keys every time, and a `verifier.recreated` event reports it.
 *
 * @throws AuthError with status 401 if the token is refused, and 503 if keys or a check are unavailable
 * @throws TypeError for wrong options
 */
export async function verify<C extends object = object>(
  token: string,
  options: VerifierOptions<C>,
): Promise<VerifiedToken<C>> {
  const known = verifiers.get(options) as Verifier<C> | undefined
  if (known !== undefined) return known.verify(token)
  const verifier = createVerifier(options)
  verifiers.set(options, verifier)
  reportRecreation(options, clockOf(verifier))
  return verifier.verify(token)
}

// Counted per issuer and key address, so two issuers that share an address count separately.
function reportRecreation(given: VerifierOptions, clock: Clock): void {
  const { issuer, jwksUri, onEvent } = ownOptions<Partial<IssuerPolicy & SharedOptions>>(given, RECREATION_OPTIONS)
  if (onEvent === undefined) return
  const name = `${issuer ?? ''} ${String(jwksUri ?? '')}`
  if (!isRecreated(name, clock.monotonic())) return
  emit(onEvent, { type: 'verifier.recreated', ...(typeof issuer === 'string' && { issuer }), count: MANY })
}

const isRecreated = /* @__PURE__ */ recreations()
const RECREATION_OPTIONS = ['issuer', 'jwksUri', 'onEvent']
