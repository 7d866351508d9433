import type { Authenticator, Refused, Verifier } from '@claimgate/core'
import {
  callback,
  type Environment,
  type MiddlewareAdapterOptions,
  type OptionTable,
  READY,
  type ReadAdapterOptions,
  readMiddlewareOptions,
  readsEnvironment,
  type ReadyAuthenticator,
  type RequirementOption,
} from '@claimgate/core/adapter'
import { optionsFromEnv } from '@claimgate/core/providers'
import type { Context } from 'hono'
import { getRuntimeKey } from 'hono/adapter'

/**
 * Replaces the default response to a refused request. If it returns no response, the default one is sent. What it throws goes to
 * `app.onError`. The request never reaches the handler.
 */
export type OnReject = (refusal: Refused, c: Context) => Response | undefined | Promise<Response | undefined>

/**
 * How to verify tokens, and how to answer refused requests. If the options do not say how to verify tokens, the environment does:
 * `process.env`, or the bindings of a worker.
 */
export type AuthenticateJwtOptions<C extends object = object> = MiddlewareAdapterOptions<C> & MiddlewareOptions

/** Options that admit no anonymous requests. */
export type TokensOnly<C extends object = object> = AuthenticateJwtOptions<C> & {
  readonly optional?: false
  readonly authenticator?: never
}

/** The options that the middleware adds to those of an authenticator. */
export interface MiddlewareOptions extends RequirementOption {
  /** Answers refused requests. @defaultValue the status, challenge and problem document of the core */
  readonly onReject?: OnReject | undefined
}

/** The options of the middleware. */
export const MIDDLEWARE: OptionTable<MiddlewareOptions & Partial<ReadyAuthenticator>> = { onReject: callback, ...READY }

/** The options as `authenticateJwt` takes them. */
export type Given<C extends object> = AuthenticateJwtOptions<C> | Verifier<C> | Authenticator<C>

/** Checked options, and their authenticator. */
export type Settings<C extends object> = ReadAdapterOptions<C, MiddlewareOptions>

/**
 * Resolves the options of a middleware at once, unless the bindings of a worker have them: these come with the first request.
 *
 * @returns a function that gives the settings of a request
 * @throws TypeError for wrong options
 */
export function settingsOf<C extends object>(given: Given<C> = {}): (c?: Context) => Settings<C> {
  const read = (environment: Environment): Settings<C> =>
    readMiddlewareOptions<C, MiddlewareOptions>(given, {
      action: 'create middleware',
      table: MIDDLEWARE,
      environment,
      readProvider: optionsFromEnv,
    })
  if (getRuntimeKey() !== 'workerd' || !readsEnvironment(given)) {
    const settings = read((globalThis as { readonly process?: { readonly env: Environment } }).process?.env ?? {})
    return () => settings
  }
  let settings: Settings<C> | undefined
  return (c) => {
    if (settings === undefined && c === undefined)
      throw new TypeError('Cannot give the verifier: a worker has its bindings only once a request has arrived')
    return (settings ??= read(c?.env as Environment))
  }
}
