import { numberIn, type OptionTable, readOptions } from '@claimgate/core/adapter'
import { exportJWK, exportSPKI, generateKeyPair } from 'jose'
import type { CryptoKey, JWK } from 'jose'

import { toBase64url } from '../tokens/base64url.ts'
import { signInput } from './sign-input.ts'

/** Options for a test key pair. */
export interface TestKeysOptions {
  /** The key ID. @defaultValue 'test-key' */
  readonly kid?: string
  /** Different numbers give different key material under the same `kid`. @defaultValue 0 */
  readonly generation?: number
}

/** A key pair for one algorithm, in all forms that a test may need. */
export interface TestKeys {
  readonly alg: string
  readonly kid: string
  /** The entry for a JWK Set, with `kid`, `alg` and `use: 'sig'`. */
  readonly publicJwk: JWK
  readonly privateJwk: JWK
  readonly publicKey: CryptoKey
  readonly privateKey: CryptoKey
  /** The public key as SPKI PEM, without a trailing newline. */
  readonly publicPem: string
  /**
   * A JWT with exactly these claims: nothing is added, not even `iat` or `exp`. The header has `alg`, `kid` and `typ: 'at+jwt'`;
   * `header` adds or replaces members, and removes those that are `undefined`.
   */
  sign(claims: object, header?: object): Promise<string>
  /** A compact JWS over raw texts or bytes. Use it for duplicate members, numbers like `1e999` and broken JSON. */
  signRaw(header: string | Uint8Array, claims: string | Uint8Array): Promise<string>
  /** The base64url signature over any signing input. Pass it to `badTokens` as `signWith`. */
  signWith(signingInput: string): Promise<string>
}

const made = new Map<string, Promise<TestKeys>>()

/**
 * Creates a key pair for tests at run time. In one process, the same algorithm, `kid` and `generation` return the same keys, because
 * RSA keys are slow to generate.
 *
 * @param alg A member of `supportedAlgorithms()`.
 * @throws JOSENotSupported of jose if the runtime does not support the algorithm.
 */
export function createTestKeys(alg: string, options: TestKeysOptions = {}): Promise<TestKeys> {
  const { kid, generation } = readOptions('create test keys', options, TEST_KEYS) as Required<TestKeysOptions>
  const id = JSON.stringify([alg, kid, generation])
  const known = made.get(id)
  if (known !== undefined) return known
  const keys = makeKeys(alg, kid)
  made.set(id, keys)
  return keys
}

const TEST_KEYS: OptionTable<TestKeysOptions> = {
  kid: { be: 'a key ID', fits: (value) => typeof value === 'string', default: 'test-key' },
  generation: numberIn({ least: 0, whole: true, default: 0 }),
}

async function makeKeys(alg: string, kid: string): Promise<TestKeys> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  const common = { kid, alg, use: 'sig' }
  const signWith = (input: string): Promise<string> => signInput(alg, privateKey, input)
  const signRaw = async (header: string | Uint8Array, claims: string | Uint8Array): Promise<string> => {
    const input = `${toBase64url(header)}.${toBase64url(claims)}`
    return `${input}.${await signWith(input)}`
  }
  return {
    alg,
    kid,
    publicKey,
    privateKey,
    publicJwk: { ...(await exportJWK(publicKey)), ...common },
    privateJwk: { ...(await exportJWK(privateKey)), ...common },
    publicPem: (await exportSPKI(publicKey)).trimEnd(),
    signWith,
    signRaw,
    sign: (claims, header = {}) =>
      signRaw(JSON.stringify({ alg, typ: 'at+jwt', kid, ...header }), JSON.stringify(claims)),
  }
}
