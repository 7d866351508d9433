export { expiredCertificate, type TestCertificate, validCertificate } from './certificates.ts'
export type { DenylistStoreCase, DenylistStoreSubject } from './denylist/key-and-expiry-cases.ts'
export { denylistStoreCases } from './denylist/denylist-store-cases.ts'
export { jwksHandlers, type JwksHandlersOptions, type MswHttp } from './jwks-handlers.ts'
export type {
  AlternateAnswer,
  ContentLengthAnswer,
  DripAnswer,
  DuplicateKidsAnswer,
  EndlessAnswer,
  Fault,
  FaultyAnswer,
  GarbageAnswer,
  GzipBombAnswer,
  HangAnswer,
  ManyKeysAnswer,
  OkAnswer,
  RedirectAnswer,
  RefuseFault,
  ResetAnswer,
  StatusAnswer,
  TornAnswer,
} from './jwks-server/fault.ts'
export { startFaultyJwksServer, unresolvable } from './jwks-server/faulty-jwks-server.ts'
export type { FaultyJwksServer, FaultyJwksServerOptions, PathScript } from './jwks-server/faulty-jwks-server.ts'
export type { ReceivedRequest, TrafficStats } from './jwks-server/traffic.ts'
export { createTestKeys, supportedAlgorithms, type TestKeys, type TestKeysOptions } from './keys/test-keys.ts'
export { type WeakKey, weakKeys } from './keys/weak-keys.ts'
export { type ProviderExample, providerExample, type ProviderToken, providerTokenNames } from './provider-tokens.ts'
export { createRandom, type Random } from './random.ts'
export { createTestClock, type TestClock, type TestClockOptions } from './test-clock.ts'
export {
  introspectionCacheStoreCases,
  type IntrospectionCacheStoreSubject,
} from './stores/introspection-cache-store-cases.ts'
export { jwkSetStoreCases, type JwkSetStoreSubject } from './stores/jwk-set-store-cases.ts'
export { replayStoreCases, type ReplayStoreSubject } from './stores/replay-store-cases.ts'
export type { PassTime, StoreCase } from './stores/store-case.ts'
export { startTestIssuer, type TestIssuer, type TestIssuerOptions } from './test-issuer.ts'
export { badTokens } from './tokens/bad-tokens.ts'
export type { BadToken, BadTokensBase } from './tokens/forge.ts'
export { type TokenMutation, type TokenMutationOptions, tokenMutations } from './tokens/token-mutations.ts'
