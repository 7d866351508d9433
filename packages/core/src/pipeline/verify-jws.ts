import { checkPadding, parseJws } from '../jws/parse.ts'
import { checkAlgorithm, verifySignature, webCryptoSignature } from '../jws/signature.ts'
import { type KeyContext, type KeySource, ownKeySource, possibleKeys } from '../keys/key-source.ts'
import { type Algorithm, isAlgorithm } from '../model/algorithm.ts'
import type { Limits } from '../model/limits.ts'
import type { JoseHeader } from '../model/token.ts'
import { knownOptions } from '../options/known-options.ts'
import { anything, checkOptions, objectWith, type OptionRules } from '../options/option-rules.ts'
import { resolveLimits } from './options.ts'

/** What to check a signature with. */
export interface VerifyJwsOptions {
  readonly keys: KeySource
  readonly algorithms: readonly Algorithm[]
  readonly limits?: Partial<Limits>
}

/** A JWS whose signature has been verified. */
export interface VerifiedJws {
  readonly header: JoseHeader
  readonly payload: Uint8Array
}

/**
 * Runs every check up to the signature, and none on claims. For features, adapters and conformance suites. The result proves who signed the
 * payload; content, audience and expiry are unchecked. The time of signing is unknown, so while a fetched key set cannot be fetched again,
 * an unknown `kid` throws `keys_unavailable`.
 *
 * @throws AuthError
 */
export async function verifyJws(token: string, options: VerifyJwsOptions): Promise<VerifiedJws> {
  const given = knownOptions(ACTION, options, Object.keys(RULES))
  checkOptions(ACTION, given, RULES, { required: ['keys', 'algorithms'] })
  const { keys, algorithms, limits } = given
  const parsed = parseJws(token, resolveLimits(ACTION, limits))
  checkPadding(parsed, 'refuse')
  const algorithm = checkAlgorithm(parsed, new Set(algorithms))
  const source = ownKeySource(keys)
  const { header } = parsed
  const current = source.current?.(header)
  await verifySignature(parsed, algorithm, {
    candidates: current === undefined ? await possibleKeys(source, header, UNKNOWN_TIME) : [current],
    isSignedBy: webCryptoSignature,
    replacementOf: (failed) => source.resolveAgain?.(header, failed, UNKNOWN_TIME),
  })
  return { header, payload: parsed.payload }
}

const ACTION = 'verify JWS'
const UNKNOWN_TIME: KeyContext = Object.freeze({ issuedBefore: undefined })
const RULES: OptionRules = {
  keys: objectWith('a key source with a resolve method', 'resolve'),
  algorithms: {
    be: 'a list of algorithms, such as ["RS256"]',
    fits: (value) => Array.isArray(value) && value.length > 0 && value.every(isAlgorithm),
  },
  limits: anything,
}
