export {
  ADAPTER_OPTIONS,
  type AdapterOptions,
  type AdapterRules,
  type EnvironmentOptions,
  resolveAdapterOptions,
} from './adapter-options.ts'
export { catalogue, type CatalogueEntry } from './errors/catalogue.ts'
export { asError } from './errors/as-error.ts'
export { AuthError, type AuthErrorDetails } from './errors/auth-error.ts'
export { assertKnownOptions, knownOptions } from './errors/known-options.ts'
export { isOptions, kindOf, misconfigured } from './errors/misconfigured.ts'
export {
  anything,
  callback,
  checkOptions,
  flag,
  listOf,
  type NumberRange,
  numberIn,
  objectWith,
  oneOf,
  type OptionRule,
  type OptionRules,
  type OptionsCheck,
  optionsOf,
  readNumbers,
} from './errors/option-rules.ts'
export { quote } from './errors/quote.ts'
export type { Binding } from './binding/binding.ts'
export type { TokenCheck } from './checks/token-check.ts'
export { isRequirement, type Requirement } from './authorization/requirement.ts'
export { admittedToken } from './http/admitted-token.ts'
export { type RefusedError, refusedError } from './http/refused-error.ts'
export {
  createLogRefusal,
  type LogRefusal,
  type RefusalLine,
  type RefusalLog,
  resolveLog,
  writeTo,
} from './http/refusal-log.ts'
export { nodeFieldValues } from './http/node-field-values.ts'
export { createMemoryJwkSetStore, type JwkSetSeed, type JwkSetStore } from './keys/jwk-set-store.ts'
export { MOST_CANDIDATES, TOO_MANY } from './keys/jwk/key-selection.ts'
export { type KeyContext, type KeySource, ownKeySource } from './keys/key-source.ts'
export { possibleKeys } from './keys/possible-keys.ts'
export { bytesOf, numberOf } from './keys/jwk/jwk-bytes.ts'
export { type JwkMember, lintJwk, presentMembers, publicMaterial } from './keys/jwk/jwk-lint.ts'
export { type KeyText, readKeyText } from './keys/key-text.ts'
export { publicKey } from './keys/public-key.ts'
export { remoteKeySet, type RemoteKeySet, type RemoteKeySetOptions } from './keys/remote-key-set.ts'
export { staticKeySet, type StaticKeySetOptions } from './keys/static-key-set.ts'
export { DEFAULT_LIMITS, type Limits, MAXIMUM_LIMITS } from './model/limits.ts'
export { systemClock, type Clock } from './model/clock.ts'
export { emit } from './model/emit.ts'
export { bare, bareThrough, has, own, ownOptions } from './model/own.ts'
export { knownSigned, signedClaims } from './model/signed-claims.ts'
export { isThenable } from './model/thenable.ts'
export type { EventListener, KeyFlaw } from './model/events.ts'
export type { JoseHeader, VerifiedToken } from './model/token.ts'
export { resolveClock, resolveLimits } from './options.ts'
export { checkHeader, FIXED_LIMIT, ignoredKeysHint } from './token/check-header.ts'
export { tooLong } from './token/parse-jws.ts'
export { decodePart } from './token/decode-part.ts'
export type { Explanation, ExplanationStep } from './token/explain-token.ts'
export { parseJsonObject } from './token/parse-json.ts'
export { createReferenceVerifier } from './reference-verifier.ts'
export { verifyJws, type VerifiedJws, type VerifyJwsOptions } from './token/verify-jws.ts'
export { createVerifier, type Verifier, type VerifyContext } from './verifier.ts'
