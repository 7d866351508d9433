export {
  ADAPTER_OPTIONS,
  type AdapterOptions,
  type AdapterRules,
  type EnvironmentOptions,
  type MiddlewareAdapterOptions,
  READY,
  readAdapterOptions,
  type ReadAdapterOptions,
  readMiddlewareOptions,
  readsEnvironment,
  type ReadyAuthenticator,
  type RequirementOption,
} from './authenticator/adapter-options.ts'
export { type Admission, type Admissions, createAdmissions } from './authenticator/admissions.ts'
export { assertCanAsk, assertVerified, type Authenticator, createAuthenticator } from './authenticator/authenticator.ts'
export { type AuthenticatorOptions, HTTP_OPTIONS } from './authenticator/options.ts'
export { catalogue, type CatalogueEntry } from './model/catalogue.ts'
export { answeredWithin, answerOf, type Deadline } from './errors/deadline.ts'
export { asError, asRefusal, orThrow, reportNotAccepted, TransportError } from './errors/auth-error.ts'
export { AuthError, type AuthErrorDetails } from './errors/auth-error.ts'
export {
  anything,
  callback,
  type Filled,
  flag,
  isOptions,
  kindOf,
  listOf,
  misconfigured,
  narrowing,
  type NumberRange,
  numberIn,
  type NumbersOf,
  objectWith,
  oneOf,
  type OptionRow,
  type OptionRule,
  optionsOf,
  type OptionTable,
  required,
} from './options/option-rules.ts'
export { readOptions } from './options/read-options.ts'
export { hexSha256 } from './bytes/hex.ts'
export { quote } from './errors/quote.ts'
export { BodyError, type BodyLimits, type NextChunk, readBody, readBytes } from './http/body.ts'
export { b64TokenFlaw } from './http/credential.ts'
export { decodedPath, publicUrl, resolveOrigin, withoutOrigin } from './http/origin.ts'
export {
  entityTag,
  fetchDocument,
  type FetchDocumentOptions,
  type FetchedDocument,
  freshSeconds,
} from './keys/fetch/fetch-document.ts'
export { FetchError, retrySeconds, systemCode } from './keys/fetch/fetch-error.ts'
export { checkedFields, isHttpToken, isPlainText, isScope } from './model/http-text.ts'
export type { Binding, BindingFinding, BindingStep } from './confirmation/binding.ts'
export type { TokenCheck, TokenCheckContext } from './pipeline/token-checks.ts'
export { isRequirement, type Requirement } from './authorization/requirements.ts'
export {
  addFields,
  admitted,
  admittedToken,
  assertCalled,
  givenRequirement,
  isRequirementRule,
  nodeClientCertificate,
  nodeFieldValues,
  nodePeer,
  type NodeRequest,
  nodeRequestView,
  NodeRequestView,
  noRequirement,
  type ParsedRequest,
  requirementFor,
  type RequirementRule,
  type RequestSource,
  type ResponseFields,
  sendNode,
  viewOf,
} from './authenticator/adapter.ts'
export { LONGEST_WAIT, onExpiry, timeLeft } from './authenticator/expiry.ts'
export { propertyOption, setProperty, userOrToken } from './authenticator/request-property.ts'
export type { Authenticated, Outcome, RefusalResponse, Refused } from './http/outcome.ts'
export { metadataAnswer, resourceList } from './http/protected-resource.ts'
export { formFieldOf, isWebResponse, requestView, webResponse } from './http/web-request.ts'
export { type RefusedError, refusedError } from './http/refusal-response.ts'
export {
  createLogRefusal,
  logOption,
  type LogRefusal,
  type RefusalLine,
  type RefusalLog,
  writeTo,
} from './http/refusal-log.ts'
export { createMemoryJwkSetStore, type JwkSetSeed, type JwkSetStore } from './keys/remote/options.ts'
export { MOST_CANDIDATES, TOO_MANY } from './keys/jwk/select-key.ts'
export type { ProtectedResource, ResourceFacts, ResourceResponse } from './http/protected-resource.ts'
export { configuredUriFlaw, httpHost, isUrl, type PlainHttp, plainHttpFrom, uriFlaw } from './keys/fetch/key-uri.ts'
export {
  afterFailure,
  afterStart,
  afterSuccess,
  type AttemptHistory,
  nextAttemptAt,
  NO_ATTEMPTS,
} from './keys/remote/attempt-history.ts'
export { discoveredKeySet, firstMetadata, jwksUriOf, metadataOf, metadataUris } from './keys/remote/discovery.ts'
export { lifetime } from './keys/remote/refresh-policy.ts'
export { isSeedOf, leasedJwkSets, type LeasedStorage } from './keys/remote/leased-store.ts'
export { fetchOption, httpHosts, KEY_SET_TUNING, type RemoteKeySetOptions, transportOf } from './keys/remote/options.ts'
export { type KeyContext, type KeySource, type KeySourcePlan, ownKeySource } from './keys/key-source.ts'
export { possibleKeys } from './keys/key-source.ts'
export { bytesOf, numberOf } from './keys/jwk/key-material.ts'
export { importKey, parseJwkSet } from './keys/jwk/jwk-set.ts'
export {
  fits,
  flawOfJwk,
  type JwkFlaw,
  type JwkMember,
  lintJwk,
  presentMembers,
  publicMaterial,
} from './keys/jwk/lint.ts'
export { jwkOfDer, type KeyText, readKeyText, validityOf } from './keys/key-text.ts'
export { parseStrictJson, StrictJsonError } from './json/strict-json.ts'
export { cookieValues, type CredentialSource } from './http/credential-sources.ts'
export { firstOf } from './keys/first-of.ts'
export type { ProviderRules, SingleIssuerOptions } from './pipeline/options.ts'
export { type Environment, optionsFromEnv } from './pipeline/environment.ts'
export type { PublishedAs } from './model/token.ts'
export { type ClaimPath, copyPath, isClaimPath, nameOfPath } from './model/claim-path.ts'
export { claim, type ClaimRequirement } from './authorization/requirements.ts'
export { isTextList } from './pipeline/options.ts'
export { wrappedVerifier } from './options/wrapped-verifier.ts'
export { nearestName } from './options/suggestions.ts'
export { publicKey } from './keys/public-key.ts'
export { remoteKeySet, type RemoteKeySet } from './keys/remote/key-set.ts'
export { staticKeySet, type StaticKeySetOptions } from './keys/static-key-set.ts'
export { DEFAULT_LIMITS, type Limits, MAXIMUM_LIMITS } from './model/limits.ts'
export {
  type Clock,
  defaultSharing,
  duration,
  type FetchLike,
  isLoopback,
  iatTolerance,
  LAST_SECOND,
  systemClock,
} from './model/runtime.ts'
export {
  type Algorithm,
  type AsymmetricAlgorithm,
  DEFAULT_ALGORITHMS,
  isAlgorithm,
  isAsymmetric,
} from './model/algorithm.ts'
export { recentMap, sizeInMemory } from './model/memory.ts'
export { emit } from './model/events.ts'
export {
  assertBoolean,
  bare,
  bareThrough,
  has,
  ignoreRejection,
  isObject,
  own,
  ownOptions,
  valueAt,
} from './model/values.ts'
export { knownSigned, signedClaims, verifiedToken } from './model/token.ts'
export { isThenable } from './model/values.ts'
export type { EventListener, KeyFlaw } from './model/events.ts'
export type { Claims, Credential, JoseHeader, ParsedJwt, RequestView, VerifiedToken } from './model/token.ts'
export { type ClaimRules, clockOption, LIMITS, POLICY, SHARED } from './pipeline/options.ts'
export type { IssuerPolicy, KeyLocation, SharedOptions } from './pipeline/options.ts'
export { mediaTypeName } from './claims/claim-checks.ts'
export { checkHeader, checkPadding, FIXED_LIMIT, ignoredKeysHint, quickParser } from './jws/parse.ts'
export { checkAlgorithm, webCryptoSignature } from './jws/signature.ts'
export { tooLong } from './jws/parse.ts'
export { decodePart } from './jws/parse.ts'
export { type ClaimsVerifier, type ClaimsVerifierOptions, createClaimsVerifier } from './pipeline/claims-verifier.ts'
export { type Explanation, type ExplanationStep, refusedExplanation } from './pipeline/explain.ts'
export { parseJsonObject } from './jws/parse.ts'
export { clockOf, createJwtVerifier, createReferenceVerifier } from './pipeline/verifier.ts'
export type { IssuerStatus, VerifierStatus } from './pipeline/status.ts'
export { verifyJws, type VerifiedJws, type VerifyJwsOptions } from './pipeline/verify-jws.ts'
export type { VerifyContext } from './pipeline/run-steps.ts'
export { createVerifier, timeOf, type Verifier, verifiesJwts } from './pipeline/verifier.ts'
