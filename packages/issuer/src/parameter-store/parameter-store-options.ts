import type { SSMClient } from '@aws-sdk/client-ssm'
import { assertClock, assertNotMissing, assertSeconds, knownOptions } from '../option-rules.ts'
import { discreetRefusal, refusal } from '../refusal.ts'
import { isSigningAlgorithm, SIGNING_ALGORITHMS, type SigningAlgorithm } from '../signer/signer.ts'
import type { ParameterStoreErrorCode } from './parameter-store-error.ts'

/** How a key pair is stored that did not exist. */
export interface ParameterCreation {
  /** The KMS key that encrypts the parameter: its ID, ARN or alias. @defaultValue the account's `alias/aws/ssm` */
  readonly keyId?: string
  /** What the console shows beside the parameter. @defaultValue none */
  readonly description?: string
}

/** What became of the key, for a log: never the key itself. */
export interface ParameterStoreEvent {
  /**
   * - `key.loaded`: a key was read that was not known before
   * - `key.created`: a key pair was made and stored
   * - `key.kept`: reading again failed with `code`, an outage; the key that is known goes on signing
   */
  readonly type: 'key.loaded' | 'key.created' | 'key.kept'
  /** The `kid` of the key, an RFC 7638 thumbprint. */
  readonly kid: string
  /** The version of the parameter that holds it. */
  readonly version?: number | undefined
  /** Why the key was kept. */
  readonly code?: ParameterStoreErrorCode
}

/** A clock for ages, which no correction of the wall time moves. */
export interface MonotonicClock {
  /** Milliseconds since an arbitrary moment; only ever grows. */
  monotonic(): number
}

/** Where in Parameter Store a key is, and how to treat it. */
export interface ParameterStoreOptions {
  /** The client to ask with: its region, credentials and number of attempts are its owner's to set. */
  readonly client: SSMClient
  /**
   * The SecureString that holds the private key, a PKCS #8 PEM: a name, or an ARN. `name:3` is its version 3 and `name:current`
   * the one with the label `current`. 1 to 2048 characters.
   */
  readonly name: string
  /** The algorithm the key signs with. @defaultValue 'ES256' */
  readonly algorithm?: SigningAlgorithm
  /**
   * What the PEM is encrypted with, beyond what Parameter Store does; needs Node. A PEM that is not encrypted is refused then.
   * Not beside `createIfMissing`. @defaultValue none: the PEM is not encrypted
   */
  readonly passphrase?: string
  /** Makes a key pair and stores it where there is no such parameter; needs a plain name. @defaultValue false */
  readonly createIfMissing?: boolean | ParameterCreation
  /**
   * Seconds a key that was read counts as current: after that the next caller reads again, and signs with another key if the
   * parameter holds one. From 1 to 86400. @defaultValue none: the key is read once
   */
  readonly ttl?: number
  /** Seconds to wait for an answer, the client's own attempts included. From 0.01 to 60. @defaultValue 5 */
  readonly timeout?: number
  /** Told what becomes of the key. What it throws is ignored. @defaultValue nobody is told */
  readonly onEvent?: (event: ParameterStoreEvent) => void
  /** Where the age of the key comes from. @defaultValue `performance.now` */
  readonly clock?: MonotonicClock
}

/** The options with every default filled in. */
export interface ResolvedParameterStoreOptions {
  readonly client: SSMClient
  readonly name: string
  readonly algorithm: SigningAlgorithm
  readonly passphrase: string | undefined
  readonly creation: ParameterCreation | undefined
  /** Milliseconds; infinite where the key is read once. */
  readonly freshFor: number
  /** Milliseconds. */
  readonly timeout: number
  readonly onEvent: ((event: ParameterStoreEvent) => void) | undefined
  readonly clock: MonotonicClock
}

/** What holds where an option is left out. */
export const PARAMETER_STORE_DEFAULTS = { algorithm: 'ES256', createIfMissing: false, timeout: 5 } as const

const ACTION = 'use parameter'
/** The names `ParameterStoreOptions` may have. */
export const OPTIONS: readonly (keyof ParameterStoreOptions)[] = [
  'client',
  'name',
  'algorithm',
  'passphrase',
  'createIfMissing',
  'ttl',
  'timeout',
  'onEvent',
  'clock',
]

/**
 * Checks every option once and fills in the defaults.
 *
 * @throws TypeError that names the option, its rule, and what was found.
 */
export const resolveParameterStoreOptions = (given: ParameterStoreOptions): ResolvedParameterStoreOptions => {
  const options = knownOptions(ACTION, given, OPTIONS)
  // Without a passphrase a PEM that is not encrypted would be taken.
  assertNotMissing(ACTION, options, ['passphrase'])
  const { client, name, algorithm = PARAMETER_STORE_DEFAULTS.algorithm } = options
  const { createIfMissing = PARAMETER_STORE_DEFAULTS.createIfMissing, passphrase, ttl } = options
  const {
    timeout = PARAMETER_STORE_DEFAULTS.timeout,
    onEvent,
    clock = { monotonic: () => performance.now() },
  } = options
  if (typeof client !== 'object' || client === null || typeof client.send !== 'function') {
    throw refusal(ACTION, '"client" must be an SSMClient of @aws-sdk/client-ssm', client)
  }
  if (typeof name !== 'string' || !/^\S{1,2048}$/.test(name)) {
    throw refusal(ACTION, '"name" must have 1 to 2048 characters, none of them a space', name)
  }
  if (!isSigningAlgorithm(algorithm)) {
    throw refusal(ACTION, `"algorithm" must be one of ${SIGNING_ALGORITHMS.join(', ')}`, algorithm)
  }
  if (passphrase !== undefined && (typeof passphrase !== 'string' || passphrase === '')) {
    throw discreetRefusal(ACTION, '"passphrase" must be a non-empty string', passphrase)
  }
  if (ttl !== undefined) assertSeconds(ACTION, 'ttl', ttl, { min: 1, max: 86_400 })
  if (typeof timeout !== 'number' || !(timeout >= 0.01 && timeout <= 60)) {
    throw refusal(ACTION, '"timeout" must be a number of seconds from 0.01 to 60', timeout)
  }
  if (onEvent !== undefined && typeof onEvent !== 'function') {
    throw refusal(ACTION, '"onEvent" must be a function', onEvent)
  }
  assertClock(ACTION, options.clock, 'monotonic')
  const creation = creationOf(createIfMissing, options)
  const freshFor = ttl === undefined ? Number.POSITIVE_INFINITY : ttl * 1000
  return Object.freeze({
    client,
    name,
    algorithm,
    creation,
    freshFor,
    passphrase,
    timeout: timeout * 1000,
    onEvent,
    clock,
  })
}

const creationOf = (
  createIfMissing: boolean | ParameterCreation,
  { name, passphrase }: ParameterStoreOptions,
): ParameterCreation | undefined => {
  if (createIfMissing === false) return undefined
  const creation = knownOptions(ACTION, createIfMissing === true ? {} : createIfMissing, ['keyId', 'description'], {
    name: 'createIfMissing',
  })
  // An ARN and a version can only be those of something that exists.
  if (name.includes(':')) throw refusal(ACTION, '"name" must be a plain name where "createIfMissing" is set', name)
  if (passphrase !== undefined) {
    throw refusal(ACTION, '"createIfMissing" must not stand beside "passphrase"', creation)
  }
  return creation
}
