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

/** The private key in a parameter, including later replacements. A {@link Signer} itself never changes. */
export interface ParameterStoreKey {
  /**
   * Returns the current signer. It is read on first use, and again when it is older than `ttl`. It stays the same object while
   * the parameter holds the same key. Concurrent callers share one request.
   *
   * During an outage of Parameter Store (throttled, timed out or unavailable) the known key keeps signing, and reading is retried
   * after `ttl` or 30 seconds, whichever is shorter. A refusal (deleted, denied, no longer a key) is not an outage: it rejects.
   *
   * @throws ParameterStoreError
   */
  signer(): Promise<Signer>
  /**
   * Reads the parameter now, or joins a read in progress. Pass it to an issuer as `createSigner`: then `rotate()` switches to the
   * key stored most recently.
   *
   * @throws ParameterStoreError, also during an outage.
   */
  reload(): Promise<Signer>
  /**
   * Rotates an issuer to the parameter's key, with the issuer's overlap, if the issuer does not publish that key yet. Await it
   * before `issue`. It sends no request within `ttl`. The issuer's `createSigner` must be `reload` of this key.
   *
   * If several processes publish keys, one may see the new key up to `ttl` later than another: set `publishAhead` to `ttl` plus
   * `jwksMaxAge`. A process that starts after the change signs with the new key at once.
   *
   * @returns the rotation, or `undefined` if the issuer already publishes the key
   */
  follow(issuer: Pick<Issuer, 'jwks' | 'rotate'>, options?: RotateOptions): Promise<Rotation | undefined>
}

// The longest pause between attempts in an outage, in milliseconds.
const LONGEST_PAUSE = 30_000

/**
 * Creates a key backed by Parameter Store. Nothing is read until first use.
 *
 * @throws TypeError if an option is wrong.
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
        // Otherwise the next outage would bring a deleted key back.
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
      // Another caller may have rotated while this one waited.
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

// Milliseconds between attempts: a new parameter may not be visible everywhere at once.
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
    // A failing log must not stop the key from signing.
  }
}

// Keyed by client, then by the options that identify the key. These include the passphrase, so the map must not be exported.
const keys = new WeakMap<SSMClient, Map<string, ParameterStoreKey>>()

/**
 * The signer of a key in Parameter Store: `parameterStoreKey(options).signer()`, with one key cached per client, name and
 * settings. You can call it whenever you need a signer: the parameter is read once, or once per `ttl`. The first call's `onEvent`
 * and `clock` are used; those of later calls are ignored.
 *
 * @throws TypeError if an option is wrong.
 * @throws ParameterStoreError if the key cannot be loaded. `code` says why; `cause` is the SDK's error if that cannot quote the
 * key.
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
