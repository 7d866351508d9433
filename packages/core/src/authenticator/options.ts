import { type Binding, type BindingRules, isParameters, resolveBindings } from '../confirmation/binding.ts'
import type { AuthError } from '../errors/auth-error.ts'
import { type CredentialSource, resolveSources } from '../http/credential-sources.ts'
import { createLogRefusal, type RefusalLog, resolveLog, writeTo } from '../http/refusal-log.ts'
import { problemBody, type RefusalBody, type RefusalRules } from '../http/refusal-response.ts'
import { isPlainText } from '../model/http-text.ts'
import { bare, has, own, ownOptions } from '../model/values.ts'
import { assertKnownOptions } from '../options/known-options.ts'
import {
  anything,
  callback,
  checkOptions,
  flag,
  isOptions,
  listOf,
  misconfigured,
  objectWith,
  oneOf,
  type OptionRules,
} from '../options/option-rules.ts'
import { type Environment, optionsFromEnv } from '../pipeline/environment.ts'
import {
  DEFAULTS,
  type ManyIssuersOptions,
  type SingleIssuerOptions,
  type VerifierOptions,
} from '../pipeline/options.ts'
import { createVerifier, type Verifier, VERIFIER_OPTIONS } from '../pipeline/verifier.ts'

/** Verifier options or an existing verifier, plus how requests are read and answered. */
export type AuthenticatorOptions<C extends object = object> =
  | (VerifierOptions<C> & HttpOptions & { readonly verifier?: never })
  | (ReadyVerifier<C> & HttpOptions)

/** An existing verifier. Several authenticators can share it and its keys. */
export interface ReadyVerifier<C extends object = object> {
  readonly verifier: Verifier<C>
}

/** How requests are read and refusals answered. */
export interface HttpOptions {
  /** Name of the protected space in challenges (RFC 9110 section 11.5): printable ASCII without quotes or backslashes. @defaultValue 'api' */
  readonly realm?: string | undefined
  /** Where the token may be. @defaultValue the `Authorization` header alone */
  readonly credentials?: readonly CredentialSource[] | undefined
  /** `true` accepts requests without credentials as anonymous. Bad credentials are still refused. @defaultValue false */
  readonly optional?: boolean | undefined
  /** Makes the body of refusals. @defaultValue a problem document (RFC 9457) with fixed text */
  readonly refusalBody?: RefusalBody | undefined
  /** `true` adds `Access-Control-Expose-Headers: WWW-Authenticate`, which browser apps on other origins need. @defaultValue false */
  readonly exposeChallenge?: boolean | undefined
  /**
   * Receives why requests are refused: one line per error code and minute, with the number of suppressed refusals. `console` works.
   * @defaultValue none; in Fastify `request.log.info`, unless `false`
   */
  readonly log?: RefusalLog | false | undefined
  /** Ways to confirm sender-constrained tokens (RFC 7800). @defaultValue none: every token with `cnf` is refused */
  readonly bindings?: readonly Binding[]
  /** `refuse` refuses tokens without `cnf`. It needs at least one binding. @defaultValue 'accept' */
  readonly unboundTokens?: 'accept' | 'refuse'
  /** Parameters of every challenge, such as `{ resource_metadata: 'https://…' }` (RFC 9728 section 5.1). @defaultValue none */
  readonly challenge?: Readonly<Record<string, string>> | undefined
}

/** Options checked once, with their defaults filled in. */
interface ResolvedAuthenticatorOptions<C extends object> {
  readonly verifier: Verifier<C>
  readonly sources: readonly CredentialSource[]
  readonly anonymous: 'accepted' | 'refused'
  readonly refusal: RefusalRules
  readonly logRefusal: (error: AuthError) => void
  readonly binding: BindingRules
}

const HTTP_RULES: OptionRules = {
  verifier: objectWith('a verifier, which createVerifier makes', 'verify'),
  realm: { be: 'printable ASCII text without quotes or backslashes', fits: isPlainText },
  credentials: anything,
  optional: flag,
  refusalBody: callback,
  exposeChallenge: flag,
  log: anything,
  bindings: listOf('a list, such as [binding]'),
  unboundTokens: oneOf('accept', 'refuse'),
  challenge: { be: 'an object such as { resource_metadata: "https://…" }', fits: isParameters },
}

/** The names allowed in `HttpOptions`, and `verifier`. */
export const HTTP_OPTIONS: readonly string[] = Object.freeze(Object.keys(HTTP_RULES))

/**
 * Checks the options of an authenticator, and creates its verifier unless one was given.
 *
 * @throws TypeError
 */
export function resolveAuthenticatorOptions<C extends object>(
  given: Verifier<C> | AuthenticatorOptions<C>,
): ResolvedAuthenticatorOptions<C> {
  if (!isOptions(given)) throw misconfigured(ACTION, 'give a verifier, or options with "issuer" and "audience"', given)
  if (isVerifier<C>(given)) {
    assertNoOptionsBeside(given)
    return resolveAuthenticatorOptions<C>({ verifier: given })
  }
  const known = [...HTTP_OPTIONS, ...VERIFIER_OPTIONS]
  const options = ownOptions(given, known)
  assertKnownOptions(ACTION, options, known)
  const http: HttpOptions = options
  checkOptions(ACTION, http, HTTP_RULES, { narrow: ['bindings', 'unboundTokens'] })
  const binding = resolveBindings(ACTION, http.bindings, http.unboundTokens)
  return Object.freeze({
    sources: resolveSources(ACTION, http.credentials),
    anonymous: http.optional === true ? 'accepted' : 'refused',
    refusal: Object.freeze({
      realm: http.realm ?? DEFAULTS.realm,
      body: http.refusalBody ?? problemBody,
      exposeChallenge: http.exposeChallenge === true,
      challenges: [...binding.challenges].map(([scheme, parameters]) => ({
        scheme,
        parameters: { ...parameters, ...http.challenge },
      })),
    }),
    logRefusal: resolveLogRefusal(options),
    binding,
    verifier: verifierOf(options),
  })
}

const ACTION = 'create authenticator'

function isVerifier<C extends object>(value: object): value is Verifier<C> {
  return typeof own(value, 'verify') === 'function'
}

/**
 * Rejects options next to a verifier or an authenticator. They would be ignored: an instance was spread into an options object.
 *
 * @throws TypeError
 */
export function assertNoOptionsBeside(made: object): void {
  const known = [...HTTP_OPTIONS.filter((name) => name !== 'verifier'), ...VERIFIER_OPTIONS]
  const extra = known.find((name) => Object.hasOwn(made, name))
  if (extra !== undefined)
    throw misconfigured(ACTION, `"${extra}" is ignored on a verifier: write { verifier, ${extra}: … }`)
}

function resolveLogRefusal(options: HttpOptions & { readonly clock?: VerifierOptions['clock'] }): ResolvedLogRefusal {
  const log = resolveLog(ACTION, options.log)
  if (log === undefined) return () => {}
  const logRefusal = createLogRefusal(Object.hasOwn(options, 'clock') ? options.clock : undefined)
  const write = writeTo(log)
  return (error) => logRefusal(error, write)
}

type ResolvedLogRefusal = ResolvedAuthenticatorOptions<object>['logRefusal']

function verifierOf<C extends object>(options: AuthenticatorOptions<C>): Verifier<C> {
  const rest = bare(Object.fromEntries(Object.entries(options).filter(([name]) => !HTTP_OPTIONS.includes(name))))
  if (options.verifier === undefined) return createVerifier<C>(rest as unknown as VerifierOptions<C>)
  const [extra] = Object.keys(rest)
  if (extra !== undefined)
    throw misconfigured(ACTION, `with "verifier", "${extra}" belongs to the options of that verifier`)
  return options.verifier
}

/** Options of an authenticator. Without verifier options, the environment configures the verifier. */
export type AdapterOptions<C extends object = object> = AuthenticatorOptions<C> | EnvironmentOptions

/** How requests are read and refusals answered, without any verifier options. */
export type EnvironmentOptions = HttpOptions & {
  readonly [name in keyof SingleIssuerOptions | keyof ManyIssuersOptions | 'verifier']?: never
}

/** The names allowed in `AdapterOptions`. */
export const ADAPTER_OPTIONS: readonly string[] = [...HTTP_OPTIONS, ...VERIFIER_OPTIONS]

/** What an adapter adds to the options of an authenticator. */
export interface AdapterRules {
  /** The action that wrong options make fail, such as `create middleware`. */
  readonly action: string
  /** Names of the adapter's own options. */
  readonly own: readonly string[]
  /** Read only if no verifier option is named. An option set to `undefined` counts as named. */
  readonly environment: Environment
}

/**
 * Picks the authenticator options out of an adapter's options.
 *
 * @throws TypeError for an unknown option; if the options come from the environment, the message names the variable
 */
export function resolveAdapterOptions<C extends object>(
  options: AdapterOptions<C>,
  { action, own: names, environment }: AdapterRules,
): AuthenticatorOptions<C> {
  assertKnownOptions(action, options, [...names, ...ADAPTER_OPTIONS])
  const values = ownOptions(options, ADAPTER_OPTIONS) as Readonly<Record<string, unknown>>
  const given = bare(
    Object.fromEntries(ADAPTER_OPTIONS.filter((name) => has(values, name)).map((name) => [name, values[name]])),
  )
  const saysHow = ['verifier', ...VERIFIER_OPTIONS].some((name) => has(given, name))
  return (saysHow ? given : bare({ ...optionsFromEnv(environment), ...given })) as unknown as AuthenticatorOptions<C>
}
