import type { CryptoKey, JWK } from 'jose'
import { exportJWK } from 'jose/key/export'
import { importSPKI, importX509 } from 'jose/key/import'
import { AuthError } from '../errors/auth-error.ts'
import { misconfigured } from '../errors/misconfigured.ts'
import { type Algorithm, DEFAULT_ALGORITHMS, isAlgorithm } from '../model/algorithm.ts'
import type { JoseHeader } from '../model/token.ts'
import type { KeySource } from './key-source.ts'
import { lintJwk } from './jwk/jwk-lint.ts'

/**
 * One public key in PEM: SubjectPublicKeyInfo (RFC 7468 section 13) or an X.509 certificate (RFC 7468 section 5), or the
 * base64 of that text. `kid` is not looked at, and neither are the dates of a certificate.
 *
 * `ready` imports it, and throws a `TypeError` for a key that is weak or that fits none of the algorithms; without it, the first
 * token does.
 *
 * @throws TypeError for text that is none of these, or that holds a private key
 */
export function publicKey(text: string, algorithms: readonly Algorithm[] = DEFAULT_ALGORITHMS): KeySource {
  const { pem, importPem } = readPem(text)
  const imported = new Map<string, CryptoKey>()
  const resolve = async ({ alg }: JoseHeader): Promise<CryptoKey> => {
    const known = imported.get(alg)
    if (known !== undefined) return known
    if (!isAlgorithm(alg)) throw new AuthError('algorithm_not_allowed', { actual: alg })
    const key = await importFor(alg, pem, importPem)
    imported.set(alg, key)
    return key
  }
  return {
    resolve,
    current: ({ alg }) => imported.get(alg),
    ready: async () => {
      const outcomes = await Promise.allSettled(algorithms.map(async (alg) => resolve({ alg })))
      const failures = outcomes.filter((outcome) => outcome.status === 'rejected').map(({ reason }): unknown => reason)
      const unfit = failures.find((reason) => reason instanceof TypeError)
      if (unfit !== undefined) throw unfit
      if (failures.length === outcomes.length)
        throw misconfigured('use public key', 'the key in "publicKey" must fit one of "algorithms"', algorithms)
    },
    describe: () => 'one public key',
  }
}

const BEGIN = '-----BEGIN'

type ImportPem = (pem: string, algorithm: string, options?: { extractable?: boolean }) => Promise<CryptoKey>

function readPem(text: string): { readonly pem: string; readonly importPem: ImportPem } {
  const action = 'use public key'
  if (typeof text !== 'string' || text.trim() === '')
    throw misconfigured(action, '"publicKey" must be a PEM text or the base64 of one', typeof text)
  const plain = (text.includes(BEGIN) ? text : fromBase64(text)).replaceAll('\\n', '\n')
  // Tools put remarks before it.
  const pem = plain.slice(Math.max(0, plain.indexOf(BEGIN))).trim()
  const label = /^-----BEGIN ([A-Z0-9 ]+)-----/.exec(pem)?.[1]
  if (label === 'PUBLIC KEY') return { pem, importPem: importSPKI }
  if (label === 'CERTIFICATE') return { pem, importPem: importX509 }
  if (label?.includes('PRIVATE KEY'))
    throw misconfigured(
      action,
      '"publicKey" holds a private key: give the public key, and replace the private one if others could read it',
    )
  if (label === 'RSA PUBLIC KEY')
    throw misconfigured(
      action,
      '"publicKey" is in PKCS #1 form: convert it with "openssl rsa -RSAPublicKey_in -pubout"',
    )
  throw misconfigured(
    action,
    '"publicKey" must start with "-----BEGIN PUBLIC KEY-----" or "-----BEGIN CERTIFICATE-----", or be the base64 of such a text',
    label === undefined ? 'neither' : label,
  )
}

function fromBase64(text: string): string {
  try {
    return atob(text.replaceAll(/\s/g, '').replaceAll('-', '+').replaceAll('_', '/'))
  } catch {
    return ''
  }
}

async function importFor(algorithm: Algorithm, pem: string, importPem: ImportPem): Promise<CryptoKey> {
  let jwk: JWK
  let key: CryptoKey
  try {
    // Extractable only to be looked at: the same rules hold for a key in PEM as for one in a JWK Set.
    jwk = await exportJWK(await importPem(pem, algorithm, { extractable: true }))
    key = await importPem(pem, algorithm, { extractable: false })
  } catch (cause) {
    throw new AuthError('algorithm_key_mismatch', {
      expected: 'the algorithm of the configured public key',
      actual: algorithm,
      hint: 'If no token verifies, the text of "publicKey" may be damaged',
      cause,
    })
  }
  const flaw = lintJwk(jwk)
  if (flaw !== undefined) throw misconfigured('use public key', `the key in "publicKey" is not fit for use: ${flaw}`)
  return key
}
