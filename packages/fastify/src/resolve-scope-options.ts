import { bare, misconfigured } from '@claimgate/core/extend'
import type { ScopeOptions } from './claimgate-options.ts'

/** What fails where an option is wrong. */
export const ACTION = 'register claimgate'

/** The names `ScopeOptions` may have. */
export const SCOPE_OPTIONS: readonly string[] = ['global', 'onReject', 'securityScheme', 'notFound']

/** `ScopeOptions` with their defaults. */
export type ResolvedScopeOptions = Pick<ScopeOptions, 'onReject'> & {
  readonly [name in Exclude<keyof ScopeOptions, 'onReject'>]-?: Exclude<ScopeOptions[name], undefined>
}

/**
 * Fills in the defaults. A string such as 'false' from an environment variable must neither open nor protect anything by accident.
 *
 * @throws TypeError
 */
export function resolveScopeOptions(options: ScopeOptions): ResolvedScopeOptions {
  const { global = true, onReject, securityScheme = 'bearerAuth', notFound = 'protect' } = options
  if (typeof global !== 'boolean') throw misconfigured(ACTION, '"global" must be true or false', global)
  if (onReject !== undefined && typeof onReject !== 'function')
    throw misconfigured(ACTION, '"onReject" must be a function', onReject)
  if (securityScheme !== false && (typeof securityScheme !== 'string' || securityScheme === ''))
    throw misconfigured(
      ACTION,
      '"securityScheme" must be the name of an OpenAPI security scheme, or false',
      securityScheme,
    )
  if (!['protect', 'own'].includes(notFound))
    throw misconfigured(ACTION, '"notFound" must be "protect" or "own"', notFound)
  return bare({ global, securityScheme, notFound, ...(onReject === undefined ? {} : { onReject }) })
}
