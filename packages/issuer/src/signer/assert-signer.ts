import { own, ownOptions } from '../own.ts'
import { refusal } from '../refusal.ts'
import { isSigningAlgorithm } from './algorithm.ts'
import type { Signer } from './signer.ts'

/**
 * Something with the members of a {@link Signer}. Whether it signs well is another question.
 *
 * @throws TypeError that names the member, its rule and what was found.
 */
export function assertSigner(signer: unknown): asserts signer is Signer {
  if (typeof signer !== 'object' || signer === null) throw notSigner(typeof signer)
  if (typeof own(signer, 'then') === 'function') throw notSigner('a promise: await it')
  const { alg, kid, publicJwk, sign }: { readonly [member in keyof Signer]?: unknown } = ownOptions(signer, MEMBERS)
  if (typeof sign !== 'function') throw notSigner('an object without "sign"')
  if (!isSigningAlgorithm(alg)) throw refusal('use key', '"alg" must be an asymmetric signature algorithm', alg)
  if (typeof kid !== 'string' || kid.length === 0 || kid.length > 256) {
    throw refusal('use key', '"kid" must have 1 to 256 characters', kid)
  }
  if (typeof publicJwk !== 'object' || publicJwk === null) {
    throw refusal('use key', '"publicJwk" must be a JWK', typeof publicJwk)
  }
}

const MEMBERS: readonly (keyof Signer)[] = ['alg', 'kid', 'publicJwk', 'sign']

const notSigner = (found: string): TypeError =>
  new TypeError(`Cannot use key: it must be a signer, such as localSigner makes, found ${found}`)
