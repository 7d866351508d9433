import type { SSMClient } from '@aws-sdk/client-ssm'
import { ParameterStoreError, passesByItself } from '../aws/aws-errors.ts'
import type { Issuer } from '../create-issuer.ts'
import { oneAtATime, type RotateOptions } from '../issuer-keys.ts'
import type { Rotation } from '../key-ring.ts'
import type { Signer } from '../signer/signer.ts'
import {
  type ParameterStoreEvent,
  type ParameterStoreOptions,
  type ResolvedParameterStoreOptions,
  resolveParameterStoreOptions,
} from './parameter-store-options.ts'
import { loadOrCreate, storedSigner } from './parameter.ts'

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
export const parameterStoreKey = (options: ParameterStoreOptions): ParameterStoreKey =>
  createKey(resolveParameterStoreOptions(options))

const createKey = (options: ResolvedParameterStoreOptions): ParameterStoreKey => {
  const { clock, onEvent } = options
  const cachedFor = (options.ttl ?? Number.POSITIVE_INFINITY) * 1000
  let current: Signer | undefined
  let expiry = 0
  let loading: Promise<Signer> | undefined

  const tell = (event: ParameterStoreEvent): void => {
    try {
      const answer: unknown = onEvent?.(Object.freeze(event))
      Promise.resolve(answer).catch(() => {})
    } catch {
      // A failing log must not stop the key from signing.
    }
  }
  const load = async (): Promise<Signer> => {
    const { type, pem, version } = await loadOrCreate(options)
    const signer = await storedSigner(pem, options)
    expiry = clock.monotonic() + cachedFor
    if (current?.kid === signer.kid) return current
    current = signer
    tell({ type, version, kid: signer.kid })
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
      if (asked) tell({ type: 'key.kept', kid: known.kid, code: error.code })
      expiry = clock.monotonic() + Math.min(cachedFor, LONGEST_PAUSE)
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

/** Whether the error means only that Parameter Store could not be reached, and says nothing about the key. */
const isOutage = (error: unknown): error is ParameterStoreError =>
  error instanceof ParameterStoreError && passesByItself(error)

const publishes = (issuer: Pick<Issuer, 'jwks'>, kid: string): boolean =>
  issuer.jwks().keys.some((key) => key.kid === kid)

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
  const resolved = resolveParameterStoreOptions(options)
  const { client, name, algorithm, passphrase, creation, ttl, timeout } = resolved
  const ofClient = keys.get(client) ?? new Map<string, ParameterStoreKey>()
  keys.set(client, ofClient)
  const settings = JSON.stringify([name, algorithm, passphrase, creation, ttl, timeout])
  const key = ofClient.get(settings) ?? createKey(resolved)
  ofClient.set(settings, key)
  return key.signer()
}
