import { type Authenticator, createAuthenticator, type Verifier } from '@claimgate/core'
import {
  ADAPTER_OPTIONS,
  type AdapterOptions,
  assertKnownOptions,
  bare,
  has,
  misconfigured,
  own,
  ownOptions,
  resolveAdapterOptions,
} from '@claimgate/core/extend'
import { assertRequirement } from './assert-requirement.ts'
import type { AuthenticateJwtOptions, MiddlewareOptions } from './authenticate-jwt-options.ts'

/** Options checked, with the authenticator they ask for. */
export interface ResolvedOptions<C extends object> extends MiddlewareOptions {
  readonly authenticator: Authenticator<C>
}

/**
 * Sorts out what `authenticateJwt` was given.
 *
 * @throws TypeError
 */
export function resolveOptions<C extends object>(
  given: AuthenticateJwtOptions<C> | Verifier<C> | Authenticator<C> = {},
): ResolvedOptions<C> {
  if (typeof given !== 'object' || given === null)
    throw misconfigured(ACTION, 'give options, a verifier or an authenticator', typeof given)
  if (isAuthenticator(given)) return readyMade(given, 'authenticator', AUTHENTICATOR_MEMBERS)
  if (isVerifier(given)) return readyMade(given, 'verifier', VERIFIER_MEMBERS)
  const options: AuthenticateJwtOptions<C> = ownOptions(given, [...OWN, ...ADAPTER_OPTIONS])
  const { onReject, requirement } = options
  // Present and undefined, as a misspelled member of an object of rules is.
  if (requirement === undefined && has(options, 'requirement'))
    throw misconfigured(
      ACTION,
      '"requirement" must not be undefined: leave it out, or check the name of what it is set to',
    )
  if (requirement !== undefined) assertRequirement(requirement)
  if (onReject !== undefined && typeof onReject !== 'function')
    throw misconfigured(ACTION, '"onReject" must be a function', onReject)
  return bare({
    authenticator: authenticatorOf(options),
    ...(onReject === undefined ? {} : { onReject }),
    ...(requirement === undefined ? {} : { requirement }),
  })
}

const ACTION = 'create middleware'
const OWN: readonly string[] = ['onReject', 'requirement', 'authenticator']
const VERIFIER_MEMBERS: readonly string[] = ['verify', 'explain', 'ready', 'close']
const AUTHENTICATOR_MEMBERS: readonly string[] = ['verifier', 'readsBody', 'authenticate', 'authorize']

function isAuthenticator<C extends object>(given: object): given is Authenticator<C> {
  return has(given, 'authenticate')
}

function isVerifier<C extends object>(given: object): given is Verifier<C> {
  return typeof own(given, 'verify') === 'function'
}

// Spread into one object with options it would be taken for itself, and the options would be lost.
function readyMade<C extends object>(
  made: Verifier<C> | Authenticator<C>,
  kind: string,
  members: readonly string[],
): ResolvedOptions<C> {
  const extra = [...Object.keys(made), ...OWN.filter((name) => has(made, name))].find((name) => !members.includes(name))
  if (extra === undefined) return bare({ authenticator: createAuthenticator<C>(made) })
  throw misconfigured(ACTION, `"${extra}" is no member of a ${kind}; write { ${kind}, ${extra}: … }, without spreading`)
}

function authenticatorOf<C extends object>(options: AuthenticateJwtOptions<C>): Authenticator<C> {
  if (!has(options, 'authenticator')) {
    const rules = { action: ACTION, own: OWN, environment: process.env }
    return createAuthenticator<C>(resolveAdapterOptions<C>(options as AdapterOptions<C>, rules))
  }
  assertKnownOptions(ACTION, options, [...OWN, ...ADAPTER_OPTIONS])
  const extra = Object.keys(options).find((name) => !OWN.includes(name))
  if (extra !== undefined)
    throw misconfigured(ACTION, `with "authenticator", "${extra}" belongs to the options of that authenticator`)
  const { authenticator } = options as { readonly authenticator: Authenticator<C> | undefined }
  if (
    typeof authenticator === 'object' &&
    authenticator !== null &&
    typeof own(authenticator, 'authenticate') === 'function'
  )
    return authenticator
  throw misconfigured(ACTION, '"authenticator" must come from createAuthenticator', typeof authenticator)
}
