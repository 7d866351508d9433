export { createTestClock } from './clock/test-clock.ts'
export type { TestClock, TestClockOptions } from './clock/test-clock.ts'
export type { DenylistStoreCase, DenylistStoreSubject } from './denylist/denylist-store-case.ts'
export { denylistStoreCases } from './denylist/denylist-store-cases.ts'
export { expiredCertificate } from './fixtures/expired-certificate.ts'
export type { TestCertificate } from './fixtures/test-certificate.ts'
export { validCertificate } from './fixtures/valid-certificate.ts'
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
export { startFaultyJwksServer } from './jwks-server/faulty-jwks-server.ts'
export type { FaultyJwksServer, FaultyJwksServerOptions, PathScript } from './jwks-server/faulty-jwks-server.ts'
export type { ReceivedRequest, TrafficStats } from './jwks-server/traffic.ts'
export { unresolvable } from './jwks-server/unresolvable.ts'
export { supportedAlgorithms } from './keys/supported-algorithms.ts'
export { createTestKeys } from './keys/test-keys.ts'
export type { TestKeys, TestKeysOptions } from './keys/test-keys.ts'
export { createRandom } from './random.ts'
export type { Random } from './random.ts'
export { weakKeys } from './keys/weak-keys.ts'
export type { WeakKey } from './keys/weak-keys.ts'
export type { BadToken } from './tokens/bad-token.ts'
export { badTokens } from './tokens/bad-tokens.ts'
export type { BadTokensBase } from './tokens/forge.ts'
export { tokenMutations } from './tokens/token-mutations.ts'
export type { TokenMutation, TokenMutationOptions } from './tokens/token-mutations.ts'
export { jwksHandlers } from './msw/jwks-handlers.ts'
export type { JwksHandlersOptions, MswHttp } from './msw/jwks-handlers.ts'
export { startTestIssuer } from './test-issuer.ts'
export type { TestIssuer, TestIssuerOptions } from './test-issuer.ts'
