import { exportPKCS8, exportSPKI, generateKeyPair } from 'jose'
import { describe, expect, it } from 'vitest'

import { publicKey } from '../../../packages/core/src/keys/public-key.ts'

const ec = await generateKeyPair('ES256', { extractable: true })
const spki = await exportSPKI(ec.publicKey)
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBdTCCARugAwIBAgIUFTdhlGzbDTlLVGEOQq7KFfTLNtkwCgYIKoZIzj0EAwIw
-----END CERTIFICATE-----`

const complaint = (text: unknown): string => {
  try {
    publicKey(text as string)
    return 'taken'
  } catch (error) {
    return String(error)
  }
}

describe('a single public key', () => {
  it.each<[string, string]>([
    ['PEM', spki],
    ['PEM with white space around it', `\n\n  ${spki}\n`],
    ['PEM with escaped line breaks', spki.replaceAll('\n', String.raw`\n`)],
    ['PEM after other text', `the key of the issuer\n${spki}`],
    ['base64 of PEM', btoa(spki)],
    ['base64 of PEM over several lines', btoa(spki).replaceAll(/(.{40})/g, '$1\r\n')],
    ['base64url of PEM', btoa(spki).replaceAll('+', '-').replaceAll('/', '_')],
  ])('is accepted as %s', async (_, text) => {
    const key = await publicKey(text).resolve({ alg: 'ES256' })
    expect(key.algorithm).toEqual({ name: 'ECDSA', namedCurve: 'P-256' })
    expect(key.extractable).toBe(false)
  })

  it('is imported once, whatever the kid', async () => {
    const source = publicKey(spki)
    const first = await source.resolve({ alg: 'ES256' })
    expect(await source.resolve({ alg: 'ES256', kid: 'any' })).toBe(first)
    expect(source.describe?.()).toBe('one public key')
  })

  it('is rejected at start-up if it is invalid, with a hint', async () => {
    const texts: unknown[] = [
      undefined,
      7,
      '',
      ' \n',
      'nonsense!',
      btoa('nonsense'),
      '-----BEGIN NOTHING-----',
      await exportPKCS8(ec.privateKey),
      '-----BEGIN RSA PRIVATE KEY-----',
      btoa('-----BEGIN EC PRIVATE KEY-----'),
      spki.replace('MFkw', 'AAAA'),
    ]
    const rule = 'TypeError: Cannot use public key: "publicKey" must be a public key or certificate in PEM, '
    expect(texts.map((text) => complaint(text).replace(rule, '').replace('TypeError: Cannot use public key: ', '')))
      .toMatchInlineSnapshot(`
        [
          "the base64 of that text, or a JWK, found undefined",
          "the base64 of that text, or a JWK, found a number",
          "the base64 of that text, or a JWK, found an empty text",
          "the base64 of that text, or a JWK, found an empty text",
          "the base64 of that text, or a JWK, found 9 characters of something else",
          "the base64 of that text, or a JWK, found 12 characters of something else",
          "the base64 of that text, or a JWK, found only the first line of a PEM: put quotes around all its lines, write the line breaks as \\n, or give its base64",
          ""publicKey" holds a private key: give the public key, and replace the private one if others could read it",
          ""publicKey" holds a private key: give the public key, and replace the private one if others could read it",
          ""publicKey" holds a private key: give the public key, and replace the private one if others could read it",
          "the base64 of that text, or a JWK, found a PEM that is damaged or cut off",
        ]
      `)
  })

  it('fits only algorithms of its type', async () => {
    const source = publicKey(spki)
    await expect(source.resolve({ alg: 'none' })).rejects.toMatchObject({
      code: 'algorithm_not_allowed',
      actual: '"none"',
    })
    for (const alg of ['RS256', 'ES384', 'EdDSA'])
      await expect(source.resolve({ alg })).rejects.toMatchObject({
        code: 'algorithm_key_mismatch',
        expected: '"an algorithm of the configured public key"',
        actual: `"${alg}"`,
        hint: 'The configured public key is an EC key on P-256',
      })
  })

  it('must fit one of the algorithms', async () => {
    await expect(publicKey(spki).ready?.()).resolves.toBeUndefined()
    await expect(publicKey(spki, ['RS256', 'ES256']).ready?.()).resolves.toBeUndefined()
    expect(() => publicKey(spki, ['RS256', 'ES384'])).toThrow(
      new TypeError(
        'Cannot use public key: the key in "publicKey" is an EC key on P-256: name an algorithm of it in "algorithms", or give another key, found ["RS256","ES384"]',
      ),
    )
  })

  it('must not be truncated', () => {
    expect(() => publicKey(CERTIFICATE)).toThrow(/found a PEM that is damaged or cut off$/)
  })

  it('must not be weak', async () => {
    const { publicKey: weak } = await crypto.subtle.generateKey(
      { name: 'RSASSA-PKCS1-v1_5', modulusLength: 1024, publicExponent: Uint8Array.of(1, 0, 1), hash: 'SHA-256' },
      true,
      ['sign', 'verify'],
    )
    const pem = await exportSPKI(weak)
    expect(() => publicKey(pem)).toThrow(
      new TypeError('Cannot use public key: the key in "publicKey" is an RSA key, and not fit for use: weak'),
    )
  })
})
