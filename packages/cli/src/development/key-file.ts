import { createPrivateKey, type KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'

import { isOptions, own } from '@claimgate/core/adapter'
import { createTestKeys, type TestKeys } from '@claimgate/testing'
import { calculateJwkThumbprint, compactVerify, decodeProtectedHeader, type JWK } from 'jose'

import { CannotSay } from '../outcome.ts'

/** How to use a key file. */
export interface KeyFileOptions {
  /** @defaultValue the `alg` of the JWK, otherwise what fits the key: RS256, ES256, ES384, ES512 or EdDSA */
  readonly alg?: string
  /** @defaultValue the `kid` of the JWK, otherwise the RFC 7638 thumbprint */
  readonly kid?: string
}

/**
 * Reads a private key: PEM (PKCS #8, PKCS #1, SEC 1), a JWK, or a JWK Set with one private key. Its messages never quote the file.
 *
 * @throws CannotSay that says what was found instead
 */
export async function readKeyFile(path: string, { alg, kid }: KeyFileOptions): Promise<TestKeys> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new CannotSay(`The key file cannot be read: ${error.code ?? 'unknown error'}.`)
  })
  const jwk = text.includes('-----BEGIN ') ? jwkOf(privateKeyOf(text)) : privateJwkIn(text)
  const chosen = alg ?? jwk.alg ?? algorithmOf(jwk)
  if (chosen === undefined) throw new CannotSay('The key file does not say its algorithm. Give it: --alg ES256')
  try {
    return await createTestKeys(chosen, {
      privateJwk: { ...jwk, kid: kid ?? jwk.kid ?? (await calculateJwkThumbprint(jwk)) },
    })
  } catch {
    // The cause is dropped on purpose: a message of the runtime could quote the key.
    throw new CannotSay(`The key in the file is not a private key for ${chosen}.`)
  }
}

/**
 * The private key in a file, which must be the one that signed a token.
 *
 * @throws CannotSay
 */
export async function readKeyOf(token: string, path: string): Promise<TestKeys> {
  const { alg, kid } = headerOf(token)
  const keys = await readKeyFile(path, { ...(alg !== undefined && { alg }), ...(kid !== undefined && { kid }) })
  const fits = await compactVerify(token, keys.publicKey).then(
    () => true,
    () => false,
  )
  if (fits) return keys
  throw new CannotSay('The key in the file did not sign the token.')
}

function headerOf(token: string): { readonly alg?: string | undefined; readonly kid?: string | undefined } {
  try {
    return decodeProtectedHeader(token)
  } catch {
    throw new CannotSay('The token is not a signed JWT of three parts.')
  }
}

function privateKeyOf(pem: string): KeyObject {
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/.test(pem))
    throw new CannotSay(
      'The key file is encrypted. Decrypt it first, for example: openssl pkey -in key.pem -out plain.pem',
    )
  try {
    return createPrivateKey(pem)
  } catch {
    throw new CannotSay(
      'The key file must hold a private key in PEM (PKCS #8, PKCS #1 or SEC 1), and holds something else.',
    )
  }
}

function jwkOf(key: KeyObject): JWK {
  try {
    return key.export({ format: 'jwk' })
  } catch {
    throw new CannotSay('The key in the file is of a kind that does not sign JWTs.')
  }
}

function privateJwkIn(text: string): JWK {
  const value = jsonOf(text)
  const set = isOptions(value) ? own(value, 'keys') : undefined
  const candidates: readonly unknown[] = Array.isArray(set) ? set : [value]
  const privates = candidates.filter(
    (one) => isOptions(one) && ['d', 'priv'].some((name) => own(one, name) !== undefined),
  )
  const [first, second] = privates as readonly JWK[]
  if (first === undefined)
    throw new CannotSay('The key file must hold a private key, in PEM or as a JWK, and holds something else.')
  if (second !== undefined)
    throw new CannotSay('The key file holds several private keys. Give a file with one of them.')
  return first
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const BY_CURVE: Readonly<Record<string, string>> = {
  'P-256': 'ES256',
  'P-384': 'ES384',
  'P-521': 'ES512',
  Ed25519: 'EdDSA',
}

function algorithmOf({ kty, crv = '' }: JWK): string | undefined {
  return kty === 'RSA' ? 'RS256' : own(BY_CURVE, crv)
}
