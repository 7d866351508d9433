import { checkPadding, parseJws } from '../jws/parse.ts'
import { checkAlgorithm, verifySignature, webCryptoSignature } from '../jws/signature.ts'
import { type KeyContext, type KeySource, ownKeySource, possibleKeys } from '../keys/key-source.ts'
import { type Algorithm, isAlgorithm } from '../model/algorithm.ts'
import type { Limits } from '../model/limits.ts'
import type { JoseHeader } from '../model/token.ts'
import { numberIn, objectWith, optionsOf, type OptionTable, required } from '../options/option-rules.ts'
import { readOptions } from '../options/read-options.ts'
import { LIMITS } from './options.ts'

/** What to check a signature with. */
export interface VerifyJwsOptions {
  readonly keys: KeySource
  readonly algorithms: readonly Algorithm[]
  readonly limits?: Partial<Limits>
  /** Characters of the JWS, instead of `limits.tokenLength`: for a document. From 1 to 268,435,456. @defaultValue that limit */
  readonly maxLength?: number | undefined
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
 * @throws TypeError for options that are missing or wrong
 */
export async function verifyJws(token: string, options: VerifyJwsOptions): Promise<VerifiedJws> {
  const { keys, algorithms, limits, maxLength } = readOptions(ACTION, options, VERIFY_JWS) as VerifyJwsOptions & {
    readonly limits: Limits
  }
  const parsed = parseJws(token, maxLength === undefined ? limits : { ...limits, tokenLength: maxLength })
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
const VERIFY_JWS: OptionTable<VerifyJwsOptions> = {
  keys: required(objectWith('a key source with a resolve method', 'resolve')),
  algorithms: required({
    be: 'a list of algorithms, such as ["RS256"]',
    fits: (value) => Array.isArray(value) && value.length > 0 && value.every(isAlgorithm),
  }),
  limits: optionsOf('an object, such as { tokenLength: 32_768 }', LIMITS),
  maxLength: numberIn({ least: 1, most: 268_435_456, whole: true }),
}
