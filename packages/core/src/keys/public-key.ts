import type { CryptoKey, JWK } from 'jose'
import { AuthError } from '../errors/auth-error.ts'
import { type Algorithm, DEFAULT_ALGORITHMS, isAlgorithm } from '../model/algorithm.ts'
import type { JoseHeader } from '../model/token.ts'
import { bare, own } from '../model/values.ts'
import { misconfigured } from '../options/option-rules.ts'
import { importKey } from './jwk/jwk-set.ts'
import { fits, type JwkMember, lintJwk, presentMembers, publicMaterial } from './jwk/lint.ts'
import type { KeySource } from './key-source.ts'
import { jwkOfDer, type KeyText, type PublicLabel, readKeyText } from './key-text.ts'

/** A public key: text, the bytes of a file, or a JWK. */
export type PublicKeyInput = string | Uint8Array | JWK

/** The option names and the action that messages mention. */
export interface PublicKeyNames {
  readonly action: string
  readonly publicKey: string
  readonly jwksUri: string
  readonly algorithms: string
}

/**
 * One public key: SubjectPublicKeyInfo (RFC 7468 section 13) or an X.509 certificate (RFC 7468 section 5) in PEM, as text or as the bytes of
 * a file, the base64 of that text, or a JWK (RFC 7517), as an object or as JSON. Removes quotes around text, and reads a literal `\n` as a
 * line break. Ignores `kid`, and the dates of a certificate.
 *
 * The key is parsed immediately. It is imported on first use, or by `ready`.
 *
 * @throws TypeError for anything else, for a private or weak key, and for one that fits none of the algorithms
 */
export function publicKey(input: PublicKeyInput, algorithms: readonly Algorithm[] = DEFAULT_ALGORITHMS): KeySource {
  const { jwk, fitting } = readPublicKey(input, algorithms, NAMES)
  const material = publicMaterial(jwk)
  const imported = new Map<string, CryptoKey>()
  const resolve = async ({ alg }: JoseHeader): Promise<CryptoKey> => {
    const known = imported.get(alg)
    if (known !== undefined) return known
    if (!isAlgorithm(alg)) throw new AuthError('algorithm_not_allowed', { actual: alg })
    if (!fits(jwk, alg, jwk['alg']))
      throw new AuthError('algorithm_key_mismatch', {
        expected: 'an algorithm of the configured public key',
        actual: alg,
        hint: `The configured public key is ${nameOf(jwk)}`,
      })
    const key = await importKey(material, alg)
    imported.set(alg, key)
    return key
  }
  return bare({
    resolve,
    current: ({ alg }) => imported.get(alg),
    ready: async () => {
      const outcomes = await Promise.allSettled(fitting.map(async (alg) => resolve({ alg })))
      if (outcomes.every(({ status }) => status === 'rejected'))
        throw misconfigured(NAMES.action, `this JavaScript runtime does not accept the key in "publicKey"`, nameOf(jwk))
    },
    describe: () => 'one public key',
  })
}

/**
 * Reads a public key without importing it.
 *
 * @throws TypeError that says what was found and what to write, and never quotes the key
 */
export function readPublicKey(
  input: unknown,
  algorithms: readonly Algorithm[],
  names: PublicKeyNames,
): { readonly jwk: JwkMember; readonly fitting: readonly Algorithm[] } {
  const read = readKeyText(input)
  const jwk = jwkOf(read)
  if (jwk === undefined) throw unusable(read, names)
  const flaw = lintJwk(jwk)
  if (flaw === 'private_parts') throw holdsPrivateKey(names)
  if (flaw === 'symmetric')
    throw misconfigured(names.action, `${names.publicKey} must be a public key, found a secret: give it as "secret"`)
  if (flaw !== undefined)
    throw misconfigured(names.action, `the key in ${names.publicKey} is ${nameOf(jwk)}, and not fit for use: ${flaw}`)
  const fitting = algorithms.filter((alg) => fits(jwk, alg, jwk['alg']))
  if (fitting.length > 0) return { jwk, fitting }
  throw misconfigured(
    names.action,
    `the key in ${names.publicKey} is ${nameOf(jwk)}: name an algorithm of it in ${names.algorithms}, or give another key`,
    algorithms,
  )
}

const NAMES: PublicKeyNames = {
  action: 'use public key',
  publicKey: '"publicKey"',
  jwksUri: '"jwksUri"',
  algorithms: '"algorithms"',
}

function jwkOf(read: KeyText): JwkMember | undefined {
  if (read.kind === 'jwk') return presentMembers(read.jwk)
  return read.kind === 'pem' && isPublicLabel(read.label) ? jwkOfDer(read.label, read.der) : undefined
}

function isPublicLabel(label: string): label is PublicLabel {
  return label === 'PUBLIC KEY' || label === 'CERTIFICATE'
}

function unusable(read: KeyText, names: PublicKeyNames): TypeError {
  if ('label' in read && read.label?.includes('PRIVATE KEY')) return holdsPrivateKey(names)
  const found = foundIn(read)
  const advice = found === 'a URL' ? `give it as ${names.jwksUri}` : own(ADVICE, found)
  return misconfigured(
    names.action,
    `${names.publicKey} must be a public key or certificate in PEM, the base64 of that text, or a JWK, found ${found}${
      advice === undefined ? '' : `: ${advice}`
    }`,
  )
}

function foundIn(read: KeyText): string {
  if (read.kind === 'other') return read.found
  if (read.kind === 'pem')
    return isPublicLabel(read.label) ? 'a key of an unknown kind, or a damaged one' : `a PEM of "${read.label}"`
  const label = read.kind === 'der' && (['PUBLIC KEY', 'CERTIFICATE'] as const).find((name) => jwkOfDer(name, read.der))
  return `${read.kind === 'der' ? read.found : 'a JWK'}${label ? ` of a ${label.toLowerCase()}` : ''}`
}

const ADVICE: Readonly<Record<string, string>> = {
  'DER of a public key': 'convert it with "openssl pkey -pubin -inform DER"',
  'DER of a certificate': 'convert it with "openssl x509 -inform DER"',
  'DER in base64 of a public key': 'put it between "-----BEGIN PUBLIC KEY-----" and "-----END PUBLIC KEY-----"',
  'DER in base64 of a certificate': 'put it between "-----BEGIN CERTIFICATE-----" and "-----END CERTIFICATE-----"',
  'a PEM of "RSA PUBLIC KEY"': 'convert it with "openssl rsa -RSAPublicKey_in -pubout"',
  'a PEM of "CERTIFICATE REQUEST"': 'take its key out with "openssl req -pubkey -noout"',
  'a PEM of "NEW CERTIFICATE REQUEST"': 'take its key out with "openssl req -pubkey -noout"',
  'an SSH key': 'convert it with "ssh-keygen -e -m PKCS8 -f key.pub"',
  'a JWK Set': 'give it as "jwks"',
  'a Promise': 'await it',
  'a CryptoKey': 'give "keys": { resolve: async () => key }',
  'a KeyObject': 'give key.export({ type: "spki", format: "pem" })',
  'an ArrayBuffer': 'give new Uint8Array(buffer)',
}

function holdsPrivateKey({ action, publicKey: name }: PublicKeyNames): TypeError {
  return misconfigured(
    action,
    `${name} holds a private key: give the public key, and replace the private one if others could read it`,
  )
}

function nameOf({ kty, crv, alg }: JwkMember): string {
  if (kty === 'EC') return `an EC key on ${typeof crv === 'string' && crv.length <= 10 ? crv : 'an unknown curve'}`
  const type = String(kty === 'OKP' ? crv : kty === 'AKP' ? alg : kty)
  // The value may be anything, even a private key.
  if (!/^[\w-]{1,10}$/.test(type)) return 'a key of an unknown type'
  return `${/^[AEFHILMNORSX]/.test(type) ? 'an' : 'a'} ${type} key`
}
