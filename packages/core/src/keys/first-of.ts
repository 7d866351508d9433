import type { CryptoKey } from 'jose'
import { AuthError } from '../errors/auth-error.ts'
import { isAlgorithm, isSymmetric } from '../model/algorithm.ts'
import type { Clock } from '../model/runtime.ts'
import type { JoseHeader } from '../model/token.ts'
import { bare } from '../model/values.ts'
import { isOptions, kindOf, misconfigured } from '../options/option-rules.ts'
import { knownOptions } from '../options/read-options.ts'
import type { JSONWebKeySet } from './jwk/jwk-set.ts'
import type { KeyContext, KeySource } from './key-source.ts'
import type { PublicKeyInput } from './public-key.ts'

/** The secret of `firstOf`. */
export interface SecretLocation {
  /**
   * An HMAC secret at least as long as the hash of its algorithms (RFC 7518 section 3.2): 32 bytes for HS256. Text is used as UTF-8 bytes, so
   * decode base64 first.
   */
  readonly secret: string | Uint8Array
  /** When the migration ends: from then on, the secret verifies no token. @defaultValue never */
  readonly until?: Date | undefined
}

/** Where the public keys of `firstOf` come from. Set at most one of `jwksUri`, `jwks` and `publicKey`; with none, keys are discovered. */
export interface PublicKeyLocation {
  /** Same as the verifier option. @defaultValue discovery from the issuer */
  readonly jwksUri?: string | URL | undefined
  /** Same as the verifier option. @defaultValue discovery from the issuer */
  readonly jwks?: JSONWebKeySet
  /** Same as the verifier option. @defaultValue discovery from the issuer */
  readonly publicKey?: PublicKeyInput
  /** Same as the verifier option. @defaultValue none */
  readonly allowedKeyHosts?: readonly string[]
  /** Same as the verifier option. @defaultValue none */
  readonly allowHttpHosts?: readonly string[]
  /** Same as the verifier option. @defaultValue the issuer's well-known addresses */
  readonly metadataUri?: string | URL
}

/** The result of `firstOf`. Pass it as the option `keys`. */
export interface SecretAndPublicKeys {
  readonly first: SecretLocation
  readonly others: PublicKeyLocation
}

/**
 * For an issuer that migrates from a secret to public keys, as Supabase does. Tokens with HS256, HS384 or HS512 are verified only with the
 * secret, and tokens with any other `alg` only with the public keys, so no key is ever used for both. `algorithms` must list the algorithms
 * of both.
 *
 * ```ts
 * createVerifier({
 *   issuer,
 *   audience,
 *   algorithms: ['HS256', 'ES256'],
 *   keys: firstOf({ secret }, { jwksUri: `${issuer}/.well-known/jwks.json` }), // {} for discovery from the issuer
 * })
 * ```
 *
 * A token with HS256 never causes a request.
 *
 * @throws TypeError for anything but the two locations
 */
export function firstOf(first: SecretLocation, others: PublicKeyLocation): SecretAndPublicKeys {
  // The message must not quote a secret that was passed directly.
  if (!isOptions(first) || !isOptions(others))
    throw misconfigured(ACTION, `${FORM}, found ${kindOf(first)} and ${kindOf(others)}`)
  const secret = knownOptions(ACTION, first, SECRET)
  const location = knownOptions(ACTION, others, PUBLIC)
  if (secret.secret === undefined || secret.secret === null) throw misconfigured(ACTION, `${FORM}, found no secret`)
  if (secret.until !== undefined && !Number.isFinite(endOf(secret)))
    throw misconfigured(ACTION, '"until" must be a Date, such as new Date("2027-01-31")', kindOf(secret.until))
  const made = Object.freeze({ first: Object.freeze(secret), others: Object.freeze(location) })
  known.add(made)
  return made
}

const ACTION = 'use firstOf'
const FORM = 'give two objects, as in firstOf({ secret }, { jwksUri })'
const SECRET = ['secret', 'until']
const PUBLIC = ['jwksUri', 'jwks', 'publicKey', 'allowedKeyHosts', 'allowHttpHosts', 'metadataUri']
const known = new WeakSet<object>()

/** Whether `firstOf` created the value. */
export function isFirstOf(keys: unknown): keys is SecretAndPublicKeys {
  return known.has(keys as object)
}

/** When a secret ends, in milliseconds since the epoch; `NaN` for anything but a date. */
export function endOf({ until }: SecretLocation): number {
  if (until === undefined) return Infinity
  return kindOf(until) === 'a Date' ? Number(until) : Number.NaN
}

/** How long the secret is used, in milliseconds since the epoch. */
interface SecretPeriod {
  readonly until: number
  readonly clock: Pick<Clock, 'now'>
}

/** A source that uses one of two others, chosen only by the token's `alg`; never both for the same token. */
export function byAlgorithm(secret: KeySource, others: KeySource, { until, clock }: SecretPeriod): KeySource {
  const sourceFor = ({ alg }: JoseHeader): KeySource => {
    if (!isAlgorithm(alg) || !isSymmetric(alg)) return others
    return clock.now() < until ? secret : ENDED
  }
  return bare<KeySource>({
    resolve: (header, token) => sourceFor(header).resolve(header, token),
    current: (header) => sourceFor(header).current?.(header),
    candidates: async (header, token): Promise<readonly CryptoKey[]> => {
      const source = sourceFor(header)
      return source.candidates?.(header, token) ?? [await source.resolve(header, token)]
    },
    resolveAgain: async (header: JoseHeader, failed: CryptoKey, token?: KeyContext) =>
      sourceFor(header).resolveAgain?.(header, failed, token),
    ready: async () => {
      await Promise.all([secret.ready?.(), others.ready?.()])
    },
    close: () => {
      secret.close?.()
      others.close?.()
    },
    stats: () => others.stats?.(),
    describe: () => [secret.describe?.(), others.describe?.()].filter((text) => text !== undefined).join('; or '),
  })
}

const ENDED: KeySource = bare({
  resolve: async () => {
    throw new AuthError('key_not_found', {
      hint: 'The time of the secret is over ("until"): use a token signed with a public key',
    })
  },
})
