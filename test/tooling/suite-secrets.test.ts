import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { createVerifier, type VerifierOptions } from '@claimgate/core'
import { AuthError, emit } from '@claimgate/core/extend'
import { localSigner, pemSigner } from '@claimgate/issuer'
import { KmsError } from '@claimgate/issuer/kms'
import { ParameterStoreError } from '@claimgate/issuer/parameter-store'
import { CompactEncrypt, exportJWK, exportPKCS8, exportSPKI, generateKeyPair, SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'

import { liveSecrets } from './support/recording/live-secrets.ts'
import { recorder } from './support/recording/recorder.ts'
import { ERROR_MAKERS, RECORDING_POINTS, withRecording } from './support/recording/recording-plugin.ts'
import { refuseFinds } from './support/recording/refuse-finds.ts'
import { secretIn } from './support/recording/secret-in.ts'

const root = join(import.meta.dirname, '../..')
const { takeFinds, live } = recorder()

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
// In form alone: it does get printed.
const FORM = `-----BEGIN PRIVATE KEY-----\n${'A'.repeat(64)}\n-----END PRIVATE KEY-----\n`

describe('a text shows', () => {
  it.each([
    ['a signed token', 'a signed token', token],
    ['a signed token in a sentence', 'a signed token', `found "${token}", which is no token`],
    ['a signed token behind letters', 'a signed token', `\\n${token}`],
    ['a signed token whose claims are left out', 'a signed token', token.replace(/\..+\./, '..')],
    ['a token without signature', 'the beginning of a signed token', token.slice(0, -signature.length)],
    ['a token cut short within its claims', 'the beginning of a signed token', `${long.slice(0, 120)}…`],
    ['an encrypted token', 'an encrypted token', encrypted],
    ['an encrypted token without a key', 'an encrypted token', encrypted.replace(/\.[^.]+/, '.')],
    ['a private key in PEM', 'a private key in PEM', pem],
    ['one with its line breaks written out', 'a private key in PEM', JSON.stringify({ pem: rsaPem })],
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
    ['what is no token', 'a.b.c'],
  ])('no secret in %s', (_, text) => {
    expect(secretIn(text)).toBeUndefined()
  })
})

describe('of secrets in use, a text shows', () => {
  const secrets = liveSecrets()
  secrets.addToken(token)
  secrets.addJwk(jwk)
  secrets.addPem(rsaPem)

  it.each([
    ['the middle of a signature', signature.slice(13, 53)],
    ['a scalar by itself', `found ${jwk.d}`],
    ['a line of a key', rsaPem.split('\n').at(-4) ?? ''],
  ])('%s', (_, text) => {
    expect(secrets.showIn(text)).toBe(true)
  })

  it.each([
    ['less than counts', signature.slice(13, 50)],
    ['the rest of a token', token.slice(0, -signature.length)],
    ['the public half of a key', `${JSON.stringify(publicJwk)}${publicPem}`],
    ['another signature', 'q'.repeat(86)],
  ])('nothing in %s', (_, text) => {
    expect(secrets.showIn(text)).toBe(false)
  })
})

describe('the suite sees', () => {
  it('a token below an AuthError, which hides those in its own words', () => {
    const cause = new Error(`cannot read ${token}`)
    const { message } = new AuthError('token_malformed', { actual: token, hint: `look at ${token}`, cause })

    expect(message).not.toContain(token)
    expect(takeFinds()).toContain('AuthError token_malformed, cause.message: a signed token')
  })

  it('a private JWK two causes below', () => {
    const lowest = Object.assign(new Error('cannot be used'), { key: { ...jwk } })
    const error = new AuthError('keys_unavailable', { cause: new Error('failed', { cause: lowest }) })

    expect(error.message).not.toContain(jwk.d)
    expect(takeFinds()).toEqual(['AuthError keys_unavailable, cause.cause.member key.d: a private JWK'])
  })

  it('what only hidden members, bytes and toJSON hold', () => {
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
  ])('part of a token that is in use, where %s tells what was wrongly configured', async (_, make) => {
    await createVerifier(OPTIONS)
      .verify(token)
      .catch(() => undefined)
    takeFinds()

    await expect(make()).rejects.toThrow(TypeError)
    expect(takeFinds()).toContain('TypeError, message: part of a token or key that is in use')
  })

  it('a token in an event, and whether anybody listens', () => {
    emit(undefined, { type: 'keys.unavailable', uri: `https://issuer.example/${token}`, reason: '' } as never)

    expect(takeFinds()).toEqual(['event keys.unavailable, member uri: a signed token'])
  })

  it('parts of the keys and tokens that tests use', async () => {
    await createVerifier(OPTIONS)
      .verify(token)
      .catch(() => undefined)
    await localSigner(jwk)
    await pemSigner(rsaPem, { algorithm: 'RS256' })

    for (const part of [signature.slice(13, 53), jwk.d ?? '', rsaPem.split('\n').at(-4) ?? ''])
      expect(live.showIn(part)).toBe(true)
  })

  it('what is printed, at once or piece by piece', () => {
    // eslint-disable-next-line no-console -- the subject
    console.log('loaded %s', FORM)
    for (const piece of [FORM.slice(0, 30), FORM.slice(30, 60), FORM.slice(60)]) process.stdout.write(piece)

    expect(takeFinds()).toEqual(['console.log: a private key in PEM', 'stdout: a private key in PEM'])
  })

  it('what another program prints', async () => {
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

    const message = messageOf(refuseFinds)
    expect(message).toContain('- KmsError kms_refused, message: a private key in PEM')
    for (const secret of [token, signature]) expect(message).not.toContain(secret.slice(0, 12))
    expect(message).not.toContain(bodyOf(pem).slice(0, 12))
  })
})

describe('sources under test', () => {
  const sourceOf = (file: string): string => readFileSync(join(root, file), 'utf8')

  it.each(RECORDING_POINTS)('have the line "$line" in $file', ({ file, record }) => {
    const source = sourceOf(file)
    const recorded = withRecording(file, source)

    expect(recorded).toContain(`?.${record};`)
    expect(recorded.split('\n'), 'lines of stack traces').toHaveLength(source.split('\n').length)
  })

  it.each(ERROR_MAKERS)('make errors in %s', (file) => {
    expect(withRecording(file, sourceOf(file))).toMatch(/^const TypeError = .+\?\.errors\(/)
  })

  it.each([
    ['is gone', ''],
    ['is there twice', 'this.code = code\nthis.code = code'],
  ])('are refused where such a line %s', (_, source) => {
    const file = 'packages/issuer/src/kms/kms-error.ts'
    expect(() => withRecording(file, source)).toThrow(`${file} must have the line "this.code = code" once: tell`)
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
