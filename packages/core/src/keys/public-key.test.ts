import { exportJWK, exportPKCS8, exportSPKI, generateKeyPair } from 'jose'
import { describe, expect, it } from 'vitest'

import { publicKey } from './public-key.ts'

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

describe('one public key', () => {
  it.each<[string, string]>([
    ['PEM', spki],
    ['PEM with white space around', `\n\n  ${spki}\n`],
    ['PEM with its line breaks written out', spki.replaceAll('\n', String.raw`\n`)],
    ['PEM after a remark', `the key of the issuer\n${spki}`],
    ['base64 of PEM', btoa(spki)],
    ['base64 of PEM over several lines', btoa(spki).replaceAll(/(.{40})/g, '$1\r\n')],
    ['base64url of PEM', btoa(spki).replaceAll('+', '-').replaceAll('/', '_')],
  ])('is taken as %s', async (_, text) => {
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

  it('is refused at start-up where it is none, and the refusal says what to do', async () => {
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
      '-----BEGIN RSA PUBLIC KEY-----',
    ]
    expect(texts.map((text) => complaint(text).replace('TypeError: Cannot use public key: ', '')))
      .toMatchInlineSnapshot(`
      [
        ""publicKey" must be a PEM text or the base64 of one, found "undefined"",
        ""publicKey" must be a PEM text or the base64 of one, found "number"",
        ""publicKey" must be a PEM text or the base64 of one, found "string"",
        ""publicKey" must be a PEM text or the base64 of one, found "string"",
        ""publicKey" must start with "-----BEGIN PUBLIC KEY-----" or "-----BEGIN CERTIFICATE-----", or be the base64 of such a text, found "neither"",
        ""publicKey" must start with "-----BEGIN PUBLIC KEY-----" or "-----BEGIN CERTIFICATE-----", or be the base64 of such a text, found "neither"",
        ""publicKey" must start with "-----BEGIN PUBLIC KEY-----" or "-----BEGIN CERTIFICATE-----", or be the base64 of such a text, found "NOTHING"",
        ""publicKey" holds a private key: give the public key, and replace the private one if others could read it",
        ""publicKey" holds a private key: give the public key, and replace the private one if others could read it",
        ""publicKey" holds a private key: give the public key, and replace the private one if others could read it",
        ""publicKey" is in PKCS #1 form: convert it with "openssl rsa -RSAPublicKey_in -pubout"",
      ]
    `)
    expect([complaint(CERTIFICATE), complaint(btoa(CERTIFICATE))]).toEqual(['taken', 'taken'])
  })

  it('fits algorithms of its own type alone', async () => {
    const source = publicKey(spki)
    await expect(source.resolve({ alg: 'none' })).rejects.toMatchObject({
      code: 'algorithm_not_allowed',
      actual: '"none"',
    })
    for (const alg of ['RS256', 'ES384', 'EdDSA'])
      await expect(source.resolve({ alg })).rejects.toMatchObject({
        code: 'algorithm_key_mismatch',
        expected: '"the algorithm of the configured public key"',
        actual: `"${alg}"`,
        hint: 'If no token verifies, the text of "publicKey" may be damaged',
        cause: expect.any(Error) as Error,
      })
  })

  it('is ready when it fits one of the algorithms', async () => {
    await expect(publicKey(spki).ready?.()).resolves.toBeUndefined()
    await expect(publicKey(spki, ['RS256', 'ES256']).ready?.()).resolves.toBeUndefined()
    await expect(publicKey(spki, ['RS256', 'ES384']).ready?.()).rejects.toThrow(
      new TypeError(
        'Cannot use public key: the key in "publicKey" must fit one of "algorithms", found ["RS256","ES384"]',
      ),
    )
  })

  it('is not ready when its text is damaged', async () => {
    const source = publicKey(CERTIFICATE)
    await expect(source.ready?.()).rejects.toThrow(/^Cannot use public key: the key in "publicKey" must fit one of/)
    await expect(source.resolve({ alg: 'ES256' })).rejects.toMatchObject({ code: 'algorithm_key_mismatch' })
  })

  it('is not ready when it is weak', async () => {
    const { publicKey: weak } = await crypto.subtle.generateKey(
      { name: 'RSASSA-PKCS1-v1_5', modulusLength: 1024, publicExponent: Uint8Array.of(1, 0, 1), hash: 'SHA-256' },
      true,
      ['sign', 'verify'],
    )
    expect((await exportJWK(weak)).kty).toBe('RSA')
    const source = publicKey(await exportSPKI(weak))
    const unfit = new TypeError('Cannot use public key: the key in "publicKey" is not fit for use: weak')
    await expect(source.ready?.()).rejects.toThrow(unfit)
    await expect(source.resolve({ alg: 'RS256' })).rejects.toThrow(unfit)
  })
})
