import { createHash, createHmac, createPublicKey, generateKeyPairSync } from 'node:crypto'

import { type Algorithm, createVerifier, type ErrorCode, type VerifierOptions } from '@claimgate/core'
import { createTestKeys, type TestKeys, weakKeys } from '@claimgate/testing'
import { CompactEncrypt, generateKeyPair, type JWK } from 'jose'
import { describe, expect, it } from 'vitest'

import {
  accessClaims,
  answerTo,
  AUDIENCE,
  encode,
  ISSUER,
  NO_TRAFFIC,
  optionsWith,
  publish,
  refused,
  verdictOn,
  VERIFIED,
} from '../../support/core/refusal.ts'

const issuerKey = await createTestKeys('RS256', { kid: 'key-1' })
const ecKey = await createTestKeys('ES256', { kid: 'key-1' })
const attacker = await createTestKeys('RS256', { kid: 'attacker' })
const recipient = await generateKeyPair('RSA-OAEP-256')
const admin = accessClaims({ sub: 'admin', scope: 'admin' })

const header = (members: object): string => encode({ typ: 'at+jwt', ...members })

describe('an unsigned token (CVE-2015-9235 and many since)', () => {
  it.each(['none', 'None', 'NONE', 'nOnE'])('with alg %s is refused', async (alg) => {
    await using keys = await publish([issuerKey.publicJwk])
    for (const members of [{ alg }, { alg, kid: 'key-1' }])
      for (const signature of ['', 'AA', encode('x')])
        expect(await answerTo(`${header(members)}.${encode(admin)}.${signature}`, keys.options)).toEqual(
          refused('algorithm_not_allowed'),
        )
    expect(keys.traffic()).toEqual(NO_TRAFFIC)
  })
})

describe('key confusion: the public key as HMAC secret (CVE-2016-5431, CVE-2016-10555)', () => {
  const der = createPublicKey(issuerKey.publicPem).export({ format: 'der', type: 'spki' })
  const pkcs1 = createPublicKey(issuerKey.publicPem).export({ format: 'pem', type: 'pkcs1' })
  const texts: Readonly<Record<string, string | Uint8Array>> = {
    PEM: issuerKey.publicPem,
    'PEM with a newline': `${issuerKey.publicPem}\n`,
    'PKCS #1 PEM': pkcs1,
    DER: der,
    'base64 of the DER': der.toString('base64'),
    'JWK text': JSON.stringify(issuerKey.publicJwk),
    'JWK Set text': JSON.stringify({ keys: [issuerKey.publicJwk] }),
    modulus: issuerKey.publicJwk.n ?? '',
  }

  it.each(Object.entries(texts))('by %s, with any source of keys', async (_, secret) => {
    await using keys = await publish([issuerKey.publicJwk])
    const places: readonly VerifierOptions[] = [
      keys.options,
      optionsWith({ jwks: { keys: [issuerKey.publicJwk] } }),
      optionsWith({ publicKey: issuerKey.publicPem }),
      optionsWith({ publicKey: Buffer.from(issuerKey.publicPem).toString('base64') }),
    ]
    for (const bits of ['256', '384', '512']) {
      const input = `${header({ alg: `HS${bits}`, kid: 'key-1' })}.${encode(admin)}`
      const token = `${input}.${createHmac(`sha${bits}`, secret).update(input).digest('base64url')}`
      for (const place of places) expect(await answerTo(token, place)).toEqual(refused('algorithm_not_allowed'))
    }
    expect(keys.traffic()).toEqual(NO_TRAFFIC)
  })
})

describe('a key in the token (CVE-2018-0114)', () => {
  it.each(['jku', 'x5u'])('by %s, in many spellings of the URL, is never fetched', async (name) => {
    await using keys = await publish([issuerKey.publicJwk])
    await using trap = await publish([{ ...attacker.publicJwk, kid: 'key-1' }])
    const { origin, port, url } = trap.server
    const addresses = [
      url,
      `${origin}/.well-known/jwks.json`,
      `http://localhost:${port}/jwks.json`,
      `http://[::ffff:127.0.0.1]:${port}/jwks.json`,
      `http://2130706433:${port}/jwks.json`,
      `https://issuer.example@127.0.0.1:${port}/jwks.json`,
      `//127.0.0.1:${port}/jwks.json`,
      [url],
      { url },
    ]
    for (const address of addresses) {
      const token = await attacker.sign(admin, { kid: 'key-1', [name]: address })
      expect(await answerTo(token, keys.options)).toEqual(refused('signature_invalid'))
      const named = await attacker.sign(admin, { [name]: address })
      expect(await answerTo(named, keys.options)).toEqual(refused('key_not_found'))
    }
    expect(trap.traffic()).toEqual(NO_TRAFFIC)
  })

  it.each<[string, object]>([
    ['jwk', { jwk: attacker.publicJwk }],
    ['jwk with the kid of the issuer', { jwk: { ...attacker.publicJwk, kid: 'key-1' } }],
    ['jwk in an array', { jwk: [attacker.publicJwk] }],
    ['x5c', { x5c: ['MIIC'] }],
    ['x5c as text', { x5c: 'MIIC' }],
  ])('by %s is never used', async (_, members) => {
    const options = optionsWith({ jwks: { keys: [issuerKey.publicJwk] } })
    for (const [kid, code] of [
      ['key-1', 'signature_invalid'],
      [undefined, 'signature_invalid'],
      ['attacker', 'key_not_found'],
    ] as const)
      expect(await answerTo(await attacker.sign(admin, { kid, ...members }), options)).toEqual(refused(code))
  })

  it.each(['JWK', 'Jku', 'keys', 'key', 'x5t_url', 'jwks_uri'])(
    'by %s, which is not a parameter, is ignored',
    async (name) => {
      await using trap = await publish([attacker.publicJwk])
      const token = await attacker.sign(admin, { kid: 'key-1', [name]: trap.server.url })
      const options = optionsWith({ jwks: { keys: [issuerKey.publicJwk] } })
      expect(await answerTo(token, options)).toEqual(refused('signature_invalid'))
      expect(trap.traffic()).toEqual(NO_TRAFFIC)
    },
  )
})

describe('psychic signatures (CVE-2022-21449)', () => {
  const orders: Readonly<Record<string, bigint>> = {
    ES256: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
    ES384: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
    ES512:
      0x1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
  }

  it.each([
    ['ES256', 32],
    ['ES384', 48],
    ['ES512', 66],
  ] as const)('of %s are refused, raw and in DER', async (alg, half) => {
    const key = await createTestKeys(alg, { kid: 'key-1' })
    const options = optionsWith({ jwks: { keys: [key.publicJwk] } })
    const number = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(half * 2, '0'), 'hex')
    const order = orders[alg] ?? 0n
    const values = [0n, 1n, order - 1n, order, order + 1n, 2n ** BigInt(half * 8) - 1n]
    const input = `${header({ alg, kid: 'key-1' })}.${encode(admin)}`
    for (const r of values)
      for (const s of values)
        expect(await answerTo(`${input}.${encode(Buffer.concat([number(r), number(s)]))}`, options)).toEqual(
          refused('signature_invalid'),
        )
    for (const der of ['3006020100020100', '3006020101020101', '30060201000201ff', '3000'])
      expect(await answerTo(`${input}.${encode(Buffer.from(der, 'hex'))}`, options)).toEqual(
        refused('signature_malformed'),
      )
  })
})

describe('malleable signatures', () => {
  it('of Ed25519, with S beyond the order of the group, are refused (RFC 8032 section 5.1.7)', async () => {
    const key = await createTestKeys('EdDSA', { kid: 'key-1' })
    const token = await key.sign(accessClaims())
    const input = token.slice(0, token.lastIndexOf('.'))
    const signature = Buffer.from(token.slice(input.length + 1), 'base64url')
    const s = BigInt(`0x${Buffer.from(signature.subarray(32).toReversed()).toString('hex')}`)
    const order = 2n ** 252n + 27742317777372353535851937790883648493n
    const twin = Buffer.from((s + order).toString(16).padStart(64, '0'), 'hex').toReversed()
    const options = optionsWith({ jwks: { keys: [key.publicJwk] } })
    expect(await answerTo(token, options)).toEqual(VERIFIED)
    expect(await answerTo(`${input}.${encode(Buffer.concat([signature.subarray(0, 32), twin]))}`, options)).toEqual(
      refused('signature_invalid'),
    )
  })
})

describe('keys for which anyone can compute a signature', () => {
  const forgedBy = async (jwk: object, token: string): Promise<readonly string[]> => {
    await using beside = await publish([{ ...jwk, kid: 'weak' }, ecKey.publicJwk])
    await using alone = await publish([{ ...jwk, kid: 'weak' }])
    const code = async (options: VerifierOptions) => (await answerTo(token, options)).code ?? 'verified'
    return [await code(beside.options), await code(alone.options)]
  }
  const NOT_USED = ['key_not_found', 'keys_unavailable']
  const input = (alg: string): string => `${header({ alg, kid: 'weak' })}.${encode(admin)}`

  it('RSA with e = 1: the padded message is its own signature', async () => {
    const text = input('RS256')
    const hash = createHash('sha256').update(text).digest()
    const prefix = Buffer.from('003031300d060960864801650304020105000420', 'hex')
    const padding = Buffer.concat([Buffer.of(0, 1), Buffer.alloc(256 - 2 - prefix.length - hash.length, 0xff)])
    const signature = Buffer.concat([padding, prefix, hash])
    const jwk = { ...issuerKey.publicJwk, e: 'AQ' }
    expect(await forgedBy(jwk, `${text}.${encode(signature)}`)).toEqual(NOT_USED)
  })

  it('Ed25519 with a point of small order: one signature for every message', async () => {
    const identity = Buffer.concat([Buffer.of(1), Buffer.alloc(31)])
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: encode(identity), alg: 'EdDSA' }
    const signature = encode(Buffer.concat([identity, Buffer.alloc(32)]))
    expect(await forgedBy(jwk, `${input('EdDSA')}.${signature}`)).toEqual(NOT_USED)
  })

  it.each(['RSA of 1024 bits', 'RSA of 2040 bits', 'RSA with the ROCA fingerprint'])(
    '%s, with a valid signature',
    async (name) => {
      const weak = weakKeys('weak').find((member) => member.name === name)
      const { kty, n, e, d, p, q, dp, dq, qi } = (weak?.privateJwk ?? {}) as JsonWebKey
      const hashed = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
      const jwk = { kty, n, e, d, p, q, dp, dq, qi } as JsonWebKey
      const privateKey = await crypto.subtle.importKey('jwk', jwk, hashed, false, ['sign'])
      const text = input('RS256')
      const signature = new Uint8Array(await crypto.subtle.sign(hashed, privateKey, new TextEncoder().encode(text)))
      expect(await forgedBy(weak?.jwk as object, `${text}.${encode(signature)}`)).toEqual(NOT_USED)
    },
  )

  it('EC with a point that is not on the curve', async () => {
    const { x = '', y = '' } = ecKey.publicJwk
    const zeros = encode(new Uint8Array(32))
    const points = [
      { x: zeros, y: zeros },
      { x, y: x },
      { x: y, y: x },
      { x, y: zeros },
    ]
    for (const point of points) {
      const token = `${input('ES256')}.${encode(new Uint8Array(64).fill(1))}`
      expect(await forgedBy({ ...ecKey.publicJwk, ...point }, token)).toEqual(NOT_USED)
    }
  })

  it('RSA of 1024 bits as the only configured public key is rejected at start-up', () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
    const pem = publicKey.export({ format: 'pem', type: 'spki' }).toString()
    expect(() => createVerifier(optionsWith({ publicKey: pem }))).toThrow(/not fit for use: weak/)
  })
})

describe('a kid that is more than a name', () => {
  it.each([
    '../../../../dev/null',
    '/dev/null',
    'file:///dev/null',
    'https://attacker.example/key.pem',
    "x' UNION SELECT 'AAAA' --",
    '$(id)',
    '|cat /etc/passwd',
    '{"$ne":null}',
    '${7*7}',
    'key-1\\u0000',
    'constructor',
    'toString',
    '',
  ])('%j finds no key, with an empty secret or a key of the attacker', async (kid) => {
    const options = optionsWith({ jwks: { keys: [issuerKey.publicJwk, ecKey.publicJwk] } })
    expect(await answerTo(await attacker.sign(admin, { kid }), options)).toEqual(refused('key_not_found'))
    const input = `${header({ alg: 'HS256', kid })}.${encode(admin)}`
    const signature = createHmac('sha256', '').update(input).digest('base64url')
    expect(await answerTo(`${input}.${signature}`, options)).toEqual(refused('algorithm_not_allowed'))
  })
})

describe('a token of another issuer, client, type or key', () => {
  const OTHER = 'https://other.example'
  const both = (one: TestKeys, two: TestKeys) =>
    optionsWith({
      issuer: undefined,
      audience: undefined,
      issuers: [
        { issuer: ISSUER, audience: AUDIENCE, jwks: { keys: [one.publicJwk] } },
        { issuer: OTHER, audience: AUDIENCE, jwks: { keys: [two.publicJwk] } },
      ],
    })

  it('with the same kid, signed by the other issuer, is refused', async () => {
    const other = await createTestKeys('RS256', { kid: 'key-1', generation: 3 })
    const options = both(issuerKey, other)
    expect(await answerTo(await issuerKey.sign(accessClaims()), options)).toEqual(VERIFIED)
    expect(await answerTo(await other.sign(accessClaims({ iss: OTHER })), options)).toEqual(VERIFIED)
    expect(await answerTo(await other.sign(accessClaims()), options)).toEqual(refused('signature_invalid'))
    expect(await answerTo(await issuerKey.sign(accessClaims({ iss: OTHER })), options)).toEqual(
      refused('signature_invalid'),
    )
  })

  it('with the same kid, with a key of another type, is refused', async () => {
    const options = both(issuerKey, ecKey)
    expect(await answerTo(await ecKey.sign(accessClaims()), options)).toEqual(refused('algorithm_key_mismatch'))
  })

  it.each<[string, ErrorCode, object, object]>([
    ['an ID token', 'token_type', { aud: 'shop', azp: 'shop', nonce: 'n' }, { typ: 'JWT' }],
    ['an ID token with this API as its client', 'token_type', { nonce: 'n' }, { typ: 'JWT' }],
    [
      'a logout token',
      'token_type',
      { events: { 'http://schemas.openid.net/event/backchannel-logout': {} } },
      { typ: 'logout+jwt' },
    ],
    ['a DPoP proof', 'token_type', { htm: 'GET', htu: AUDIENCE }, { typ: 'dpop+jwt' }],
    ['a client assertion', 'issuer_mismatch', { iss: 'shop', sub: 'shop', aud: `${ISSUER}/token` }, { typ: undefined }],
    ['a token for another API', 'audience_mismatch', { aud: 'https://payments.example' }, {}],
  ])('is refused: %s', async (_, code, claims, members) => {
    const options = optionsWith({ jwks: { keys: [issuerKey.publicJwk] } })
    const token = await issuerKey.sign(accessClaims(claims as Record<string, unknown>), members)
    expect(await answerTo(token, options)).toEqual(refused(code))
  })
})

describe('an unexpected encrypted token', () => {
  const encrypt = async (text: string, members: object): Promise<string> =>
    new CompactEncrypt(new TextEncoder().encode(text))
      .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', cty: 'JWT', ...members })
      .encrypt(recipient.publicKey)

  it('is refused, whether it contains claims, a signed token or another encrypted one', async () => {
    await using keys = await publish([issuerKey.publicJwk])
    const signed = await issuerKey.sign(accessClaims())
    const once = await encrypt(signed, {})
    const texts = [
      once,
      await encrypt(JSON.stringify(admin), {}),
      await encrypt(once, {}),
      await encrypt(signed, { kid: 'key-1' }),
    ]
    for (const token of texts) expect(await answerTo(token, keys.options)).toEqual(refused('token_malformed'))
    expect(keys.traffic()).toEqual(NO_TRAFFIC)
  })

  it('is refused as a header over three parts', async () => {
    const [first] = (await encrypt('x', {})).split('.')
    const options = optionsWith({ jwks: { keys: [issuerKey.publicJwk] } })
    expect(await verdictOn(`${first}.${encode(admin)}.AAAA`, options)).toEqual(refused('algorithm_not_allowed'))
  })
})

describe('an algorithm the issuer never uses', () => {
  it.each<[Algorithm, JWK]>([
    ['RS256', issuerKey.publicJwk],
    ['ES256', ecKey.publicJwk],
  ])('does not bypass the list: only %s', async (alg, jwk) => {
    const options = optionsWith({ jwks: { keys: [jwk] }, algorithms: [alg] })
    for (const other of ['RS256', 'RS384', 'PS256', 'ES256', 'ES384', 'EdDSA', 'HS256', 'none'].filter(
      (name) => name !== alg,
    )) {
      const token = `${header({ alg: other, kid: 'key-1' })}.${encode(admin)}.${encode(new Uint8Array(256))}`
      expect(await answerTo(token, options)).toEqual(refused('algorithm_not_allowed'))
    }
  })
})
