// Typical values of a public key option. A wrong one is rejected at start-up with a message; it never causes 401 for good tokens.
import { execFileSync } from 'node:child_process'
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'

import { type Algorithm, createVerifier, optionsFromEnv, type SingleIssuerOptions } from '@claimgate/core'
import { validCertificate } from '@claimgate/testing'
import { importPKCS8, SignJWT, type JWK } from 'jose'
import { describe, expect, it } from 'vitest'

const ISSUER = 'https://issuer.example'
const AUDIENCE = 'https://api.example'

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const pemOf = (key: KeyObject): string => String(key.export({ type: 'spki', format: 'pem' }))
const jwkOf = (key: KeyObject): JWK => key.export({ format: 'jwk' })
const pem = pemOf(rsa.publicKey)
const der = rsa.publicKey.export({ type: 'spki', format: 'der' })
const privatePem = String(rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }))
const jwk = jwkOf(rsa.publicKey)
const envLine = pem.trim().replaceAll('\n', String.raw`\n`)

const verifierWith = (publicKey: unknown, changes: object = {}): ReturnType<typeof createVerifier> =>
  createVerifier({ issuer: ISSUER, audience: AUDIENCE, publicKey, ...changes } as unknown as SingleIssuerOptions)

const tokenOf = async (key: KeyObject, alg: Algorithm): Promise<string> =>
  new SignJWT({})
    .setProtectedHeader({ alg, typ: 'at+jwt' })
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(key)

const complaint = (make: () => unknown): string => {
  try {
    make()
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError)
    return (error as Error).message
  }
  return 'taken'
}

describe('a public key in a common form', () => {
  it.each<[string, unknown]>([
    ['PEM', pem],
    ['PEM in double quotes, like in an env file', `"${envLine}"`],
    ['PEM in single quotes over several lines', `'${pem}'`],
    ['PEM with doubly escaped line breaks', pem.replaceAll('\n', String.raw`\\n`)],
    ['PEM with Windows line breaks', pem.replaceAll('\n', '\r\n')],
    ['PEM with escaped Windows line breaks', pem.replaceAll('\n', String.raw`\r\n`)],
    ['PEM on one line', pem.replaceAll('\n', ' ')],
    ['PEM after a byte order mark', `\ufeff${pem}`],
    ['PEM after the text that openssl adds', `Bag Attributes\n    localKeyID: 01\n${pem}`],
    ['a Buffer, as returned by readFileSync', Buffer.from(pem)],
    ['a Uint8Array', new TextEncoder().encode(pem)],
    ['a part of a larger Buffer', Buffer.from(`xx${pem}xx`).subarray(2, 2 + pem.length)],
    ['base64 of PEM', Buffer.from(pem).toString('base64')],
    ['base64 of PEM in quotes', `"${Buffer.from(pem).toString('base64')}"`],
    ['a Buffer of base64 of PEM', Buffer.from(Buffer.from(pem).toString('base64'))],
    ['a JWK', jwk],
    ['a JWK with alg, kid and use', { ...jwk, alg: 'RS256', kid: 'a', use: 'sig' }],
    ['a JWK as text', JSON.stringify(jwk)],
    ['a JWK as text in quotes', `'${JSON.stringify(jwk)}'`],
    ['base64 of a JWK', Buffer.from(JSON.stringify(jwk)).toString('base64')],
  ])('verifies: %s', async (_, publicKey) => {
    const verifier = verifierWith(publicKey)
    await verifier.ready()
    await expect(verifier.verify(await tokenOf(rsa.privateKey, 'RS256'))).resolves.toBeDefined()
    await expect(verifier.verify(await tokenOf(ec.privateKey, 'ES256'))).rejects.toMatchObject({
      code: 'algorithm_key_mismatch',
    })
  })

  it.each<[Algorithm, () => { publicKey: KeyObject; privateKey: KeyObject }]>([
    ['PS512', () => generateKeyPairSync('rsa', { modulusLength: 3072, publicExponent: 3 })],
    ['ES256', () => generateKeyPairSync('ec', { namedCurve: 'P-256' })],
    ['ES384', () => generateKeyPairSync('ec', { namedCurve: 'P-384' })],
    ['ES512', () => generateKeyPairSync('ec', { namedCurve: 'P-521' })],
    ['EdDSA', () => generateKeyPairSync('ed25519')],
    ['Ed25519', () => generateKeyPairSync('ed25519')],
  ])('of every type: %s', async (alg, generate) => {
    // Many, because numbers of a key may start with a zero.
    for (let count = 0; count < 20; count += 1) {
      const { publicKey, privateKey } = generate()
      const token = await tokenOf(privateKey, alg)
      for (const given of [pemOf(publicKey), jwkOf(publicKey)]) {
        const verifier = verifierWith(given, { algorithms: [alg] })
        await expect(verifier.verify(token)).resolves.toBeDefined()
      }
      if (alg === 'PS512') break
    }
  })

  it('is read from a certificate, and from the first of a chain', async () => {
    const token = await new SignJWT({})
      .setProtectedHeader({ alg: 'ES256' })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(await importPKCS8(validCertificate.key, 'ES256'))
    const { cert } = validCertificate
    for (const given of [cert, `${cert}\n${cert}`, cert.replaceAll('\n', String.raw`\n`), Buffer.from(cert)])
      await expect(verifierWith(given).verify(token)).resolves.toBeDefined()
    expect(createPublicKey(cert).asymmetricKeyType).toBe('ec')
  })
})

const SHAPES: readonly (readonly [string, unknown, string])[] = [
  ['truncated', pem.slice(0, 200), 'a PEM that is cut off: it has no "-----END PUBLIC KEY-----"'],
  ['without its last bytes', pem.replace(/[\w+/]{8}\n-----END/, '\n-----END'), 'a PEM that is damaged or cut off'],
  ['the first line of a file', '-----BEGIN PUBLIC KEY-----', 'only the first line of a PEM: put quotes around all'],
  ['the first line with a quote', '"-----BEGIN PUBLIC KEY-----', 'only the first line of a PEM: put quotes around all'],
  ['a line break that became an n', pem.replaceAll('\n', 'n'), 'a PEM that is damaged or cut off'],
  ['invalid letters', pem.replace('MIIB', '????'), 'a PEM with characters that are not base64'],
  ['a damaged first line', pem.replace('KEY-----', 'KEY---'), 'a PEM whose first line is damaged'],
  ['a file path', '/etc/keys/public.pem', 'the path of a file: give what the file holds'],
  ['a relative path', './public.pem', 'the path of a file: give what the file holds'],
  ['a bare file name', 'public.pem', 'the path of a file: give what the file holds'],
  ['a path of Windows', String.raw`C:\keys\public.key`, 'the path of a file: give what the file holds'],
  ['a file URL', 'file:///etc/keys/public.pem', 'the path of a file: give what the file holds'],
  ['a URL', 'https://issuer.example/.well-known/jwks.json', 'a URL: give it as JWKS_URI'],
  [
    'an SSH key',
    'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ me@host',
    'an SSH key: convert it with "ssh-keygen -e -m PKCS8',
  ],
  ['an SSH key of EC', 'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTI me', 'an SSH key: convert it'],
  ['DER', der, 'DER of a public key: convert it with "openssl pkey -pubin -inform DER"'],
  [
    'DER in base64',
    der.toString('base64'),
    'DER in base64 of a public key: put it between "-----BEGIN PUBLIC KEY-----"',
  ],
  [
    'PKCS #1',
    String(rsa.publicKey.export({ type: 'pkcs1', format: 'pem' })),
    'a PEM of "RSA PUBLIC KEY": convert it with "openssl rsa -RSAPublicKey_in -pubout"',
  ],
  [
    'a certificate request',
    pem.replaceAll('PUBLIC KEY', 'CERTIFICATE REQUEST'),
    'a PEM of "CERTIFICATE REQUEST": take its key out with "openssl req -pubkey -noout"',
  ],
  ['a JWK Set', { keys: [jwk] }, 'a JWK Set: give it as "jwks"'],
  ['a JWK Set as text', JSON.stringify({ keys: [jwk] }), 'a JWK Set: give it as "jwks"'],
  ['a truncated JWK', JSON.stringify(jwk).slice(0, 40), 'JSON that is damaged or cut off'],
  ['another object', { pem }, 'an object without "kty"'],
  ['the word undefined', 'undefined', '9 characters of something else'],
]

describe('a value that is not a public key is rejected at start-up', () => {
  it.each(SHAPES)('%s', (_, given, found) => {
    const said = complaint(() => verifierWith(given))
    expect(said).toContain(
      'Cannot use public key: "publicKey" must be a public key or certificate in PEM, the base64 of that text, or a JWK, found ',
    )
    expect(said).toContain(found.replace('JWKS_URI', '"jwksUri"'))
    expect(said.length).toBeLessThan(330)
  })

  it.each(SHAPES.filter(([, given]) => typeof given === 'string'))('from the environment: %s', (_, given, found) => {
    const said = complaint(() =>
      optionsFromEnv({ JWT_ISSUER: ISSUER, JWT_AUDIENCE: AUDIENCE, JWT_PUBLIC_KEY: given as string }),
    )
    expect(said).toContain('Cannot read the environment: JWT_PUBLIC_KEY must be a public key or certificate in PEM, ')
    expect(said).toContain(found.replace('JWKS_URI', 'JWT_JWKS_URI'))
  })

  it.each<[string, unknown, string]>([
    ['a Promise', Promise.resolve(pem), 'found a Promise: await it'],
    ['a KeyObject', rsa.publicKey, 'found a'],
    ['an ArrayBuffer', new ArrayBuffer(8), 'found an ArrayBuffer: give new Uint8Array(buffer)'],
    ['a number', 5, 'found a number'],
    ['a list', [pem], 'found a list'],
    ['a Date', new Date(), 'found a Date'],
  ])('%s', (_, given, found) => {
    expect(complaint(() => verifierWith(given))).toContain(found)
  })

  it.each<[string, unknown]>([
    ['PKCS #8', privatePem],
    ['truncated PKCS #8', privatePem.slice(0, 300)],
    ['PKCS #1', String(rsa.privateKey.export({ type: 'pkcs1', format: 'pem' }))],
    ['SEC 1', String(ec.privateKey.export({ type: 'sec1', format: 'pem' }))],
    ['base64 of one', Buffer.from(privatePem).toString('base64')],
    ['its bytes', Buffer.from(privatePem)],
    ['after a certificate', `${validCertificate.cert}${validCertificate.key}`],
    ['a JWK', jwkOf(rsa.privateKey)],
    ['a JWK as text', JSON.stringify(jwkOf(ec.privateKey))],
  ])('a private key: %s', (_, given) => {
    expect(complaint(() => verifierWith(given))).toBe(
      'Cannot use public key: "publicKey" holds a private key: give the public key, and replace the private one if others could read it',
    )
  })

  it('a secret as a JWK', () => {
    expect(complaint(() => verifierWith({ kty: 'oct', k: 'AAAA' }))).toContain('found a secret: give it as "secret"')
  })

  it.each<[string, KeyObject, readonly Algorithm[], string]>([
    ['an EC key for RS256', ec.publicKey, ['RS256'], 'is an EC key on P-256: name an algorithm of it in'],
    ['an RSA key for ES256', rsa.publicKey, ['ES256', 'ES384'], 'is an RSA key: name an algorithm of it in'],
    [
      'a key of another curve',
      generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey,
      ['ES256'],
      'is an EC key on P-384: name an algorithm of it in',
    ],
    [
      'an Ed25519 key for ES256',
      generateKeyPairSync('ed25519').publicKey,
      ['ES256'],
      'is an Ed25519 key: name an algorithm of it in',
    ],
  ])('%s', (_, key, algorithms, found) => {
    for (const given of [pemOf(key), jwkOf(key)])
      expect(complaint(() => verifierWith(given, { algorithms }))).toContain(
        `Cannot use public key: the key in "publicKey" ${found} "algorithms"`,
      )
    const env = { JWT_ISSUER: ISSUER, JWT_AUDIENCE: AUDIENCE, JWT_PUBLIC_KEY: pemOf(key) }
    expect(complaint(() => optionsFromEnv({ ...env, JWT_ALGORITHMS: algorithms.join() }))).toContain(
      `Cannot read the environment: the key in JWT_PUBLIC_KEY ${found} JWT_ALGORITHMS`,
    )
  })

  it.each<[string, KeyObject, string]>([
    ['a short RSA key', generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey, 'an RSA key, and not fit'],
    ['secp256k1', generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey, 'an EC key on secp256k1, and not'],
    ['X25519', generateKeyPairSync('x25519').publicKey, 'an X25519 key, and not fit'],
    ['RSASSA-PSS', generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey, 'a key of an unknown kind, or a'],
  ])('a key that cannot be used: %s', (_, key, found) => {
    expect(complaint(() => verifierWith(pemOf(key)))).toContain(found)
  })

  it('a JWK for encryption, or for another algorithm', () => {
    expect(complaint(() => verifierWith({ ...jwk, use: 'enc' }))).toContain('not fit for use: wrong_use')
    expect(complaint(() => verifierWith({ ...jwk, alg: 'RS256' }, { algorithms: ['PS256'] }))).toContain(
      'RSA key: name',
    )
  })

  it('never quotes the value', () => {
    const marks = pem.split('\n').filter((line) => line.length > 20 && !line.startsWith('-'))
    const said = SHAPES.map(([, given]) => complaint(() => verifierWith(given))).join('\n')
    for (const mark of marks) expect(said).not.toContain(mark.slice(0, 20))
  })
})

describe('openssl agrees about', () => {
  it('a certificate that it created', async () => {
    let made: string
    try {
      made = execFileSync(
        'openssl',
        ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', '/dev/stdout', '-subj', '/CN=a', '-days', '9'],
        { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
      )
    } catch {
      // A machine without openssl: the fixture above is also a certificate.
      made = validCertificate.key + validCertificate.cert
    }
    const certificate = made.slice(made.indexOf('-----BEGIN CERTIFICATE'))
    expect(complaint(() => verifierWith(made))).toContain('holds a private key')
    await expect(verifierWith(certificate).ready()).resolves.toBeUndefined()
  })
})
