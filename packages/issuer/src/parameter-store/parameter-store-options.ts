import type { SSMClient } from '@aws-sdk/client-ssm'
import { assertClock, assertNotMissing, assertSeconds, knownOptions } from '../option-rules.ts'
import { discreetRefusal, refusal } from '../refusal.ts'
import { isSigningAlgorithm, SIGNING_ALGORITHMS, type SigningAlgorithm } from '../signer/signer.ts'
import type { ParameterStoreErrorCode } from './parameter-store-error.ts'

/** How to store a newly created key pair. */
export interface ParameterCreation {
  /** The KMS key that encrypts the parameter: its ID, ARN or alias. @defaultValue the account's `alias/aws/ssm` */
  readonly keyId?: string
  /** The description of the parameter in the AWS console. @defaultValue none */
  readonly description?: string
}

/** An event to log. It never contains the key itself. */
export interface ParameterStoreEvent {
  /**
   * - `key.loaded`: a new key was read
   * - `key.created`: a key pair was created and stored
   * - `key.kept`: a re-read failed with `code`, because of an outage; the known key keeps signing
   */
  readonly type: 'key.loaded' | 'key.created' | 'key.kept'
  /** The `kid` of the key, an RFC 7638 thumbprint. */
  readonly kid: string
  /** The version of the parameter that holds it. */
  readonly version?: number | undefined
  /** Why the re-read failed, for `key.kept`. */
  readonly code?: ParameterStoreErrorCode
}

/** A clock that measures ages. Corrections of the wall clock do not change it. */
export interface MonotonicClock {
  /** Milliseconds since an arbitrary moment. Never decreases. */
  monotonic(): number
}

/** Options for `parameterStoreKey` and `parameterStoreSigner`. */
export interface ParameterStoreOptions {
  /** The client that sends the requests. You set its region, credentials and number of attempts. */
  readonly client: SSMClient
  /**
   * The SecureString that holds the private key, a PKCS #8 PEM: a name, or an ARN. `name:3` is its version 3 and `name:current`
   * the one with the label `current`. 1 to 2048 characters.
   */
  readonly name: string
  /** The algorithm the key signs with. @defaultValue 'ES256' */
  readonly algorithm?: SigningAlgorithm
  /**
   * The passphrase of an encrypted PEM, in addition to Parameter Store's own encryption. Needs Node. If set, an unencrypted PEM is
   * rejected. Cannot be combined with `createIfMissing`. @defaultValue none: the PEM is not encrypted
   */
  readonly passphrase?: string
  /** Creates and stores a key pair if the parameter does not exist. Needs a plain name. @defaultValue false */
  readonly createIfMissing?: boolean | ParameterCreation
  /**
   * Seconds a loaded key is cached. After that the next caller reads the parameter again, and signs with its new key if it has
   * changed. From 1 to 86400. @defaultValue none: the key is read once
   */
  readonly ttl?: number
  /** Seconds to wait for a response, including the client's retries. From 0.01 to 60. @defaultValue 5 */
  readonly timeout?: number
  /** Called for each event. Errors it throws are ignored. @defaultValue none */
  readonly onEvent?: (event: ParameterStoreEvent) => void
  /** The clock that measures the age of the key. @defaultValue `performance.now` */
  readonly clock?: MonotonicClock
}

/** The options with every default filled in. */
export interface ResolvedParameterStoreOptions {
  readonly client: SSMClient
  readonly name: string
  readonly algorithm: SigningAlgorithm
  readonly passphrase: string | undefined
  readonly creation: ParameterCreation | undefined
  /** Milliseconds; infinite if the key is read only once. */
  readonly freshFor: number
  /** Milliseconds. */
  readonly timeout: number
  readonly onEvent: ((event: ParameterStoreEvent) => void) | undefined
  readonly clock: MonotonicClock
}

/** The default values. */
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
 * @throws TypeError that names the option, its rule, and the value found.
 */
export const resolveParameterStoreOptions = (given: ParameterStoreOptions): ResolvedParameterStoreOptions => {
  const options = knownOptions(ACTION, given, OPTIONS)
  // An undefined passphrase would silently accept an unencrypted PEM.
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
  // An ARN, a version or a label can only refer to an existing parameter.
  if (name.includes(':')) throw refusal(ACTION, '"name" must be a plain name where "createIfMissing" is set', name)
  if (passphrase !== undefined) {
    throw refusal(ACTION, '"createIfMissing" must not stand beside "passphrase"', creation)
  }
  return creation
}
