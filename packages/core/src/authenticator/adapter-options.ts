import { isRequirement, type Requirement } from '../authorization/requirements.ts'
import { bare, has, isObject, own } from '../model/values.ts'
import { misconfigured, narrowing, type OptionTable } from '../options/option-rules.ts'
import { readOptions } from '../options/read-options.ts'
import { type Environment, readEnvironment } from '../pipeline/environment.ts'
import {
  type ManyIssuersOptions,
  type SharedOptions,
  type SingleIssuerOptions,
  VERIFIER_OPTIONS,
} from '../pipeline/options.ts'
import type { Verifier } from '../pipeline/verifier.ts'
import { assertCanAsk, type Authenticator, createAuthenticator } from './authenticator.ts'
import { type AuthenticatorOptions, HTTP_OPTIONS, type HttpOptions, without } from './options.ts'

/** Options of an authenticator. Without verifier options, the environment configures the verifier. */
export type AdapterOptions<C extends object = object> = AuthenticatorOptions<C> | EnvironmentOptions

/** How requests are read and refusals answered, without any verifier options. */
export type EnvironmentOptions = HttpOptions & {
  readonly [name in keyof SingleIssuerOptions | keyof ManyIssuersOptions | 'verifier']?: never
}

/** An existing authenticator. Its own realm, credentials and other options apply. */
export interface ReadyAuthenticator<C extends object = object> {
  /** An existing authenticator, instead of all other options but `onReject` and `requirement`. @defaultValue a new one */
  readonly authenticator: Authenticator<C>
}

/** The option of adapters that know what every request needs. */
export interface RequirementOption {
  /**
   * What every token must grant. The challenge for requests without credentials also names its scopes; such requests never reach
   * `requireScope`. @defaultValue nothing
   */
  readonly requirement?: Requirement
}

/** Options of an authenticator, or an existing one. Without verifier options, the environment configures the verifier. */
export type MiddlewareAdapterOptions<C extends object = object> =
  | (AdapterOptions<C> & { readonly authenticator?: never })
  | ReadyAuthenticator<C>

/** The rows of `ReadyAuthenticator` and `RequirementOption`. */
export const READY: OptionTable<RequirementOption & Partial<ReadyAuthenticator>> = {
  // An explicit undefined may be a misspelled property, such as `rules.ordres`.
  requirement: narrowing(
    { be: 'a requirement such as scope("orders:read")', fits: isRequirement },
    'leave it out, or check the name of what it is set to',
  ),
  authenticator: { be: 'an authenticator', fits: () => true },
}

/** The names allowed in `AdapterOptions`. */
export const ADAPTER_OPTIONS: readonly string[] = [...HTTP_OPTIONS, ...VERIFIER_OPTIONS]

/** What an adapter adds to the options of an authenticator. */
export interface AdapterRules {
  /** The action that wrong options make fail, such as `create middleware`. */
  readonly action: string
  /** The adapter's own options. Only `authenticator` may be one of them that holds an authenticator. */
  readonly table: OptionTable
  /** Read only if no verifier option is named. An option set to `undefined` counts as named. */
  readonly environment: Environment
  /** The clock of verifiers that the adapter creates, unless the options have one. @defaultValue the clock of the runtime */
  readonly clock?: SharedOptions['clock']
  /** Reads an environment that names a provider. @defaultValue such an environment is an error at start-up */
  readonly readProvider?: ((environment: Environment) => SingleIssuerOptions) | undefined
}

/** An adapter's options, and the authenticator that they describe. */
export type ReadAdapterOptions<C extends object, T extends object> = T &
  HttpOptions &
  Pick<SharedOptions, 'clock'> & { readonly authenticator: Authenticator<C> }

/**
 * Reads the argument of an adapter: options, an existing verifier or an existing authenticator.
 *
 * @throws TypeError for wrong options; if they come from the environment, the message names the variable
 */
export function readAdapterOptions<C extends object, T extends object>(
  given: object,
  rules: AdapterRules,
): ReadAdapterOptions<C, T> {
  const { action, table } = rules
  if (!isObject(given)) throw misconfigured(action, 'give options, a verifier or an authenticator', typeof given)
  const kind = has(given, 'authenticate') ? 'authenticator' : hasMethod(given, 'verify') ? 'verifier' : undefined
  if (kind !== undefined) assertNothingBeside(action, given, kind, Object.keys(table))
  const options = readOptions(action, kind === undefined ? given : {}, table, {
    beside: ADAPTER_OPTIONS,
  }) as T & AdapterOptions<C>
  const authenticator =
    kind === undefined
      ? authenticatorOf<C>(options, rules)
      : createAuthenticator<C>(given as Verifier<C> | Authenticator<C>)
  return bare({ ...options, authenticator })
}

/** Whether options leave it to the environment how tokens are verified. An option set to `undefined` counts as named. */
export function readsEnvironment(given: object): boolean {
  return !['authenticate', 'verify', 'authenticator', 'verifier', ...VERIFIER_OPTIONS].some((name) => has(given, name))
}

/**
 * Like `readAdapterOptions`, with a table that has `READY`.
 *
 * @throws TypeError, also for a requirement that the verifier cannot answer
 */
export function readMiddlewareOptions<C extends object, T extends RequirementOption>(
  given: object,
  rules: AdapterRules,
): ReadAdapterOptions<C, T> {
  const options = readAdapterOptions<C, T>(given, rules)
  const { authenticator, requirement } = options
  if (requirement !== undefined) {
    assertCanAsk(rules.action, requirement, authenticator.verifier)
    own(authenticator, 'resource')?.learn({ scopes: requirement.scopes })
  }
  return options
}

// The types make the lists complete.
const MEMBERS: Readonly<Record<'authenticator' | 'verifier', Readonly<Record<string, true>>>> = {
  authenticator: bare<Record<keyof Authenticator, true>>({
    verifier: true,
    readsBody: true,
    schemes: true,
    findsUser: true,
    resource: true,
    authenticate: true,
    authorize: true,
    explain: true,
  }),
  verifier: bare<Record<keyof Verifier, true>>({
    verify: true,
    verifyFresh: true,
    explain: true,
    ready: true,
    status: true,
    close: true,
    now: true,
    accepts: true,
    dependsOnRequest: true,
  }),
}

// If options were spread into one object with a verifier, they would be silently ignored.
function assertNothingBeside(
  action: string,
  made: object,
  kind: 'authenticator' | 'verifier',
  names: readonly string[],
): void {
  const extra = [...Object.keys(made), ...names.filter((name) => has(made, name))].find(
    (name) => !Object.hasOwn(MEMBERS[kind], name),
  )
  if (extra !== undefined)
    throw misconfigured(
      action,
      `"${extra}" is not a member of the ${kind}: write { ${kind}, ${extra}: … }, without spreading`,
    )
}

function authenticatorOf<C extends object>(options: object, rules: AdapterRules): Authenticator<C> {
  const { action, table, environment } = rules
  const rest = without(options, Object.keys(table))
  const [extra] = Object.keys(rest)
  if (Object.hasOwn(table, 'authenticator') && Object.hasOwn(options, 'authenticator')) {
    if (extra !== undefined)
      throw misconfigured(action, `with "authenticator", "${extra}" belongs to the options of that authenticator`)
    const made = own(options, 'authenticator')
    if (isObject(made) && hasMethod(made, 'authenticate')) return made as Authenticator<C>
    throw misconfigured(action, '"authenticator" must come from createAuthenticator', typeof made)
  }
  const clock = own(rules, 'clock')
  const timed = clock === undefined || Object.hasOwn(rest, 'verifier') ? rest : bare({ clock, ...rest })
  if (!readsEnvironment(rest)) return createAuthenticator<C>(timed as AuthenticatorOptions<C>)
  const isResource = own(rest, 'resource') !== undefined
  const readProvider = own(rules, 'readProvider')
  const read =
    readProvider !== undefined && own(environment, 'JWT_PROVIDER')
      ? readProvider(environment)
      : readEnvironment(environment, isResource ? ['JWT_ISSUER'] : undefined)
  return createAuthenticator<C>(bare({ ...read, ...timed }) as AuthenticatorOptions<C>)
}

function hasMethod(object: object, name: string): boolean {
  return typeof own(object, name) === 'function'
}
