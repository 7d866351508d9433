import { decryptJwe } from '@claimgate/core/jwe'
import { compactDecrypt } from 'jose'
import { describe, expect, it } from 'vitest'

import { DECRYPTED_EXAMPLES, FRODO_TEXT, REFUSED_EXAMPLES } from '../../support/vectors/rfc-encrypted-examples.ts'

const keys = DECRYPTED_EXAMPLES.map(({ key }) => key)

describe('encrypted examples of the RFCs', () => {
  it.each(DECRYPTED_EXAMPLES)('$name, decrypts', async ({ key, token }) => {
    const { header, plaintext } = await decryptJwe(token, { keys })
    expect(header.kid).toBe(key.kid)
    expect(new TextDecoder().decode(plaintext)).toBe(FRODO_TEXT)
  })

  it.each(DECRYPTED_EXAMPLES)('$name, does not decrypt with one changed bit in any part', async ({ token }) => {
    const parts = token.split('.').map((part) => Buffer.from(part, 'base64url'))
    for (const index of [1, 2, 3, 4].filter((place) => (parts[place]?.length ?? 0) > 0)) {
      const bytes = Buffer.from(parts[index] ?? '')
      bytes.writeUInt8(bytes.readUInt8(0) ^ 1, 0)
      const changed = parts.with(index, bytes).map((part) => part.toString('base64url'))
      const refusal = { code: 'token_decryption_failed', status: 401 }
      await expect(decryptJwe(changed.join('.'), { keys })).rejects.toMatchObject(refusal)
    }
  })

  it.each(REFUSED_EXAMPLES)('$name, $alg, is refused', async ({ alg, token }) => {
    await expect(decryptJwe(token, { keys })).rejects.toMatchObject({
      name: 'AuthError',
      code: 'algorithm_not_allowed',
      status: 401,
      actual: JSON.stringify(alg),
    })
  })

  it.each([
    ['RFC 7516 A.3', 'GawgguFyGrWKav7AX4VKUg'],
    ['RFC 7520 5.6', 'XctOhJAkA-pD9Lh7ZgW_2A'],
    ['RFC 7520 5.7', 'qC57l_uxcm7Nm3K-ct4GFjx8tM1U8CZ0NLBvdQstiS8'],
    ['RFC 7520 5.8', 'GZy6sIZ6wl9NJOKB-jnmVQ'],
    ['RFC 7520 5.9, compressed', 'GZy6sIZ6wl9NJOKB-jnmVQ'],
  ])('%s is refused even though its secret decrypts the token', async (name, secret) => {
    const { token = '' } = REFUSED_EXAMPLES.find((example) => example.name === name) ?? {}
    const bytes = Buffer.from(secret, 'base64url')
    const decrypted = await compactDecrypt(token, bytes)
    expect(decrypted.plaintext.length).toBeGreaterThan(0)
    const giving = { resolve: () => crypto.subtle.importKey('raw', bytes, 'AES-KW', false, ['unwrapKey']) }
    await expect(decryptJwe(token, { keys: giving })).rejects.toMatchObject({ code: 'algorithm_not_allowed' })
  })
})
