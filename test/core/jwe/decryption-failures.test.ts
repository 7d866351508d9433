import { randomBytes } from 'node:crypto'

import { AuthError } from '@claimgate/core'
import type { KeySource } from '@claimgate/core/extend'
import { createRandom } from '@claimgate/testing'
import type { CryptoKey } from 'jose'
import { describe, expect, it, vi } from 'vitest'

import {
  pairOf,
  signing,
  verifier,
  jwt,
  rsa,
  p256,
  x25519,
  rsaPublic,
  nestedWith,
  HEADER,
  seal,
  agree,
  encrypt,
  answerTo,
  refusalOf,
  responseTo,
  FAILED,
  said,
  countCryptography,
} from '../../support/core/encrypted.ts'
import { accessClaims, encode, refused, VERIFIED } from '../../support/core/refusal.ts'
import { sealRsa } from '../../support/core/seal.ts'

describe('39. Every failure to decrypt has the same error', () => {
  const TOKENS: readonly (readonly [name: string, token: () => Promise<string> | string])[] = [
    ['RSA-OAEP-256 with A256GCM', () => seal()],
    ['RSA-OAEP-256 with A128CBC-HS256', () => encrypt(rsa.publicKey, { enc: 'A128CBC-HS256' })],
    ['ECDH-ES with A256GCM', () => encrypt(p256.publicKey, { alg: 'ECDH-ES', kid: 'p256' })],
    ['RSA-OAEP-256 with A192CBC-HS384', () => encrypt(rsa.publicKey, { enc: 'A192CBC-HS384' })],
    [
      'ECDH-ES with A256CBC-HS512',
      () => encrypt(p256.publicKey, { alg: 'ECDH-ES', kid: 'p256', enc: 'A256CBC-HS512' }),
    ],
    [
      'ECDH-ES+A256KW with A128GCM',
      () => encrypt(x25519.publicKey, { alg: 'ECDH-ES+A256KW', kid: 'x25519', enc: 'A128GCM' }),
    ],
    [
      'ECDH-ES+A128KW with A128CBC-HS256',
      () => encrypt(p256.publicKey, { alg: 'ECDH-ES+A128KW', kid: 'p256', enc: 'A128CBC-HS256' }),
    ],
  ]
  const partsOf = (token: string): readonly Buffer[] => token.split('.').map((part) => Buffer.from(part, 'base64url'))
  const join = (parts: readonly Buffer[]): string => parts.map((part) => encode(part)).join('.')
  const flip = (bytes: Buffer, bit: number): Buffer => {
    const copy = Buffer.from(bytes)
    copy.writeUInt8(copy.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
    return copy
  }

  it.each(TOKENS)(
    'for any bit of key, vector, ciphertext and tag of %s',
    async (_, make) => {
      const token = await make()
      const parts = partsOf(token)
      expect(await answerTo(token)).toEqual(VERIFIED)
      let count = 0
      for (const index of [1, 2, 3, 4]) {
        const part = parts[index] ?? Buffer.alloc(0)
        // Every bit of short parts, and every eleventh of the others, to cover each position in a byte.
        for (let bit = 0; bit < part.length * 8; bit += part.length > 64 ? 11 : 1) {
          const changed = join(parts.with(index, flip(part, bit)))
          expect(said(await refusalOf(changed)), `bit ${bit} of part ${index}`).toEqual(FAILED)
          count += 1
        }
      }
      expect(count).toBeGreaterThan(400)
    },
    60_000,
  )

  it.each(TOKENS)('for parts of %s that are truncated, extended, swapped or empty', async (_, make) => {
    const parts = partsOf(await make())
    const other = partsOf(await make())
    for (const index of [1, 2, 3, 4]) {
      const part = parts[index] ?? Buffer.alloc(0)
      const forms = [
        ...(part.length > 0 ? [part.subarray(1), part.subarray(0, -1), Buffer.alloc(0)] : []),
        Buffer.alloc(part.length === 0 ? 16 : part.length),
        Buffer.concat([part, Buffer.alloc(1)]),
        Buffer.concat([Buffer.alloc(1), part]),
        randomBytes(Math.max(1, part.length)),
        ...[4, 8, 12, 13, 14, 15, 16, 32, 64]
          .filter((length) => length < part.length)
          .map((length) => part.subarray(0, length)),
        ...(index === 1 && part.length === 0 ? [] : [other[index] ?? Buffer.alloc(0)]),
      ]
      for (const form of forms) expect(said(await refusalOf(join(parts.with(index, form))))).toEqual(FAILED)
    }
    // The header of another token is also authenticated.
    expect(said(await refusalOf(join(parts.with(0, Buffer.from(`${String(parts[0])} `)))))).toEqual(FAILED)
  })

  it('for an encrypted key without its leading zero', async () => {
    let parts = partsOf(seal())
    while (parts[1]?.at(0) !== 0) parts = partsOf(seal())
    expect(await answerTo(join(parts))).toEqual(VERIFIED)
    expect(said(await refusalOf(join(parts.with(1, parts[1].subarray(1)))))).toEqual(FAILED)
  })

  it('for parts of a wrong length, before any key is used', async () => {
    const parts = partsOf(seal())
    const agreed = partsOf(await encrypt(p256.publicKey, { alg: 'ECDH-ES', kid: 'p256' }))
    const wrong = [
      ...[0, 1, 11, 13, 16].map((length) => parts.with(2, randomBytes(length))),
      ...[0, 4, 8, 12, 15, 17, 32].map((length) => parts.with(4, randomBytes(length))),
      parts.with(1, Buffer.alloc(0)),
      agreed.with(1, randomBytes(40)),
    ]
    for (const token of wrong.map((part) => join(part)))
      expect(await countCryptography(async () => expect(said(await refusalOf(token))).toEqual(FAILED))).toBe(0)
  })

  it('for A192CBC-HS384 if the runtime has no AES with 192 bits', async () => {
    const token = await encrypt(rsa.publicKey, { enc: 'A192CBC-HS384' })
    expect(await answerTo(token)).toEqual(VERIFIED)
    const { importKey } = crypto.subtle
    const lacking = vi.spyOn(crypto.subtle, 'importKey').mockImplementation((async (
      ...given: Parameters<typeof importKey>
    ) => {
      const [, bytes, algorithm] = given
      if (algorithm === 'AES-CBC' && (bytes as Uint8Array).byteLength === 24)
        throw new DOMException('192-bit AES keys are not supported', 'OperationError')
      return Reflect.apply(importKey, crypto.subtle, given)
    }) as typeof importKey)
    try {
      expect(said(await refusalOf(token))).toEqual(FAILED)
      expect(lacking.mock.settledResults.some(({ type }) => type === 'rejected')).toBe(true)
      expect(await answerTo(await encrypt(rsa.publicKey, { enc: 'A256CBC-HS512' }))).toEqual(VERIFIED)
    } finally {
      lacking.mockRestore()
    }
  })

  it('and a header with any changed bit is always refused', async () => {
    for (const [, make] of TOKENS) {
      const parts = partsOf(await make())
      const header = parts[0] ?? Buffer.alloc(0)
      for (let bit = 0; bit < header.length * 8; bit += 1)
        expect((await refusalOf(join(parts.with(0, flip(header, bit))))).status).toBe(401)
    }
  }, 60_000)

  it('for another key with the same name, of the same type or another', async () => {
    const others = { rsa: await pairOf('RSA-OAEP-256'), p256: await pairOf('ECDH-ES', 'P-256') }
    const toStranger = await encrypt(others.p256.publicKey, { alg: 'ECDH-ES+A256KW', kid: 'p256' })
    expect(said(await refusalOf(toStranger))).toEqual(FAILED)
    expect(said(await refusalOf(await encrypt(others.p256.publicKey, { alg: 'ECDH-ES', kid: 'p256' })))).toEqual(FAILED)
    expect(said(await refusalOf(await encrypt(others.rsa.publicKey)))).toEqual(FAILED)
    // An EC key under the name of the RSA key, and vice versa.
    expect((await refusalOf(await encrypt(p256.publicKey, { alg: 'ECDH-ES', kid: 'rsa' }))).code).toBe(FAILED.code)
    expect((await refusalOf(await encrypt(rsa.publicKey, { kid: 'p256' }))).code).toBe(FAILED.code)
  })

  it('and status, challenge and body are the same, byte for byte, for every refusal', async () => {
    const parts = partsOf(seal())
    const tokens = [
      ...[1, 2, 3, 4].map((index) => join(parts.with(index, flip(parts[index] ?? Buffer.alloc(0), 0)))),
      ...[
        { kid: 'other' },
        { kid: undefined, alg: 'ECDH-ES' },
        { zip: 'DEF' },
        { alg: 'dir' },
        { enc: 'none' },
        { cty: 'x' },
      ].map(seal),
      ...[{ crit: [] }, { kid: 1 }].map(seal),
      agree((epk) => ({ ...epk, y: encode(randomBytes(32)) })),
      agree((epk, d) => ({ ...epk, d })),
      ...[
        '{}',
        seal(),
        `${encode({ alg: 'none' })}.${encode(accessClaims())}.`,
        await signing.sign(accessClaims({ exp: 1 })),
      ].map((plaintext) => sealRsa(rsaPublic, { header: HEADER, plaintext })),
      jwt,
      'x',
      `${seal()}.`,
    ]
    const responses = await Promise.all(tokens.map((token) => responseTo(token)))
    const plain = await responseTo('x', verifier)
    expect(plain?.status).toBe(401)
    expect(responses).toEqual(tokens.map(() => plain))
  })

  it('and 503 if the key source is unavailable', async () => {
    const unavailable: KeySource = { resolve: () => Promise.reject(new AuthError('keys_unavailable')) }
    expect(await answerTo(seal(), nestedWith(unavailable))).toEqual(refused('keys_unavailable'))
  })

  it('and a bug of a key source remains a bug', async () => {
    const broken: KeySource = { resolve: () => Promise.reject(new RangeError('a bug')) }
    await expect(nestedWith(broken).verify(seal())).rejects.toThrow(RangeError)
    await expect(nestedWith(broken).explain(seal())).resolves.toMatchObject({
      accepted: false,
      steps: [{ hint: '"a bug"' }, {}, {}, {}, {}, {}, {}],
    })
  })

  it.each<[string, () => unknown]>([
    ['a public key', () => rsa.publicKey],
    ['nothing', () => undefined],
    ['a secret', () => new Uint8Array(32)],
    ['a JWK', () => rsa.privateJwk],
  ])('if a key source returns %s', async (_, give) => {
    const source: KeySource = { resolve: async () => give() as CryptoKey }
    expect(said(await refusalOf(seal(), nestedWith(source)))).toEqual(FAILED)
  })

  it('if a key source of signing keys refuses with its own error', async () => {
    const source: KeySource = { resolve: () => Promise.reject(new AuthError('key_not_found', { hint: 'secret' })) }
    expect(said(await refusalOf(seal(), nestedWith(source)))).toEqual(FAILED)
  })
})

const CHARACTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_..'.split('')

describe('39. Random texts', () => {
  it('are refused with 401', async () => {
    const random = createRandom(39)
    const good = seal()
    for (let count = 0; count < 1000; count += 1) {
      const at = random.integer(good.length)
      const token = good.slice(0, at) + random.pick(CHARACTERS) + good.slice(at + random.integer(3))
      const refusal = token === good ? undefined : await refusalOf(token)
      expect(refusal?.status ?? 401, token).toBe(401)
    }
  })
})
