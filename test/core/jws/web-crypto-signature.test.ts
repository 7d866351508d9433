import { createPublicKey } from 'node:crypto'
import { exportSPKI, generateKeyPair, importJWK } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { AuthError } from '../../../packages/core/src/errors/auth-error.ts'
import { createSigningKey, type SigningKey } from '../../support/core/jose-tokens.ts'
import { DEFAULT_LIMITS } from '../../../packages/core/src/model/limits.ts'
import { type Algorithm, DEFAULT_ALGORITHMS } from '../../../packages/core/src/model/algorithm.ts'
import type { ParsedJws } from '../../../packages/core/src/model/token.ts'
import {
  joseSignature,
  type SignatureVerification,
  webCryptoSignature,
} from '../../../packages/core/src/jws/signature.ts'
import { parseJwt } from '../../../packages/core/src/jws/parse.ts'

const ASYMMETRIC = [...DEFAULT_ALGORITHMS, ...(await supported(['ML-DSA-44', 'ML-DSA-65', 'ML-DSA-87']))]
const SYMMETRIC = ['HS256', 'HS384', 'HS512'] as const

interface Signer {
  readonly verifying: CryptoKey
  readonly token: string
}

const signers = new Map<Algorithm, Signer>()
const others = new Map<Algorithm, CryptoKey>()
/** Keys that fit no algorithm, or not the given one. */
const oddKeys = new Map<string, unknown>()

async function secretOf(hash: string, length = 64): Promise<CryptoKey> {
  const bytes = new Uint8Array(length).fill(7)
  return crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash }, false, ['sign', 'verify'])
}

async function supported(algorithms: readonly Algorithm[]): Promise<readonly Algorithm[]> {
  const pairs = await Promise.allSettled(algorithms.map(async (alg) => generateKeyPair(alg)))
  return algorithms.filter((_, index) => pairs[index]?.status === 'fulfilled')
}

const encode = (value: string | Uint8Array): string => Buffer.from(value).toString('base64url')

async function otherOf(alg: Algorithm, rsa: SigningKey): Promise<CryptoKey> {
  // RSA keys are slow to generate, so one is used with all of its algorithms.
  if (/^[RP]S/.test(alg)) return (await importJWK({ ...rsa.publicJwk, alg }, alg)) as CryptoKey
  return (await createSigningKey(alg)).publicKey
}

beforeAll(async () => {
  const rsa = await createSigningKey('RS256')
  for (const alg of ASYMMETRIC) {
    const { publicKey, sign } = await createSigningKey(alg)
    signers.set(alg, { verifying: publicKey, token: await sign({ sub: 'ada' }) })
    others.set(alg, await otherOf(alg, rsa))
  }
  for (const alg of SYMMETRIC) {
    const secret = await secretOf(`SHA-${alg.slice(2)}`)
    const input = `${encode(JSON.stringify({ alg }))}.${encode('{"sub":"ada"}')}`
    const signature = await crypto.subtle.sign('HMAC', secret, Buffer.from(input))
    signers.set(alg, { verifying: secret, token: `${input}.${encode(new Uint8Array(signature))}` })
    others.set(alg, await crypto.subtle.generateKey({ name: 'HMAC', hash: `SHA-${alg.slice(2)}` }, false, ['verify']))
  }
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const rsaOf = async (modulusLength: number, usages: KeyUsage[], name = 'RSASSA-PKCS1-v1_5') =>
    crypto.subtle.generateKey(
      { name, hash: 'SHA-256', modulusLength, publicExponent: Uint8Array.of(1, 0, 1) },
      true,
      usages,
    )
  const small = await rsaOf(1024, ['sign', 'verify'])
  const jwk = await crypto.subtle.exportKey('jwk', publicKey)
  const curve = { name: 'ECDSA', namedCurve: 'P-256' }
  const idle = await crypto.subtle.importKey('jwk', { ...jwk, key_ops: [] }, curve, false, [])
  const agreement = await crypto.subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, false, ['deriveBits'])
  const encryption = await rsaOf(2048, ['encrypt', 'decrypt'], 'RSA-OAEP')
  for (const [name, key] of [
    ['a private key', privateKey],
    ['an RSA key of 1,024 bits', small.publicKey],
    ['a private RSA key', small.privateKey],
    ['a public key that may not verify', idle],
    ['a key for agreement', agreement.publicKey],
    ['a key for encryption', encryption.publicKey],
    ['a secret for encryption', await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt'])],
    [
      'a secret that may only sign',
      await crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, false, ['sign']),
    ],
    ['nothing', undefined],
    ['null', null],
    ['a number', 1],
    ['text', 'secret'],
    ['an empty object', {}],
  ] as const)
    oddKeys.set(name, key)
})

async function answerOf(
  verification: SignatureVerification,
  parsed: ParsedJws,
  algorithm: Algorithm,
  key: unknown,
): Promise<string> {
  try {
    return (await verification(parsed, algorithm, key as CryptoKey)) ? 'verified' : 'not verified'
  } catch (error) {
    if (!(error instanceof AuthError)) throw error
    expect(error.status).toBe(401)
    return error.code
  }
}

async function sameAnswer(parsed: ParsedJws, algorithm: Algorithm, key: unknown): Promise<string> {
  const [ours, reference] = [
    await answerOf(webCryptoSignature, parsed, algorithm, key),
    await answerOf(joseSignature, parsed, algorithm, key),
  ]
  expect(ours, `${algorithm} by WebCrypto, and by jose`).toBe(reference)
  // Cached knowledge about a key must not change the answer.
  expect(await answerOf(webCryptoSignature, parsed, algorithm, key)).toBe(ours)
  return ours
}

function signerOf(algorithm: Algorithm): Signer {
  const signer = signers.get(algorithm)
  if (signer === undefined) throw new Error(`no key for ${algorithm}`)
  return signer
}

const parse = (token: string): ParsedJws => parseJwt(token, DEFAULT_LIMITS)

function withSignature(token: string, change: (bytes: Uint8Array) => Uint8Array): ParsedJws {
  const input = token.slice(0, token.lastIndexOf('.'))
  return parse(`${input}.${encode(change(parse(token).signature))}`)
}

// RFC 9864 gives EdDSA over Ed25519 another name.
const nameOf = (algorithm: Algorithm): string => (algorithm === 'EdDSA' ? 'Ed25519' : algorithm)

describe.each([...ASYMMETRIC, ...SYMMETRIC])('a signature of %s', (algorithm) => {
  it('is verified with its key, like with jose', async () => {
    const { token, verifying } = signerOf(algorithm)
    expect(await sameAnswer(parse(token), algorithm, verifying)).toBe('verified')
  })

  it('is not verified once anything has changed, like with jose', async () => {
    const { token, verifying } = signerOf(algorithm)
    const [header = '', claims = '', signature = ''] = token.split('.')
    const flipped = (at: number) => (bytes: Uint8Array) => bytes.map((byte, index) => (index === at ? byte ^ 1 : byte))
    for (const changed of [
      withSignature(token, flipped(0)),
      withSignature(token, (bytes) => flipped(bytes.length - 1)(bytes)),
      withSignature(token, (bytes) => bytes.fill(0)),
      withSignature(token, (bytes) => bytes.subarray(1)),
      withSignature(token, (bytes) => Uint8Array.of(...bytes, 0)),
      withSignature(token, () => new Uint8Array()),
      parse(`${header}.${encode('{"sub":"eve"}')}.${signature}`),
      parse(`${encode(JSON.stringify({ alg: algorithm, x: 1 }))}.${claims}.${signature}`),
    ])
      expect(await sameAnswer(changed, algorithm, verifying)).toBe('not verified')
  })

  it('is not verified with another key, like with jose', async () => {
    const { token } = signerOf(algorithm)
    expect(await sameAnswer(parse(token), algorithm, others.get(algorithm))).toBe('not verified')
  })

  it('is refused with a key made for another algorithm, like with jose', async () => {
    const { token } = signerOf(algorithm)
    const answers = new Map<string, string>()
    for (const [other, { verifying }] of signers)
      if (nameOf(other) !== nameOf(algorithm)) answers.set(other, await sameAnswer(parse(token), algorithm, verifying))
    expect(new Set(answers.values())).toEqual(new Set(['algorithm_key_mismatch']))
    expect(answers.size).toBeGreaterThan(11)
  })

  it('is refused with values that are not verification keys, like with jose', async () => {
    const parsed = parse(signerOf(algorithm).token)
    for (const [name, key] of oddKeys)
      expect(await sameAnswer(parsed, algorithm, key), name).toBe('algorithm_key_mismatch')
  })
})

describe('a key that WebCrypto does not accept', () => {
  it("is Node's own object: jose accepts it, and the types of a key source do not", async () => {
    const { token } = signerOf('ES256')
    const { verifying } = signerOf('ES256')
    const key = createPublicKey(await exportSPKI(verifying))
    expect(await answerOf(joseSignature, parse(token), 'ES256', key)).toBe('verified')
    expect(await answerOf(webCryptoSignature, parse(token), 'ES256', key)).toBe('algorithm_key_mismatch')
  })
})
