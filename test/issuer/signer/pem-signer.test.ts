import { generateKeyPairSync } from 'node:crypto'
import { exportPKCS8, exportSPKI, generateKeyPair } from 'jose'
import { describe, expect, it } from 'vitest'

import {
  createIssuer,
  localSigner,
  pemSigner,
  publicKeyPem,
  SIGNING_ALGORITHMS,
} from '../../../packages/issuer/src/index.ts'

const ec = await generateKeyPair('ES256', { extractable: true })
const pem = await exportPKCS8(ec.privateKey)
// Base64 that stays base64 if other base64 follows it.
const unpadded = btoa(pem.padEnd(Math.ceil(pem.length / 3) * 3))
const spki = await exportSPKI(ec.publicKey)
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })

const failureOf = async (text: unknown, options: object = { algorithm: 'ES256' }): Promise<unknown> =>
  pemSigner(text as string, options as never).then(
    () => 'no failure',
    (error: unknown) => error,
  )

describe('a private key in PEM', () => {
  it.each(SIGNING_ALGORITHMS)(
    'signs with %s under the same key ID as the key pair it was exported from',
    async (algorithm) => {
      const pair = await generateKeyPair(algorithm, { extractable: true })
      const signer = await pemSigner(await exportPKCS8(pair.privateKey), { algorithm })
      const { alg, kid, publicJwk } = await localSigner(pair, { algorithm })
      expect({ ...signer, sign: undefined }).toEqual({ alg, kid, publicJwk, sign: undefined })
      await expect(createIssuer({ issuer: 'https://issuer.example', signer })).resolves.toBeDefined()
    },
  )

  it.each<[string, string | Uint8Array]>([
    ['white space around it', `\n\n  ${pem}\n \n`],
    ['text before it', `Bag Attributes\n    localKeyID: 01\n${pem}`],
    ['its public key beside it', `${spki}\n${pem}`],
    ['escaped line breaks', pem.replaceAll('\n', String.raw`\n`)],
    ['a base64 encoding', btoa(pem)],
    ['quotes around it', `"${pem.trim().replaceAll('\n', String.raw`\n`)}"`],
    ['doubly escaped line breaks', pem.replaceAll('\n', String.raw`\\n`)],
    ['the bytes of a file', Buffer.from(pem)],
    ['the bytes of its base64', Buffer.from(btoa(pem))],
    ['a base64 encoding of several lines', btoa(pem).replaceAll(/(.{40})/g, '$1\n')],
    ['line breaks of another system', pem.replaceAll('\n', '\r\n')],
    ['escaped line breaks of another system', pem.replaceAll('\n', String.raw`\r\n`)],
    ['doubly escaped line breaks of another system', pem.replaceAll('\n', String.raw`\\r`)],
    ['double quotes around its base64', `"${btoa(pem)}"`],
    ['single quotes around its base64', `'${btoa(pem)}'`],
    ['backticks around its base64', `\`${btoa(pem)}\``],
    ['white space around the quotes of its base64', ` "${btoa(pem)}"\n`],
  ])('may have %s', async (_, text) => {
    const { kid } = await localSigner(ec)
    expect((await pemSigner(text, { algorithm: 'ES256' })).kid).toBe(kid)
  })

  it('returns its public key: RFC 8410 section 10', async () => {
    const block = 'MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC'
    const text = `-----BEGIN PRIVATE KEY-----\n${block}\n-----END PRIVATE KEY-----\n`
    const signer = await pemSigner(text, { algorithm: 'EdDSA', kid: 'key-1' })
    expect(signer.kid).toBe('key-1')
    expect(await publicKeyPem(signer)).toBe(
      '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n',
    )
  })

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'found undefined'],
    ['a buffer', new ArrayBuffer(8), 'found an ArrayBuffer'],
    ['an empty text', ' ', 'found an empty text'],
    ['a URL', 'https://issuer.example/key.pem', 'found a URL'],
    ['a file path', './key.pem', 'found the path of a file: give what the file holds'],
    ['a JWK as text', '{"kty":"EC"}', 'found JSON: for a JWK there is localSigner'],
    [
      'its first line',
      '-----BEGIN PRIVATE KEY-----',
      'found only its first line: put quotes around all of its lines, or give its base64',
    ],
    [
      'its first line with an escaped line break',
      String.raw`-----BEGIN PRIVATE KEY-----\n`,
      'found only its first line: put quotes around all of its lines, or give its base64',
    ],
    ['base64 with a quoted end', `AAAA"${unpadded}"`, 'found something else'],
    ['base64 with a quoted start', `"${unpadded}"AAAA`, 'found something else'],
    ['base64 with a foreign character', `-${btoa(pem)}`, 'found something else'],
    ['base64 with text after it', `${btoa(pem)}-`, 'found something else'],
    ['truncated', pem.slice(0, 120), 'found one that is cut off: it has no "-----END"'],
    [
      'of OpenSSH',
      '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----',
      'found one of OpenSSH: convert it with "ssh-keygen -p -m PKCS8 -f"',
    ],
    [
      'DER in base64',
      pem.replaceAll(/-----.*-----|\n/g, ''),
      'found DER in base64: put it between "-----BEGIN PRIVATE KEY-----" and "-----END PRIVATE KEY-----"',
    ],
    ['not PEM', 'c2VjcmV0', 'found something else'],
    ['base64 of something else', btoa('c2VjcmV0'), 'found something else'],
    ['truncated base64', 'c2VjcmV0c', 'found something else'],
    ['PEM of something unknown', pem.replaceAll('PRIVATE KEY', 'SECRET'), 'found something else'],
    ['PEM without an end', pem.slice(0, -10), 'found a damaged one'],
    [
      'encrypted',
      pem.replaceAll('PRIVATE KEY', 'ENCRYPTED PRIVATE KEY'),
      'found an encrypted one: use encryptedPemSigner of @claimgate/issuer/node',
    ],
    [
      'encrypted in the older form',
      '-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n',
      'found an encrypted one: use encryptedPemSigner of @claimgate/issuer/node',
    ],
    [
      'PKCS #1',
      rsa.privateKey.export({ type: 'pkcs1', format: 'pem' }),
      'found PKCS #1: convert it with "openssl pkcs8 -topk8 -nocrypt"',
    ],
    [
      'SEC 1',
      pem.replaceAll('PRIVATE KEY', 'EC PRIVATE KEY'),
      'found SEC 1: convert it with "openssl pkcs8 -topk8 -nocrypt"',
    ],
    ['a public key', spki, 'found a public key'],
    ['a certificate', pem.replaceAll('PRIVATE KEY', 'CERTIFICATE'), 'found a certificate'],
  ])('is rejected if it is %s', async (_, text, found) => {
    expect(await failureOf(text)).toEqual(
      new TypeError(`Cannot use key: its text must be a private key in PEM (PKCS #8), ${found}`),
    )
  })

  it.each<[string, string, string]>([
    ['for another type of key', pem, 'RS256'],
    ['for another curve', pem, 'ES384'],
    ['damaged', pem.replace(/\n[A-Za-z0-9]{9}/, '\nAAAAAAAAA'), 'ES256'],
  ])('is rejected if it is %s', async (_, text, algorithm) => {
    expect(await failureOf(text, { algorithm })).toEqual(
      new TypeError(`Cannot use key: it must be a private key for ${algorithm}, found another one, or a damaged text`),
    )
  })

  it.each<[object, string]>([
    [{}, '"algorithm" must be one of RS256'],
    [{ algorithm: 'HS256' }, '"algorithm" must be one of RS256'],
    [{ alg: 'ES256' }, 'there is no option "alg"; did you mean "algorithm"?'],
    [{ algorithm: 'ES256', passphrase: 'x' }, 'there is no option "passphrase"; the options are algorithm, kid'],
    [{ algorithm: 'ES256', kid: '' }, '"kid" must have 1 to 256 characters, found ""'],
  ])('is rejected with the options %j', async (options, rule) => {
    const failure = await failureOf(pem, options)
    expect(failure).toBeInstanceOf(TypeError)
    expect((failure as TypeError).message).toContain(`Cannot use key: ${rule}`)
  })

  it('is rejected if it is an RSA key that is too short', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
    const text = privateKey.export({ type: 'pkcs8', format: 'pem' })
    expect(await failureOf(text, { algorithm: 'RS256' })).toEqual(
      new TypeError('Cannot use key: an RSA key must have at least 2048 bits, found 1024'),
    )
  })
})
