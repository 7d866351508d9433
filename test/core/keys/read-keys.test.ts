import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { jwkOfDer } from '../../../packages/core/src/keys/key-text.ts'
import { publicKey } from '../../../packages/core/src/keys/public-key.ts'
import { discoveredKeySet } from '../../../packages/core/src/keys/remote/discovery.ts'
import { secretKey } from '../../../packages/core/src/keys/secret-key.ts'
import { publicJwk } from '../../support/core/test-jwks.ts'

/** The DER of an element. */
const element = (tag: number, ...content: readonly number[]): readonly number[] => [tag, content.length, ...content]
const sequence = (...content: readonly number[]): readonly number[] => element(0x30, ...content)
const oid = (hex: string): readonly number[] => element(0x06, ...Buffer.from(hex, 'hex'))
const EC = oid('2a8648ce3d0201')
const P256 = oid('2a8648ce3d030107')
const RSA = oid('2a864886f70d010101')
const ED25519 = oid('2b6570')

describe('a public key in DER', () => {
  const read = (algorithm: readonly number[], bits: readonly number[]): unknown =>
    jwkOfDer('PUBLIC KEY', Uint8Array.from(sequence(...sequence(...algorithm), ...bits)))
  const bits = (...key: readonly number[]): readonly number[] => element(0x03, 0, ...key)

  it.each<readonly [string, readonly number[], readonly number[], unknown]>([
    ['an EC key', [...EC, ...P256], bits(4, 1, 2, 3, 4), { kty: 'EC', crv: 'P-256', x: 'AQI', y: 'AwQ' }],
    [
      'an RSA key',
      RSA,
      bits(...sequence(...element(2, 0, 0x80, 1), ...element(2, 3))),
      { kty: 'RSA', n: 'gAE', e: 'Aw' },
    ],
    ['a compressed EC key', [...EC, ...P256], bits(2, 1, 2), { kty: 'EC', crv: 'P-256', x: 'AgEC', y: '' }],
    ['an Ed25519 key', oid('2b6570'), bits(1, 2, 3), { kty: 'OKP', crv: 'Ed25519', x: 'AQID' }],
    ['an Ed448 key', oid('2b6571'), bits(1, 2, 3), { kty: 'OKP', crv: 'Ed448', x: 'AQID' }],
    ['an X25519 key', oid('2b656e'), bits(1, 2, 3), { kty: 'OKP', crv: 'X25519', x: 'AQID' }],
    ['an ML-DSA-44 key', oid('608648016503040311'), bits(1, 2), { kty: 'AKP', alg: 'ML-DSA-44', pub: 'AQI' }],
    ['an ML-DSA-65 key', oid('608648016503040312'), bits(1, 2), { kty: 'AKP', alg: 'ML-DSA-65', pub: 'AQI' }],
    ['an ML-DSA-87 key', oid('608648016503040313'), bits(1, 2), { kty: 'AKP', alg: 'ML-DSA-87', pub: 'AQI' }],
    ['an EC key on another curve', [...EC, ...oid('2a03')], bits(4, 1, 2), undefined],
    ['a curve as a type', P256, bits(4, 1, 2), undefined],
    ['no type', [], bits(4, 1, 2), undefined],
    ['another type', oid('2a03'), bits(1, 2), undefined],
    ['bits that do not fill bytes', oid('2b6570'), element(0x03, 1, 1, 2, 3), undefined],
    ['no bits', oid('2b6570'), element(0x04, 0, 1, 2, 3), undefined],
    ['only an algorithm', ED25519, [], undefined],
    ['an algorithm longer than its container', [0x06, 9, 1], bits(1, 2, 3), undefined],
    ['bits longer than their container', ED25519, [0x03, 5, 0, 1, 2, 3], undefined],
    ['one byte after the bits', ED25519, [...bits(1, 2, 3), 0x05], undefined],
    ['an RSA key without numbers', RSA, bits(...sequence()), undefined],
    ['an RSA key without bits', RSA, bits(), undefined],
    ['an RSA key without exponent', RSA, bits(...sequence(...element(2, 5))), undefined],
  ])('is read as %s', (_, algorithm, key, jwk) => {
    expect(read(algorithm, key)).toEqual(jwk)
  })

  it('is not read if its algorithm is not in a sequence', () => {
    const der = sequence(...element(0x31, ...ED25519), ...bits(1, 2, 3))
    expect(jwkOfDer('PUBLIC KEY', Uint8Array.from(der))).toBeUndefined()
  })

  it('is not read from a certificate without fields', () => {
    expect(jwkOfDer('CERTIFICATE', Uint8Array.from(sequence(...sequence())))).toBeUndefined()
  })

  it('that is compressed is not fit for use', () => {
    const der = sequence(...sequence(...EC, ...P256), ...bits(2, ...Array.from({ length: 32 }, () => 1)))
    const pem = `-----BEGIN PUBLIC KEY-----\n${Buffer.from(der).toString('base64')}\n-----END PUBLIC KEY-----`
    expect(() => publicKey(pem)).toThrow('the key in "publicKey" is an EC key on P-256, and not fit for use: ')
  })
})

it('a secret is not a private key', () => {
  const { privateKey } = generateKeyPairSync('ed25519')
  const pem = String(privateKey.export({ type: 'pkcs8', format: 'pem' }))
  expect(() => secretKey(pem, ['HS256'])).toThrow(
    'Cannot use secret: "secret" must be text, or bytes as a Uint8Array, found a PEM of "PRIVATE KEY"',
  )
})

describe('metadata at a configured address', () => {
  const ISSUER = 'https://issuer.example/tenant'
  const AT = 'https://issuer.example/metadata'

  it('is the only one that is fetched, and must name the issuer', async () => {
    const keys = { keys: [await publicJwk({ kid: 'a' })] }
    const asked: string[] = []
    let named = ISSUER
    const fetch = async (url: string): Promise<Response> => {
      asked.push(url)
      return Response.json(url === AT ? { issuer: named, jwks_uri: 'https://issuer.example/keys' } : keys)
    }
    await discoveredKeySet(ISSUER, { fetch, metadataUri: AT }).ready()
    expect(asked).toEqual([AT, 'https://issuer.example/keys'])
    named = AT
    await expect(discoveredKeySet(ISSUER, { fetch, metadataUri: AT }).ready()).rejects.toMatchObject({
      code: 'keys_unavailable',
    })
    expect(asked.slice(2)).toEqual([AT])
  })

  it.each<readonly [string, object, string]>([
    ['a query in it', { metadataUri: `${AT}?a=b` }, 'the metadata address must not have a query'],
    ['plain http', { metadataUri: 'http://issuer.example/metadata' }, 'the metadata address must be https'],
    ['a path', { metadataUri: '/metadata' }, '"metadataUri" must be a URL'],
    ['one host', { allowedKeyHosts: 'keys.example' }, '"allowedKeyHosts" must be a list of host names'],
    ['no host names', { allowedKeyHosts: [1] }, 'each of "allowedKeyHosts" must be the name of a host, found 1'],
  ])('cannot be %s', (_, options, message) => {
    const fetch = async (): Promise<Response> => new Response('')
    expect(() => discoveredKeySet(ISSUER, { fetch, ...options })).toThrow(`Cannot discover keys: ${message}`)
  })

  it.each([
    ['orders', 'the issuer must be a URL; otherwise set "metadataUri" or "jwksUri", found "orders"'],
    [`${ISSUER}?a`, `the issuer's address must not have a query; otherwise set "metadataUri" or "jwksUri"`],
    ['http://issuer.example', `the issuer's address must be https`],
  ])('is needed for the issuer %s', (issuer, message) => {
    const fetch = async (): Promise<Response> => new Response('')
    expect(() => discoveredKeySet(issuer, { fetch })).toThrow(`Cannot discover keys: ${message}`)
  })
})
