import { assertKnownOptions, checkOptions, numberIn, type OptionRules } from '@claimgate/core/extend'
import { exportJWK, exportSPKI, generateKeyPair } from 'jose'
import type { CryptoKey, JWK } from 'jose'

import { toBase64url } from '../tokens/base64url.ts'
import { signInput } from './sign-input.ts'

/** Which of the keys of one algorithm to give. */
export interface TestKeysOptions {
  /** The key ID. @defaultValue 'test-key' */
  readonly kid?: string
  /** Different numbers give different key material under the same `kid`. @defaultValue 0 */
  readonly generation?: number
}

/** A key pair of one algorithm, with all the forms a test may want. */
export interface TestKeys {
  readonly alg: string
  readonly kid: string
  /** For a JWK Set: has `kid`, `alg` and `use: 'sig'`. */
  readonly publicJwk: JWK
  readonly privateJwk: JWK
  readonly publicKey: CryptoKey
  readonly privateKey: CryptoKey
  /** The public key as SPKI PEM, without a newline at the end. */
  readonly publicPem: string
  /**
   * A JWT with exactly these claims: no `iat`, `exp` or anything else is added. The header has `alg`, `kid` and
   * `typ: 'at+jwt'`; `header` adds members, replaces them, and leaves out those that are `undefined`.
   */
  sign(claims: object, header?: object): Promise<string>
  /** A compact JWS over texts or bytes as they are: for duplicate members, numbers like `1e999` and broken JSON. */
  signRaw(header: string | Uint8Array, claims: string | Uint8Array): Promise<string>
  /** The base64url signature over any signing input. What `badTokens` wants as `signWith`. */
  signWith(signingInput: string): Promise<string>
}

const made = new Map<string, Promise<TestKeys>>()

/**
 * A key pair for tests, made at run time. The same algorithm, `kid` and `generation` give the same keys as long as the
 * program runs, because RSA keys are slow to make.
 *
 * @param alg A member of `supportedAlgorithms()`.
 * @throws JOSENotSupported of jose when the runtime does not know the algorithm.
 */
export function createTestKeys(alg: string, options: TestKeysOptions = {}): Promise<TestKeys> {
  assertKnownOptions(ACTION, options, ['kid', 'generation'])
  checkOptions(ACTION, options, RULES)
  const { kid = 'test-key', generation = 0 } = options
  const id = JSON.stringify([alg, kid, generation])
  const known = made.get(id)
  if (known !== undefined) return known
  const keys = makeKeys(alg, kid)
  made.set(id, keys)
  return keys
}

const ACTION = 'create test keys'
const RULES: OptionRules = {
  kid: { be: 'a key ID', fits: (value) => typeof value === 'string' },
  generation: numberIn({ least: 0, whole: true }),
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
