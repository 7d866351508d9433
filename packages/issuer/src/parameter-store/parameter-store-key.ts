import type { SSMClient } from '@aws-sdk/client-ssm'
import { type Issuer, oneAtATime } from '../create-issuer.ts'
import type { RotateOptions, Rotation } from '../keys/key-source.ts'
import { ownOptions } from '../refusal.ts'
import type { Signer } from '../signer/signer.ts'
import { isOutage, ParameterStoreError } from './parameter-store-error.ts'
import {
  OPTIONS,
  type ParameterStoreEvent,
  type ParameterStoreOptions,
  type ResolvedParameterStoreOptions,
  resolveParameterStoreOptions,
} from './parameter-store-options.ts'
import { createParameter, readParameter, type StoredKey, storedSigner } from './parameter.ts'

/** The private key that a parameter holds, now and after it was replaced. A {@link Signer} itself never changes. */
export interface ParameterStoreKey {
  /**
   * The signer of the moment: read when it is first asked for, and again when it is older than `ttl`. It stays the same object
   * for as long as the parameter holds the same key. Callers at the same time share one request.
   *
   * While Parameter Store is out (throttled, late or not there) the key that is known goes on signing, and reading is tried
   * again after `ttl`, 30 seconds at most. A refusal (deleted, denied, no longer a key) is not an outage: it rejects.
   *
   * @throws ParameterStoreError
   */
  signer(): Promise<Signer>
  /**
   * Reads the parameter now, unless that is under way. Made for an issuer's `createSigner`, so that `rotate()` brings in the
   * key that has been stored since.
   *
   * @throws ParameterStoreError for an outage too.
   */
  reload(): Promise<Signer>
  /**
   * Has an issuer go over to the parameter's key where it does not publish it yet, with its overlap: to be awaited before
   * `issue`. Costs nothing within `ttl`. The issuer's `createSigner` must be `reload` of this key.
   *
   * Where several processes publish keys, one of them may learn of the new key a `ttl` after another has: then `publishAhead`
   * should be `ttl` and `jwksMaxAge` together. A process that starts after the change signs with the new key at once.
   *
   * @returns the rotation, or nothing where the issuer publishes the key already
   */
  follow(issuer: Pick<Issuer, 'jwks' | 'rotate'>, options?: RotateOptions): Promise<Rotation | undefined>
}

// Milliseconds between attempts in an outage, where `ttl` is longer.
const LONGEST_PAUSE = 30_000

/**
 * A key in Parameter Store. Nothing is read before it is asked for.
 *
 * @throws TypeError where an option is wrong.
 */
export const parameterStoreKey = (options: ParameterStoreOptions): ParameterStoreKey => {
  const resolved = resolveParameterStoreOptions(options)
  const { clock, freshFor } = resolved
  let current: Signer | undefined
  let expiry = 0
  let loading: Promise<Signer> | undefined

  const load = async (): Promise<Signer> => {
    const { signer, ...event } = await loadOrCreate(resolved)
    expiry = clock.monotonic() + freshFor
    if (current?.kid === signer.kid) return current
    current = signer
    tell(resolved, { ...event, kid: signer.kid })
    return signer
  }
  const reload = (): Promise<Signer> => {
    loading ??= load()
      .catch((error: unknown) => {
        // A key that was taken away must not come back with the next outage.
        if (!isOutage(error)) current = undefined
        throw error
      })
      .finally(() => {
        loading = undefined
      })
    return loading
  }
  const signer = async (): Promise<Signer> => {
    if (current === undefined) return reload()
    if (clock.monotonic() < expiry) return current
    const known = current
    const asked = loading === undefined
    return reload().catch((error: unknown) => {
      if (!isOutage(error)) throw error
      if (asked) tell(resolved, { type: 'key.kept', kid: known.kid, code: error.code })
      expiry = clock.monotonic() + Math.min(freshFor, LONGEST_PAUSE)
      return known
    })
  }

  const inTurn = oneAtATime()
  const follow: ParameterStoreKey['follow'] = async (issuer, rotateOptions) => {
    if (publishes(issuer, (await signer()).kid)) return undefined
    return inTurn(async () => {
      const { kid } = await signer()
      // Another caller has been faster.
      if (publishes(issuer, kid)) return undefined
      const before = issuer.jwks().keys.map((key) => key.kid)
      const rotation = await issuer.rotate(rotateOptions)
      if (rotation.kid === kid || rotation.kid === current?.kid || before.includes(rotation.kid)) return rotation
      throw new TypeError('Cannot follow parameter: "createSigner" of the issuer must be "reload" of this key')
    })
  }
  return Object.freeze({ signer, reload, follow })
}

const publishes = (issuer: Pick<Issuer, 'jwks'>, kid: string): boolean =>
  issuer.jwks().keys.some((key) => key.kid === kid)

interface Loaded extends Pick<ParameterStoreEvent, 'type' | 'version'> {
  readonly signer: Signer
}

const loadOrCreate = async (options: ResolvedParameterStoreOptions): Promise<Loaded> => {
  const { creation } = options
  if (creation === undefined) return loaded('key.loaded', await readParameter(options), options)
  const stored = await readParameter(options).catch(unlessMissing)
  if (stored !== undefined) return loaded('key.loaded', stored, options)
  const created = await createParameter(options, creation)
  if (created !== undefined) return loaded('key.created', created, options)
  return loaded('key.loaded', await readStoredByOther(options), options)
}

// Milliseconds between attempts: what has just been stored may not be seen everywhere at once.
const PAUSES = [100, 200, 400, 800]

const readStoredByOther = async (options: ResolvedParameterStoreOptions): Promise<StoredKey> => {
  for (const pause of PAUSES) {
    const stored = await readParameter(options).catch(unlessMissing)
    if (stored !== undefined) return stored
    await new Promise((resolve) => setTimeout(resolve, pause))
  }
  return readParameter(options)
}

const unlessMissing = (error: unknown): undefined => {
  if (!(error instanceof ParameterStoreError) || error.code !== 'parameter_not_found') throw error
}

const loaded = async (
  type: ParameterStoreEvent['type'],
  { pem, version }: StoredKey,
  options: ResolvedParameterStoreOptions,
): Promise<Loaded> => ({ type, version, signer: await storedSigner(pem, options) })

const tell = ({ onEvent }: ResolvedParameterStoreOptions, event: ParameterStoreEvent): void => {
  try {
    onEvent?.(Object.freeze(event))
  } catch {
    // A log that fails must not stop a key from signing.
  }
}

// By client, and below it by the options that decide about the key; a passphrase is one of them, so they stay in here.
const keys = new WeakMap<SSMClient, Map<string, ParameterStoreKey>>()

/**
 * The signer of a key in Parameter Store: `parameterStoreKey(options).signer()`, with one key kept per client, name and
 * settings. So it may be called as often as a signer is needed: the parameter is read once, or once per `ttl`. The `onEvent`
 * and `clock` are those of the first call.
 *
 * @throws TypeError where an option is wrong.
 * @throws ParameterStoreError where the key cannot be had: `code` says why, `cause` has the SDK's error where that is sure not
 * to quote the key.
 */
export const parameterStoreSigner = async (options: ParameterStoreOptions): Promise<Signer> => {
  const created = parameterStoreKey(options)
  const { client, name, algorithm, passphrase, createIfMissing, ttl, timeout } = ownOptions(options, OPTIONS)
  const ofClient = keys.get(client) ?? new Map<string, ParameterStoreKey>()
  keys.set(client, ofClient)
  const settings = JSON.stringify([name, algorithm, passphrase, createIfMissing, ttl, timeout])
  const key = ofClient.get(settings) ?? created
  ofClient.set(settings, key)
  return key.signer()
}
