import { createVerifier } from '@claimgate/core'
import { createNestedVerifier, decryptionKeys } from '@claimgate/core/jwe'
import { type ContentEncryption, createIssuer, encryptToken, type KeyManagementAlgorithm } from '@claimgate/issuer'
import {
  compactDecrypt,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  type GenerateKeyPairOptions,
  type JWK,
} from 'jose'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'

const ISSUER = 'https://issuer.example'
const AUDIENCE = 'orders'
const SIGNED = 'eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl'
const issuer = await createIssuer({ issuer: ISSUER, audience: AUDIENCE })
const verifier = createVerifier({ issuer: ISSUER, audience: AUDIENCE, jwks: issuer.jwks() })

const recipientOn = async (alg: string, options: GenerateKeyPairOptions = {}) => {
  const { publicKey, privateKey } = await generateKeyPair(alg, { ...options, extractable: true })
  const kid = 'recipient-1'
  const publicJwk: JWK = { ...(await exportJWK(publicKey)), kid, use: 'enc' }
  return { publicJwk, privateJwk: { ...(await exportJWK(privateKey)), kid }, privateKey }
}
const recipients = {
  'P-256': await recipientOn('ECDH-ES', { crv: 'P-256' }),
  'P-384': await recipientOn('ECDH-ES', { crv: 'P-384' }),
  'P-521': await recipientOn('ECDH-ES', { crv: 'P-521' }),
  X25519: await recipientOn('ECDH-ES', { crv: 'X25519' }),
  RSA: await recipientOn('RSA-OAEP-256'),
} as const
type Kind = keyof typeof recipients

const AGREEMENTS = ['ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A192KW', 'ECDH-ES+A256KW'] as const
const ENCRYPTIONS = ['A128GCM', 'A192GCM', 'A256GCM', 'A128CBC-HS256', 'A192CBC-HS384', 'A256CBC-HS512'] as const
const CURVES = ['P-256', 'P-384', 'P-521', 'X25519'] as const
const ways: readonly (readonly [Kind, KeyManagementAlgorithm, ContentEncryption])[] = ENCRYPTIONS.flatMap((enc) => [
  ...CURVES.flatMap((kind) => AGREEMENTS.map((alg) => [kind, alg, enc] as const)),
  ['RSA', 'RSA-OAEP-256', enc] as const,
])

const encrypted = await issuer.issueEncrypted({}, { recipient: recipients.RSA.publicJwk })

const failureOf = async (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(
    () => 'no failure',
    (error: unknown) => error,
  )

describe('an encrypted token', () => {
  it.each(ways)('to a key on %s with %s and %s is decrypted by jose and verified by core', async (kind, alg, enc) => {
    const { publicJwk, privateJwk, privateKey } = recipients[kind]
    const token = await issuer.issueEncrypted(
      { sub: 'ada' },
      { recipient: publicJwk, keyManagement: alg, contentEncryption: enc },
    )
    const { plaintext, protectedHeader } = await compactDecrypt(token, privateKey)
    expect(protectedHeader).toMatchObject({ alg, enc, cty: 'JWT', kid: 'recipient-1' })
    expect((await verifier.verify(new TextDecoder().decode(plaintext))).claims).toMatchObject({ sub: 'ada' })

    const nested = createNestedVerifier({ verifier, decryption: { keys: decryptionKeys(privateJwk) } })
    expect((await nested.verify(token)).claims).toMatchObject({ sub: 'ada', aud: AUDIENCE })
  })

  it('to a key with null members is encrypted like one without them', async () => {
    const { publicJwk, privateKey } = recipients.RSA
    const recipient = { ...publicJwk, kid: null, use: null, alg: null } as unknown as JWK
    const { protectedHeader } = await compactDecrypt(await issuer.issueEncrypted({}, { recipient }), privateKey)
    expect(protectedHeader).toEqual({ alg: 'RSA-OAEP-256', enc: 'A256GCM', cty: 'JWT' })
  })

  it.each<[Kind, string]>([
    ['P-256', 'ECDH-ES+A256KW'],
    ['X25519', 'ECDH-ES+A256KW'],
    ['RSA', 'RSA-OAEP-256'],
  ])('to a key on %s uses %s and A256GCM by default', async (kind, alg) => {
    const { kid: _, ...recipient } = recipients[kind].publicJwk
    const token = await issuer.issueEncrypted({}, { recipient })
    const { epk: __, ...header } = decodeProtectedHeader(token)
    expect(header).toEqual({ alg, enc: 'A256GCM', cty: 'JWT' })
  })

  it('uses the alg of the recipient, and the options of the token', async () => {
    const { publicJwk, privateKey } = recipients['P-256']
    const recipient = { ...publicJwk, alg: 'ECDH-ES' }
    const token = await issuer.issueEncrypted({}, { recipient, audience: 'billing', subject: 'ada', typ: 'JWT' })
    expect(decodeProtectedHeader(token).alg).toBe('ECDH-ES')
    const jwt = new TextDecoder().decode((await compactDecrypt(token, privateKey)).plaintext)
    expect(decodeProtectedHeader(jwt).typ).toBe('JWT')
    const { claims } = await createVerifier({ issuer: ISSUER, audience: 'billing', jwks: issuer.jwks() }).verify(jwt)
    expect(claims['sub']).toBe('ada')
  })

  it('can contain a token signed by another issuer', async () => {
    const token = await issuer.issue({ sub: 'ada' })
    const { publicJwk, privateKey } = recipients.RSA
    const { plaintext } = await compactDecrypt(await encryptToken(token, { recipient: publicJwk }), privateKey)
    expect(new TextDecoder().decode(plaintext)).toBe(token)
  })
})

describe('encrypting a token', () => {
  const { publicJwk } = recipients['P-256']

  it.each<[string, object, string | RegExp]>([
    ['no recipient', {}, '"recipient" must be a public JWK, found undefined'],
    ['a text as recipient', { recipient: 'secret' }, '"recipient" must be a public JWK, found a string of length 6'],
    [
      'a shared secret',
      { recipient: { kty: 'oct', k: 'c2VjcmV0' } },
      '"recipient" must be an RSA key, or one on P-256, P-384, P-521 or X25519, found an object',
    ],
    ['an empty recipient', { recipient: {} }, '"recipient" must be an RSA key, or one on P-256, P-384'],
    [
      'a curve for signatures',
      { recipient: { kty: 'OKP', crv: 'Ed25519', x: 'AA' } },
      '"recipient" must be an RSA key, or one on P-256, P-384',
    ],
    [
      'another curve',
      { recipient: { kty: 'EC', crv: 'secp256k1' } },
      '"recipient" must be an RSA key, or one on P-256, P-384, P-521',
    ],
    ['a key to verify', { recipient: { ...publicJwk, use: 'sig' } }, '"recipient.use" must be "enc", found "sig"'],
    [
      'an empty key ID',
      { recipient: { ...publicJwk, kid: '' } },
      '"recipient.kid" must have 1 to 256 characters, found ""',
    ],
    [
      'a damaged key',
      { recipient: { ...publicJwk, x: 'AA' } },
      '"recipient" must be a public key for ECDH-ES+A256KW, found an object',
    ],
    [
      'the alg of another key',
      { recipient: { ...publicJwk, alg: 'RSA1_5' } },
      '"keyManagement" must be one of ECDH-ES, ECDH-ES+A128KW, ECDH-ES+A192KW, ECDH-ES+A256KW for this key, found "RSA1_5"',
    ],
    [
      'a shared secret as key management',
      { recipient: publicJwk, keyManagement: 'dir' },
      /^"keyManagement" must be one of ECDH-ES, .*, found "dir"$/,
    ],
    [
      'an older key management',
      { recipient: recipients.RSA.publicJwk, keyManagement: 'RSA-OAEP' },
      '"keyManagement" must be one of RSA-OAEP-256 for this key, found "RSA-OAEP"',
    ],
    [
      'an unknown encryption',
      { recipient: publicJwk, contentEncryption: 'A64CBC-HS128' },
      /^"contentEncryption" must be one of A128GCM, .*, found "A64CBC-HS128"$/,
    ],
    ['an unknown option', { recipient: publicJwk, zip: 'DEF' }, /^there is no option "zip"/],
  ])('is rejected with %s, by both functions', async (_, options, rule) => {
    const jwt = await issuer.issue({})
    for (const attempt of [encryptToken(jwt, options as never), issuer.issueEncrypted({}, options as never)]) {
      const failure = await failureOf(attempt)
      expect(failure).toBeInstanceOf(TypeError)
      const { message } = failure as TypeError
      const said = message.replace('Cannot encrypt token: ', '')
      const asExpected = typeof rule === 'string' ? said.startsWith(rule) : rule.test(said)
      expect({ said, asExpected }).toEqual({ said, asExpected: true })
    }
  })

  it('is rejected for an RSA key that is too short', async () => {
    const { publicKey } = await crypto.subtle.generateKey(
      { name: 'RSA-OAEP', modulusLength: 1024, publicExponent: Uint8Array.of(1, 0, 1), hash: 'SHA-256' },
      true,
      ['encrypt', 'decrypt'],
    )
    const failure = await failureOf(issuer.issueEncrypted({}, { recipient: await exportJWK(publicKey) }))
    expect(failure).toEqual(new TypeError('Cannot encrypt token: "recipient" must have at least 2048 bits, found 1024'))
  })

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'undefined'],
    ['claims', '{"sub":"ada"}', 'a string of length 13'],
    ['an unsigned token', 'eyJhbGciOiJub25lIn0.e30.', 'a string of length 24'],
    ['an encrypted token', encrypted, `a string of length ${encrypted.length}`],
    ['a list of a token', [SIGNED], 'an array of 1'],
  ])('is rejected for %s, without quoting it', async (_, text, found) => {
    expect(await failureOf(encryptToken(text as string, { recipient: publicJwk }))).toEqual(
      new TypeError(`Cannot encrypt token: it must be a signed JWT in compact form, found ${found}`),
    )
  })

  it('never shows the private part of a key passed by mistake', async () => {
    const { privateJwk } = recipients['P-256']
    const failure = await failureOf(issuer.issueEncrypted({}, { recipient: { ...privateJwk, use: 'sig' } }))
    expect(inspect(failure, { depth: 9, showHidden: true })).not.toContain(privateJwk.d)
    const token = await issuer.issueEncrypted({}, { recipient: privateJwk })
    expect(JSON.stringify(decodeProtectedHeader(token))).not.toContain(privateJwk.d)
  })
})
