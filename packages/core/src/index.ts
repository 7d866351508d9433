export { createAuthenticator, type Authenticator } from './authenticator.ts'
export type { AuthenticatorOptions, HttpOptions, ReadyVerifier } from './authenticator-options.ts'
export { claim, type ClaimRequirement } from './authorization/claim.ts'
export { allOf, anyOf, not } from './authorization/combinators.ts'
export type { Requirement } from './authorization/requirement.ts'
export { anyScope, scope } from './authorization/scope.ts'
export type { Binding } from './binding/binding.ts'
export type { TokenCheck } from './checks/token-check.ts'
export type { ClaimsSchema } from './claims/schema.ts'
export { AuthError, type AuthErrorDetails } from './errors/auth-error.ts'
export type { WireError } from './errors/catalogue.ts'
export type {
  AuthorizationSource,
  CookieSource,
  CredentialSource,
  FormSource,
  HeaderSource,
  QuerySource,
} from './http/credential-source.ts'
export type { Anonymous, Authenticated, Outcome, RefusalResponse, Refused } from './http/outcome.ts'
export type { RefusalLog } from './http/refusal-log.ts'
export type { RefusalBody } from './http/refusal-response.ts'
export { firstOf, type PublicKeyLocation, type SecretAndPublicKeys, type SecretLocation } from './keys/first-of.ts'
export type { JSONWebKeySet } from './keys/jwk/jwk-set.ts'
export type { JwkSetSeed, JwkSetStore } from './keys/jwk-set-store.ts'
export type { KeyContext, KeySource } from './keys/key-source.ts'
export type { RemoteKeySetTuning } from './keys/remote-key-set.ts'
export type { Algorithm, AsymmetricAlgorithm, SymmetricAlgorithm } from './model/algorithm.ts'
export type { ClaimCondition, ClaimPredicate } from './model/claim-condition.ts'
export type { ClaimPath } from './model/claim-path.ts'
export type { Clock } from './model/clock.ts'
export type { ErrorCode } from './model/error-code.ts'
export type * from './model/events.ts'
export type { FetchBody, FetchHeaders, FetchInit, FetchLike, FetchReader, FetchResponse } from './model/fetch.ts'
export type { Limits } from './model/limits.ts'
export type { FormFields, RequestView } from './model/request-view.ts'
export { signedClaims } from './model/signed-claims.ts'
export type { Claims, JoseHeader, VerifiedToken } from './model/token.ts'
export type {
  ClaimRules,
  IssuerPolicy,
  IssuerResolver,
  KeyLocation,
  ManyIssuersOptions,
  SharedOptions,
  SingleIssuerOptions,
  TokenCacheOptions,
  VerifierOptions,
} from './options.ts'
export { optionsFromEnv, type Environment } from './options-from-env.ts'
export type { Explanation, ExplanationStep } from './token/explain-token.ts'
export { createVerifier, verify, type AsOf, type Verifier, type VerifyContext } from './verifier.ts'
