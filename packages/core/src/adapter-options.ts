import { type AuthenticatorOptions, HTTP_OPTIONS, type HttpOptions } from './authenticator-options.ts'
import { assertKnownOptions } from './errors/known-options.ts'
import { bare, has, ownOptions } from './model/own.ts'
import type { ManyIssuersOptions, SingleIssuerOptions } from './options.ts'
import { type Environment, optionsFromEnv } from './options-from-env.ts'
import { VERIFIER_OPTIONS } from './verifier.ts'

/** Options of an authenticator; where they say nothing about verifying, the environment does. */
export type AdapterOptions<C extends object = object> = AuthenticatorOptions<C> | EnvironmentOptions

/** How requests are read and refusals answered, and nothing about verifying. */
export type EnvironmentOptions = HttpOptions & {
  readonly [name in keyof SingleIssuerOptions | keyof ManyIssuersOptions | 'verifier']?: never
}

/** The names that `AdapterOptions` may have. */
export const ADAPTER_OPTIONS: readonly string[] = [...HTTP_OPTIONS, ...VERIFIER_OPTIONS]

/** What an adapter adds to the options of an authenticator. */
export interface AdapterRules {
  /** What fails for wrong options, for example `create middleware`. */
  readonly action: string
  /** Names of the adapter's own options. */
  readonly own: readonly string[]
  /** Read only where the options name none of a verifier's, be it with the value `undefined`. */
  readonly environment: Environment
}

/**
 * The options of an authenticator among those of an adapter.
 *
 * @throws TypeError for a name that is no option; where the options come from the environment, it names the variable
 */
export function resolveAdapterOptions<C extends object>(
  options: AdapterOptions<C>,
  { action, own, environment }: AdapterRules,
): AuthenticatorOptions<C> {
  assertKnownOptions(action, options, [...own, ...ADAPTER_OPTIONS])
  const values = ownOptions(options, ADAPTER_OPTIONS) as Readonly<Record<string, unknown>>
  const given = bare(
    Object.fromEntries(ADAPTER_OPTIONS.filter((name) => has(values, name)).map((name) => [name, values[name]])),
  )
  const saysHow = ['verifier', ...VERIFIER_OPTIONS].some((name) => has(given, name))
  return (saysHow ? given : bare({ ...optionsFromEnv(environment), ...given })) as unknown as AuthenticatorOptions<C>
}
