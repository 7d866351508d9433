import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { exportPKCS8, generateKeyPair } from 'jose'
import { describe, expect, it } from 'vitest'

import { createIssuer, localSigner, SIGNING_ALGORITHMS } from '../../../packages/issuer/src/index.ts'
import { encryptedPemSigner } from '../../../packages/issuer/src/node/encrypted-pem-signer.ts'

const PASSPHRASE = 'correct horse battery staple'
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const encryption = { format: 'pem', cipher: 'aes-256-cbc', passphrase: PASSPHRASE } as const
const pem = ec.privateKey.export({ type: 'pkcs8', ...encryption }).toString()

const failureOf = async (text: unknown, options: object): Promise<unknown> =>
  encryptedPemSigner(text as string, options as never).then(
    () => 'no failure',
    (error: unknown) => error,
  )

describe('an encrypted private key in PEM', () => {
  it.each(SIGNING_ALGORITHMS)(
    'signs with %s under the same key ID as the key pair it was exported from',
    async (algorithm) => {
      const pair = await generateKeyPair(algorithm, { extractable: true })
      const text = createPrivateKey(await exportPKCS8(pair.privateKey)).export({ type: 'pkcs8', ...encryption })
      const signer = await encryptedPemSigner(text.toString(), { algorithm, passphrase: PASSPHRASE })
      expect(signer.kid).toBe((await localSigner(pair, { algorithm })).kid)
      await expect(createIssuer({ issuer: 'https://issuer.example', signer })).resolves.toBeDefined()
    },
  )

  it.each<[string, string, 'RS256' | 'ES256']>([
    ['PKCS #1 with AES', rsa.privateKey.export({ type: 'pkcs1', ...encryption }).toString(), 'RS256'],
    [
      'SEC 1 with Triple DES',
      ec.privateKey.export({ type: 'sec1', ...encryption, cipher: 'des-ede3-cbc' }).toString(),
      'ES256',
    ],
  ])('may have the older form: %s', async (_, text, algorithm) => {
    const signer = await encryptedPemSigner(text, { algorithm, passphrase: PASSPHRASE, kid: 'key-1' })
    expect(signer).toMatchObject({ alg: algorithm, kid: 'key-1' })
  })

  it.each<[string, string]>([
    ['escaped line breaks', pem.replaceAll('\n', String.raw`\n`)],
    ['a base64 encoding', btoa(pem)],
  ])('may have %s, as in an environment variable', async (_, text) => {
    const signer = await encryptedPemSigner(text, { algorithm: 'ES256', passphrase: PASSPHRASE, kid: 'key-1' })
    expect(signer.kid).toBe('key-1')
  })

  it('is rejected with another passphrase', async () => {
    expect(await failureOf(pem, { algorithm: 'ES256', passphrase: 'another' })).toEqual(
      new TypeError('Cannot use key: "passphrase" must be what the key was encrypted with, found another one'),
    )
  })

  it('is rejected if its text is damaged', async () => {
    const text = pem.replace(/\n[A-Za-z0-9]{9}/, '\nAAAAAAAAA')
    expect(await failureOf(text, { algorithm: 'ES256', passphrase: PASSPHRASE })).toEqual(
      new TypeError(
        'Cannot use key: "passphrase" must open the key: it is another one, the text is damaged, or OpenSSL lacks the encryption',
      ),
    )
  })

  it('is rejected if it is not encrypted', async () => {
    const text = ec.privateKey.export({ type: 'pkcs8', format: 'pem' })
    expect(await failureOf(text, { algorithm: 'ES256', passphrase: PASSPHRASE })).toEqual(
      new TypeError(
        'Cannot use key: its text must be an encrypted private key in PEM, found one that is not encrypted: encrypt it, or use pemSigner',
      ),
    )
  })

  it.each<[unknown, object, string]>([
    [pem, {}, '"algorithm" must be one of RS256'],
    [pem, { algorithm: 'ES256' }, '"passphrase" must be a non-empty string, found undefined'],
    [pem, { algorithm: 'ES256', passphrase: '' }, '"passphrase" must be a non-empty string, found an empty string'],
    [pem, { algorithm: 'ES256', passPhrase: 'x' }, 'there is no option "passPhrase"; did you mean "passphrase"?'],
    [pem, { algorithm: 'RS256', passphrase: PASSPHRASE }, 'it must be a private key for RS256, found another one'],
    [7, { algorithm: 'ES256', passphrase: 'x' }, 'its text must be an encrypted private key in PEM, found 7'],
    ['x', { algorithm: 'ES256', passphrase: 'x' }, 'its text must be an encrypted private key in PEM, found something'],
  ])('is rejected: case %#', async (text, options, rule) => {
    const failure = await failureOf(text, options)
    expect(failure).toBeInstanceOf(TypeError)
    expect((failure as TypeError).message).toContain(`Cannot use key: ${rule}`)
  })
})
