import { createPublicKey, type KeyObject } from 'node:crypto'

import { AuthError, createAuthenticator, createVerifier, type RefusalResponse, type Verifier } from '@claimgate/core'
import type { KeySource } from '@claimgate/core/extend'
import { createNestedVerifier, decryptionKeys } from '@claimgate/core/jwe'
import { createTestKeys } from '@claimgate/testing'
import { CompactEncrypt, type CryptoKey, exportJWK, generateKeyPair, type JWK } from 'jose'
import { vi } from 'vitest'

import { accessClaims, bearer, describeOutcome, optionsWith } from './refusal.ts'
import { ephemeralKey, sealAgreed, sealRsa } from './seal.ts'

export interface Pair {
  readonly publicKey: CryptoKey
  readonly privateKey: CryptoKey
  readonly publicJwk: JWK
  readonly privateJwk: JWK
}

export async function pairOf(alg: string, crv?: string): Promise<Pair> {
  const pair = await generateKeyPair(alg, { extractable: true, ...(crv !== undefined && { crv }) })
  return { ...pair, publicJwk: await exportJWK(pair.publicKey), privateJwk: await exportJWK(pair.privateKey) }
}

export const signing = await createTestKeys('ES256', { kid: 'key-1' })
export const verifier = createVerifier(optionsWith({ jwks: { keys: [signing.publicJwk] } }))
export const jwt = await signing.sign(accessClaims())

export const rsa = await pairOf('RSA-OAEP-256')
export const p256 = await pairOf('ECDH-ES', 'P-256')
export const p384 = await pairOf('ECDH-ES', 'P-384')
export const x25519 = await pairOf('ECDH-ES', 'X25519')
export const rsaPublic: KeyObject = createPublicKey({ key: rsa.publicJwk, format: 'jwk' })
/** Decrypts tokens encrypted to `rsa`, `p256` and `x25519`, by these names. */
export const keys = decryptionKeys([
  { ...rsa.privateJwk, kid: 'rsa' },
  { ...p256.privateJwk, kid: 'p256' },
  { ...x25519.privateJwk, kid: 'x25519' },
])
await keys.ready()
export const nestedWith = (given: Parameters<typeof decryptionKeys>[0] | KeySource, changes: object = {}): Verifier =>
  createNestedVerifier({ verifier, decryption: { keys: given, ...changes } })

export const HEADER = { alg: 'RSA-OAEP-256', enc: 'A256GCM', kid: 'rsa', cty: 'JWT' }
export const seal = (header: object | string = {}): string =>
  sealRsa(rsaPublic, { header: typeof header === 'string' ? header : { ...HEADER, ...header }, plaintext: jwt })
export const agree = (
  change: (epk: Readonly<Record<string, unknown>>, d: string) => object,
  header: object = {},
): string => {
  const { pair, epk, d } = ephemeralKey()
  const agreed = { alg: 'ECDH-ES', enc: 'A256GCM', kid: 'p256', cty: 'JWT', epk: change(epk, d), ...header }
  return sealAgreed(pair, p256.publicJwk, { header: agreed, plaintext: jwt })
}
export const encrypt = (publicKey: CryptoKey, header: object = {}): Promise<string> =>
  new CompactEncrypt(new TextEncoder().encode(jwt)).setProtectedHeader({ ...HEADER, ...header }).encrypt(publicKey)

export const answerTo = async (token: string, by: Verifier = nestedWith(keys)): Promise<object> =>
  describeOutcome(await createAuthenticator(by).authenticate(bearer(token)))
export const refusalOf = async (token: string, by: Verifier = nestedWith(keys)): Promise<AuthError> => {
  const error: unknown = await by.verify(token).catch((reason: unknown) => reason)
  if (error instanceof AuthError) return error
  throw new Error('the token was not refused', { cause: error })
}
export const responseTo = async (
  token: string,
  by: Verifier = nestedWith(keys),
): Promise<RefusalResponse | undefined> => {
  const outcome = await createAuthenticator(by).authenticate(bearer(token))
  return outcome.kind === 'refused' ? outcome.response : undefined
}

const OPERATIONS = ['decrypt', 'deriveBits', 'deriveKey', 'unwrapKey', 'importKey', 'sign', 'digest'] as const

/** Counts calls to the runtime's cryptography during an action. */
export async function countCryptography(run: () => Promise<unknown>): Promise<number> {
  const spies = OPERATIONS.map((name) => vi.spyOn(crypto.subtle, name))
  try {
    await run()
    return spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0)
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}

/** What a client and a log see of a failed decryption. */
export const FAILED = {
  code: 'token_decryption_failed',
  status: 401,
  error: 'invalid_token',
  expected: undefined,
  actual: undefined,
  cause: undefined,
  hint: 'It was changed, encrypted to another key, or encrypted in another way than its header says',
}
export const said = ({ code, status, error, expected, actual, cause, hint }: AuthError): object => ({
  code,
  status,
  error,
  expected,
  actual,
  cause,
  hint,
})
