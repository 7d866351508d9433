export { createAuthenticator, type Authenticator } from './authenticator/authenticator.ts'
export type { AuthenticatorOptions, HttpOptions, ReadyVerifier } from './authenticator/options.ts'
export { claim, type ClaimRequirement } from './authorization/requirements.ts'
export { allOf, anyOf, not } from './authorization/requirements.ts'
export {
  type AuthorizationDetail,
  authorizationDetails,
  type AuthorizationDetailsOptions,
} from './authorization/authorization-details.ts'
export { stepUp, type StepUpOptions } from './authorization/step-up.ts'
export type { Requirement, RequirementContext } from './authorization/requirements.ts'
export { anyScope, scope } from './authorization/requirements.ts'
export type { Binding, BindingFinding, BindingStep } from './confirmation/binding.ts'
export type { TokenCheck, TokenCheckContext } from './pipeline/token-checks.ts'
export type { ClaimsSchema } from './claims/application-checks.ts'
export { AuthError, type AuthErrorDetails } from './errors/auth-error.ts'
export type { WireError, WireRefusal } from './model/catalogue.ts'
export type {
  AuthorizationSource,
  CookieSource,
  CredentialSource,
  FormSource,
  HeaderSource,
  QuerySource,
} from './http/credential-sources.ts'
export type { Anonymous, Authenticated, Outcome, RefusalResponse, Refused } from './http/outcome.ts'
export type { ProtectedResource, ResourceFacts, ResourceResponse } from './http/protected-resource.ts'
export type { RefusalLog } from './http/refusal-log.ts'
export type { RefusalBody } from './http/refusal-response.ts'
export { firstOf, type PublicKeyLocation, type SecretAndPublicKeys, type SecretLocation } from './keys/first-of.ts'
export type { JSONWebKeySet } from './keys/jwk/jwk-set.ts'
export type { JwkSetSeed, JwkSetStore, WantedSeed } from './keys/remote/options.ts'
export type { KeyContext, KeySource, KeySourceStats } from './keys/key-source.ts'
export type { RemoteKeySetTuning } from './keys/remote/options.ts'
export type { Algorithm, AsymmetricAlgorithm, SymmetricAlgorithm } from './model/algorithm.ts'
export type { ClaimCondition, ClaimPredicate } from './model/claim-path.ts'
export type { ClaimPath } from './model/claim-path.ts'
export type { Clock } from './model/runtime.ts'
export type { ErrorCode } from './model/catalogue.ts'
export type * from './model/events.ts'
export type { FetchBody, FetchHeaders, FetchInit, FetchLike, FetchReader, FetchResponse } from './model/runtime.ts'
export type { Limits } from './model/limits.ts'
export type { Credential, FormFields, Peer, RequestView } from './model/token.ts'
export { signedClaims } from './model/token.ts'
export type { Claims, JoseHeader, VerifiedToken } from './model/token.ts'
export type {
  ClaimRules,
  IssuerPolicy,
  IssuerResolver,
  KeyLocation,
  ManyIssuersOptions,
  SharedOptions,
  SingleIssuerOptions,
  VerifierOptions,
} from './pipeline/options.ts'
export { optionsFromEnv, type Environment } from './pipeline/environment.ts'
export type { Explanation, ExplanationStep } from './pipeline/explain.ts'

export type { AsOf, VerifyContext } from './pipeline/run-steps.ts'
export type { IssuerStatus, VerifierStatus } from './pipeline/status.ts'
export { createVerifier, type Verifier, verify } from './pipeline/verifier.ts'
export { anyRole, role } from './authorization/requirements.ts'
export type { KeySourcePlan } from './keys/key-source.ts'
export type { PublishedAs } from './model/token.ts'
export type { ProviderRules } from './pipeline/options.ts'
export type { TokenCacheOptions } from './pipeline/token-cache-options.ts'
