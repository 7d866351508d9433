import { CompactEncrypt, type CryptoKey, exportJWK, generateKeyPair, type JWK } from 'jose'
import { describe, expect, it } from 'vitest'
import {
  CONTENT_ENCRYPTIONS,
  decryptionKeys,
  decryptJwe,
  KEY_MANAGEMENT_ALGORITHMS,
  type KeyManagementAlgorithm,
} from '../../../packages/core/src/jwe/index.ts'

interface Pair {
  readonly privateKey: CryptoKey
  readonly publicKey: CryptoKey
  readonly privateJwk: JWK
}

const pairOf = async (alg: string, crv?: string): Promise<Pair> => {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true, ...(crv !== undefined && { crv }) })
  return { privateKey, publicKey, privateJwk: await exportJWK(privateKey) }
}

const pairs: ReadonlyMap<string, Pair> = new Map([
  ['RSA', await pairOf('RSA-OAEP-256')],
  ['P-256', await pairOf('ECDH-ES', 'P-256')],
  ['P-384', await pairOf('ECDH-ES', 'P-384')],
  ['P-521', await pairOf('ECDH-ES', 'P-521')],
  ['X25519', await pairOf('ECDH-ES', 'X25519')],
])

const kindsOf = (alg: KeyManagementAlgorithm): readonly string[] =>
  alg === 'RSA-OAEP-256' ? ['RSA'] : ['P-256', 'P-384', 'P-521', 'X25519']

const encrypt = (text: string | Uint8Array, key: CryptoKey, header: { alg: string; enc: string }): Promise<string> =>
  new CompactEncrypt(typeof text === 'string' ? new TextEncoder().encode(text) : text)
    .setProtectedHeader(header)
    .encrypt(key)

const COMBINATIONS = KEY_MANAGEMENT_ALGORITHMS.flatMap((alg) =>
  kindsOf(alg).flatMap((kind) => CONTENT_ENCRYPTIONS.map((enc) => ({ alg, kind, enc }))),
)

describe('decryptJwe', () => {
  it('supports 17 algorithms for key management, and 6 for encryption', () => {
    expect(COMBINATIONS).toHaveLength((4 * 4 + 1) * 6)
  })

  it.each(COMBINATIONS)('decrypts $alg on $kind with $enc', async ({ alg, kind, enc }) => {
    const pair = pairs.get(kind)
    if (pair === undefined) throw new Error(`no ${kind}`)
    const token = await encrypt('Frodo', pair.publicKey, { alg, enc })
    for (const keys of [pair.privateJwk, pair.privateKey, decryptionKeys(pair.privateJwk)]) {
      const { header, plaintext } = await decryptJwe(token, { keys, algorithms: [alg], encryptions: [enc] })
      expect(header).toMatchObject({ alg, enc })
      expect(new TextDecoder().decode(plaintext)).toBe('Frodo')
    }
  })
})
