import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

import { createVerifier, type VerifierEvent, type VerifierOptions } from '@claimgate/core'
import { AuthError, emit } from '@claimgate/core/extend'
import { localSigner, pemSigner } from '@claimgate/issuer'
import { KmsError } from '@claimgate/issuer/kms'
import { parameterStoreKey, ParameterStoreError } from '@claimgate/issuer/parameter-store'
import {
  calculateJwkThumbprint,
  CompactEncrypt,
  exportJWK,
  exportPKCS8,
  exportSPKI,
  generateKeyPair,
  SignJWT,
} from 'jose'
import { describe, expect, it } from 'vitest'

import { fakeSsm, ssmClient } from '../support/issuer/parameter-store.ts'
import { assertNoFinds, assertNoSecrets, secretsInUse } from '../support/secrets/finds.ts'
import { liveSecrets } from '../support/secrets/live-secrets.ts'
import { secretIn } from '../support/secrets/secret-in.ts'
import { takeFinds } from '../support/secrets/watch.ts'

const keys = await generateKeyPair('ES256', { extractable: true })
const rsaKeys = await generateKeyPair('RS256', { extractable: true })
const token = await new SignJWT({ sub: 'ada' }).setProtectedHeader({ alg: 'ES256' }).sign(keys.privateKey)
const long = await new SignJWT({ sub: 'ada'.repeat(100) }).setProtectedHeader({ alg: 'ES256' }).sign(keys.privateKey)
const encrypted = await new CompactEncrypt(new TextEncoder().encode('inside'))
  .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM' })
  .encrypt((await generateKeyPair('RSA-OAEP-256')).publicKey)
const pem = await exportPKCS8(keys.privateKey)
const rsaPem = await exportPKCS8(rsaKeys.privateKey)
const jwk = await exportJWK(keys.privateKey)
const publicJwk = await exportJWK(keys.publicKey)
const publicPem = await exportSPKI(rsaKeys.publicKey)
const [, , signature = ''] = token.split('.')

const OPTIONS: VerifierOptions = {
  issuer: 'https://issuer.example',
  audience: 'https://api.example',
  jwks: { keys: [{ ...publicJwk, alg: 'ES256' }] },
}
// It only looks like one, because it gets printed.
const FORM = `-----BEGIN PRIVATE KEY-----\n${'A'.repeat(64)}\n-----END PRIVATE KEY-----\n`

describe('a text shows', () => {
  it.each([
    ['a signed token', 'a signed token', token],
    ['a signed token in a sentence', 'a signed token', `found "${token}", which is no token`],
    ['a signed token behind letters', 'a signed token', `\\n${token}`],
    ['a signed token with omitted claims', 'a signed token', token.replace(/\..+\./, '..')],
    ['a token without signature', 'the beginning of a signed token', token.slice(0, -signature.length)],
    ['a token cut short within its claims', 'the beginning of a signed token', `${long.slice(0, 120)}…`],
    ['an encrypted token', 'an encrypted token', encrypted],
    ['an encrypted token without a key', 'an encrypted token', encrypted.replace(/\.[^.]+/, '.')],
    ['a private key in PEM', 'a private key in PEM', pem],
    ['one with escaped line breaks', 'a private key in PEM', JSON.stringify({ pem: rsaPem })],
    ['its beginning', 'a private key in PEM', pem.slice(0, 80)],
    ['a private EC key in base64', 'a private key', bodyOf(pem)],
    ['a private RSA key in base64', 'a private key', bodyOf(rsaPem)],
    ['a private JWK', 'a private JWK', JSON.stringify(jwk)],
    ['a private JWK in JSON in JSON', 'a private JWK', JSON.stringify(JSON.stringify({ keys: [jwk] }))],
    ['a private JWK as Node prints it', 'a private JWK', `{ kty: 'EC', d: '${jwk.d}' }`],
  ])('%s', (_, kind, text) => {
    expect(secretIn(text)).toBe(kind)
  })

  it.each([
    ['the label of a key', 'expected PEM that begins with "-----BEGIN PRIVATE KEY-----"'],
    ['a public key in PEM', publicPem],
    ['a public JWK', JSON.stringify(publicJwk)],
    ['a hash', 'b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9'],
    ['names with dots', 'docs.example.com, and packages.core.src.errors.auth-error.of.a.rather.long.name.indeed'],
    ['the header of a token', `${token.split('.')[0]}.…`],
    ['text that is not a token', 'a.b.c'],
  ])('no secret in %s', (_, text) => {
    expect(secretIn(text)).toBeUndefined()
  })
})

describe('of secrets in use, a text shows', () => {
  const secrets = liveSecrets()
  secrets.addSignature(Buffer.from(signature, 'base64url'))
  secrets.addJwk(jwk)
  secrets.addPkcs8(Buffer.from(bodyOf(rsaPem), 'base64'))

  it.each([
    ['the middle of a signature', signature.slice(13, 53)],
    ['a scalar by itself', `found ${jwk.d}`],
    ['a line of a key', rsaPem.split('\n').at(-4) ?? ''],
  ])('%s', (_, text) => {
    expect(secrets.showIn(text)).toBe(true)
  })

  it.each([
    ['less than the minimum length', signature.slice(13, 50)],
    ['the rest of a token', token.slice(0, -signature.length)],
    ['the public half of a key', `${JSON.stringify(publicJwk)}${publicPem}`],
    ['another signature', 'q'.repeat(86)],
  ])('nothing in %s', (_, text) => {
    expect(secrets.showIn(text)).toBe(false)
  })
})

describe('the suite sees', () => {
  it('a token in the cause of an AuthError, whose own words hide tokens', () => {
    const cause = new Error(`cannot read ${token}`)
    const { message } = new AuthError('token_malformed', { actual: token, hint: `look at ${token}`, cause })

    expect(message).not.toContain(token)
    expect(takeFinds()).toContain('AuthError token_malformed, cause.message: a signed token')
  })

  it('a private JWK two causes down', () => {
    const lowest = Object.assign(new Error('cannot be used'), { key: { ...jwk } })
    const error = new AuthError('keys_unavailable', { cause: new Error('failed', { cause: lowest }) })

    expect(error.message).not.toContain(jwk.d)
    expect(takeFinds()).toEqual(['AuthError keys_unavailable, cause.cause.member key.d: a private JWK'])
  })

  it('secrets that only hidden members, bytes and toJSON contain', () => {
    const cause = Object.defineProperty(new Error('failed'), 'answer', { value: new TextEncoder().encode(pem) })
    const errors = [cause, { toJSON: () => ({ token }) }].map((said) => new KmsError('kms_refused', 'refused', said))

    expect(errors).toHaveLength(2)
    expect(takeFinds()).toEqual([
      'KmsError kms_refused, cause.member answer: a private key in PEM',
      'KmsError kms_refused, cause.member toJSON().token: a signed token',
    ])
  })

  it.each([
    ['KmsError kms_refused', () => new KmsError('kms_refused', token)],
    ['ParameterStoreError parameter_unfit', () => new ParameterStoreError('parameter_unfit', token)],
  ])('a token in the message of %s', (title, make) => {
    make()

    expect(takeFinds()).toContain(`${title}, message: a signed token`)
  })

  it.each([
    ['core', async () => createVerifier({ ...OPTIONS, algorithms: signature.slice(0, 60) } as never)],
    ['the issuer', async () => localSigner(undefined, { algorithm: signature.slice(0, 60) as never })],
  ])('part of a token in use, if %s reports a wrong configuration', async (_, make) => {
    await createVerifier(OPTIONS)
      .verify(token)
      .catch(() => undefined)
    takeFinds()

    await expect(make()).rejects.toThrow(TypeError)
    expect(takeFinds()).toContain('TypeError, message: part of a token or key that is in use')
  })

  it('a token in an event', () => {
    const heard: VerifierEvent[] = []
    const listener = (event: VerifierEvent): unknown => heard.push(event)
    emit(listener, {
      type: 'keys.unavailable',
      uri: `https://issuer.example/${token}`,
      reason: 'status',
      retryAfter: 1,
    })

    expect(heard).toHaveLength(1)
    expect(takeFinds()).toEqual(['event keys.unavailable, member uri: a signed token'])
  })

  it('a key in an event of the issuer', async () => {
    const kid = await calculateJwkThumbprint(publicJwk)
    secretsInUse.addSignature(Buffer.from(kid, 'base64url'))
    const client = ssmClient(await fakeSsm({ parameters: { '/key': pem } }))
    const signer = await parameterStoreKey({ client, name: '/key', onEvent: () => {} }).signer()

    expect(signer.kid).toBe(kid)
    expect(takeFinds()).toEqual(['event key.loaded, member kid: part of a token or key that is in use'])
  })

  it('parts of the keys and tokens that tests use', async () => {
    await createVerifier(OPTIONS)
      .verify(token)
      .catch(() => undefined)
    await localSigner(jwk)
    await pemSigner(rsaPem, { algorithm: 'RS256' })

    for (const part of [signature.slice(13, 53), jwk.d ?? '', rsaPem.split('\n').at(-4) ?? ''])
      expect(secretsInUse.showIn(part)).toBe(true)
  })

  it('only errors of a package, and not those of tests and libraries', async () => {
    const error = new TypeError(`found ${token}`)
    await expect(new CompactEncrypt(new Uint8Array()).encrypt(token as never)).rejects.toThrow(Error)

    expect(error.message).toContain(token)
    expect(takeFinds()).toEqual([])
  })

  it('printed output, at once or in pieces', () => {
    // eslint-disable-next-line no-console -- the subject
    console.log('loaded %s', FORM)
    for (const piece of [FORM.slice(0, 30), FORM.slice(30, 60), FORM.slice(60)]) process.stdout.write(piece)

    expect(takeFinds()).toEqual(['console.log: a private key in PEM', 'stdout: a private key in PEM'])
  })

  it('the output of another program', async () => {
    const { stdout } = await promisify(execFile)('echo', [token])

    expect(stdout).toContain(token)
    expect(takeFinds()).toEqual(['stdout of a child process: a signed token'])
  })
})

describe('a find', () => {
  it.fails('fails the test that caused it', () => {
    expect(new KmsError('kms_refused', token).code).toBe('kms_refused')
  })

  it('is reported without the secret', () => {
    const error = new KmsError('kms_refused', `${token} ${pem}`, { [token]: { [signature]: token } })
    expect(error.message).toContain(token)

    for (const message of [messageOf(() => assertNoSecrets(error)), messageOf(() => assertNoFinds(takeFinds()))]) {
      expect(message).toMatch(/^Error: .+:\n- (?:value|KmsError kms_refused), message: a private key in PEM\n/)
      for (const secret of [token, signature]) expect(message).not.toContain(secret.slice(0, 12))
      expect(message).not.toContain(bodyOf(pem).slice(0, 12))
    }
  })
})

describe('assertNoSecrets', () => {
  it.each([
    ['a text', `GET / ${token}`],
    ['an event', { type: 'key.skipped', detail: JSON.stringify(jwk) }],
    ['a log', [{ level: 30, err: { cause: { pem } } }]],
    ['an error', new Error('failed', { cause: { answer: new TextEncoder().encode(encrypted) } })],
  ])('throws for a secret in %s', (_, value) => {
    expect(() => assertNoSecrets(value)).toThrow('Secrets where they must not be:\n- value, ')
  })

  it('returns for values without one', () => {
    expect(assertNoSecrets([new AuthError('token_expired', { actual: 1 }), { jwk: publicJwk }])).toBeUndefined()
  })
})

describe('watched errors', () => {
  it('keep their constructors, stack traces and engine settings', () => {
    const error = new RangeError('far', { cause: 1 })

    expect(error).toBeInstanceOf(Error)
    expect([error.constructor, error.cause, error.name]).toEqual([RangeError, 1, 'RangeError'])
    expect(error.stack?.split('\n')[1]).toContain('suite-secrets.test.ts')
    expect(error.stack).not.toContain('watch-errors')
    expect(() => JSON.parse('{')).toThrow(SyntaxError)
    expect(typeof Error.stackTraceLimit).toBe('number')
  })
})

function bodyOf(text: string): string {
  return text.replaceAll(/-----[^-]+-----|\s/g, '')
}

function messageOf(action: () => void): string {
  try {
    action()
  } catch (error) {
    return String(error)
  }
  return ''
}
