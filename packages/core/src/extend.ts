export {
  type AdapterOptions,
  type AdapterRules,
  type EnvironmentOptions,
  resolveAdapterOptions,
} from './adapter-options.ts'
export { catalogue, type CatalogueEntry } from './errors/catalogue.ts'
export { AuthError, type AuthErrorDetails } from './errors/auth-error.ts'
export { misconfigured } from './errors/misconfigured.ts'
export type { Binding } from './binding/binding.ts'
export type { TokenCheck } from './checks/token-check.ts'
export { isRequirement, type Requirement } from './authorization/requirement.ts'
export { type RefusedError, refusedError } from './http/refused-error.ts'
export { rawFieldValues } from './http/raw-field-values.ts'
export { createMemoryJwkSetStore, type JwkSetSeed, type JwkSetStore } from './keys/jwk-set-store.ts'
export type { KeySource } from './keys/key-source.ts'
export { publicKey } from './keys/public-key.ts'
export { remoteKeySet, type RemoteKeySet, type RemoteKeySetOptions } from './keys/remote-key-set.ts'
export { staticKeySet, type StaticKeySetOptions } from './keys/static-key-set.ts'
export { DEFAULT_LIMITS, type Limits, MAXIMUM_LIMITS } from './model/limits.ts'
export { systemClock, type Clock } from './model/clock.ts'
export { verifyJws, type VerifiedJws, type VerifyJwsOptions } from './token/verify-jws.ts'
export { createVerifier, type Verifier } from './verifier.ts'
