import type { SSMClient } from '@aws-sdk/client-ssm'
import type { ParameterStoreErrorCode } from '../aws/aws-errors.ts'
import { requestTimeout } from '../aws/aws-request.ts'
import { assertNotMissing, type Filled, knownOptions, readOptions, type Rules } from '../options.ts'
import * as rule from '../rules.ts'
import { bare, refusal } from '../refusal.ts'
import { type SigningAlgorithm, signingAlgorithm } from '../signer/signer.ts'

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

/** The default values. */
export const PARAMETER_STORE_DEFAULTS = { algorithm: 'ES256', createIfMissing: false, timeout: 5 } as const

/** The options with every default filled in. */
export interface ResolvedParameterStoreOptions extends Filled<ParameterStoreOptions, typeof DEFAULTS> {
  /** How to store a new key pair. `undefined` if none may be created. */
  readonly creation: ParameterCreation | undefined
}

const DEFAULTS: typeof PARAMETER_STORE_DEFAULTS & { readonly clock: MonotonicClock } = {
  ...PARAMETER_STORE_DEFAULTS,
  clock: { monotonic: () => performance.now() },
}

const ACTION = 'use parameter'

const RULES: Rules<ParameterStoreOptions> = {
  client: rule.objectWith('send', 'be an SSMClient of @aws-sdk/client-ssm'),
  name: rule.of(
    'have 1 to 2048 characters, none of them a space',
    (value) => typeof value === 'string' && /^\S{1,2048}$/.test(value),
  ),
  algorithm: signingAlgorithm,
  passphrase: rule.optional(rule.secret(rule.text)),
  createIfMissing: rule.anything,
  ttl: rule.optional(rule.seconds(1, 86_400)),
  timeout: requestTimeout,
  onEvent: rule.optional(rule.callback),
  clock: rule.objectWith('monotonic'),
}

/**
 * Checks every option once and fills in the defaults.
 *
 * @throws TypeError that names the option, its rule, and the value found.
 */
export const resolveParameterStoreOptions = (given: ParameterStoreOptions): ResolvedParameterStoreOptions => {
  const options = readOptions(ACTION, given, RULES, DEFAULTS)
  // An undefined passphrase would silently accept an unencrypted PEM.
  assertNotMissing(ACTION, options, ['passphrase'])
  const { createIfMissing, name, passphrase } = options
  if (createIfMissing === false) return Object.freeze(bare({ ...options, creation: undefined }))
  const wanted = createIfMissing === true ? {} : createIfMissing
  const creation = knownOptions<ParameterCreation>(ACTION, wanted, ['keyId', 'description'], 'createIfMissing.')
  // An ARN, a version or a label can only refer to an existing parameter.
  if (name.includes(':')) throw refusal(ACTION, '"name" must be a plain name where "createIfMissing" is set', name)
  if (passphrase !== undefined) throw refusal(ACTION, '"createIfMissing" must not stand beside "passphrase"', creation)
  return Object.freeze(bare({ ...options, creation }))
}
