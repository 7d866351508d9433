import { isOptions, misconfigured, numberIn, type OptionTable, readOptions } from '@claimgate/core/adapter'
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, importJWK, type JWK } from 'jose'
import { type KeyPair, SIGNING_ALGORITHMS } from '@claimgate/issuer'

/** Options for a test key pair. */
export interface TestKeysOptions {
  /** The key ID. @defaultValue 'test-key' */
  readonly kid?: string
  /** Different numbers give different key material under the same `kid`. @defaultValue 0 */
  readonly generation?: number
  /** The private key to use, such as one from a file; its `kid` wins over the option. @defaultValue a new key */
  readonly privateJwk?: JWK
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
 * @throws JOSENotSupported of jose if the runtime does not support the algorithm; TypeError if `privateJwk` is not a private key for it,
 * without quoting the key.
 */
export function createTestKeys(alg: string, options: TestKeysOptions = {}): Promise<TestKeys> {
  const read = readOptions(ACTION, options, TEST_KEYS)
  const { kid, generation, privateJwk } = read as Required<Omit<TestKeysOptions, 'privateJwk'>> & TestKeysOptions
  if (privateJwk !== undefined) return givenKeys(alg, privateJwk, kid)
  const id = JSON.stringify([alg, kid, generation])
  const known = made.get(id)
  if (known !== undefined) return known
  const keys = generateKeyPair(alg, { extractable: true }).then((pair) => makeKeys(alg, kid, pair))
  made.set(id, keys)
  return keys
}

const ACTION = 'create test keys'
const TEST_KEYS: OptionTable<TestKeysOptions> = {
  kid: { be: 'a key ID', fits: (value) => typeof value === 'string', default: 'test-key' },
  generation: numberIn({ least: 0, whole: true, default: 0 }),
  privateJwk: { be: 'a private JWK', fits: isOptions },
}

async function givenKeys(alg: string, jwk: JWK, kid: string): Promise<TestKeys> {
  const { d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, oth: _oth, priv: _priv, ...others } = jwk
  const privateKey = await imported(jwk, alg)
  const publicKey = await imported(others, alg)
  if (privateKey?.type === 'private' && publicKey?.type === 'public')
    return makeKeys(alg, jwk.kid ?? kid, { privateKey, publicKey })
  throw misconfigured(ACTION, `"privateJwk" must be a private key for ${alg}`)
}

async function imported(jwk: JWK, alg: string): Promise<CryptoKey | undefined> {
  // `use` and `key_ops` describe how another program uses the key.
  const { use: _use, key_ops: _operations, ...part } = jwk
  try {
    const key = await importJWK({ ...part, alg }, alg, { extractable: true })
    return key instanceof Uint8Array ? undefined : key
  } catch {
    // The cause is dropped on purpose: the runtime's message could quote the key.
    return undefined
  }
}

async function makeKeys(alg: string, kid: string, pair: KeyPair): Promise<TestKeys> {
  const { publicKey, privateKey } = pair
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

let found: Promise<readonly string[]> | undefined

/** The asymmetric `alg` values that this runtime supports: RFC 7518, 8037 and 9864, and ML-DSA if available. */
export function supportedAlgorithms(): Promise<readonly string[]> {
  found ??= probe()
  return found
}

async function probe(): Promise<readonly string[]> {
  const supported: string[] = []
  for (const alg of SIGNING_ALGORITHMS) {
    // Every runtime supports the others, and creating an RSA key just to check is slow.
    if (!alg.startsWith('ML-DSA') || (await canGenerate(alg))) supported.push(alg)
  }
  return supported
}

function canGenerate(alg: string): Promise<boolean> {
  return generateKeyPair(alg).then(
    () => true,
    () => false,
  )
}

/**
 * Signs any text and returns the JWS signature in base64url (RFC 7515 section 5.1, step 5). Unlike a JWT library, it does not check
 * the signing input, so a test can sign malformed headers and claims.
 *
 * @param alg The `alg` value of the signature, such as `ES256`.
 */
export async function signInput(alg: string, key: CryptoKey, input: string): Promise<string> {
  const signature = await crypto.subtle.sign(parameters(alg, key), key, new TextEncoder().encode(input))
  return toBase64url(new Uint8Array(signature))
}

function parameters(alg: string, key: CryptoKey): { name: string; hash?: string; saltLength?: number } {
  const { name } = key.algorithm
  const bits = alg.slice(-3)
  if (name === 'ECDSA') return { name, hash: `SHA-${bits}` }
  if (name === 'RSA-PSS') return { name, saltLength: Number(bits) / 8 }
  return { name }
}

/** Bytes or text (as UTF-8) in base64url without padding (RFC 7515 section 2). */
export function toBase64url(input: string | Uint8Array): string {
  return Buffer.from(input as Uint8Array).toString('base64url')
}

/** Decodes a base64url value to text. Lenient, because it is used only for our own tokens. */
export function fromBase64url(part: string): string {
  return Buffer.from(part, 'base64url').toString('utf8')
}
