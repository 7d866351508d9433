export { createIntrospectionVerifier } from './introspection-verifier.ts'
export { fresh } from './fresh.ts'
export type {
  IntrospectionAnswer,
  IntrospectionCacheOptions,
  IntrospectionCacheStore,
  IntrospectionOptions,
} from './options.ts'
export {
  type AssertionKey,
  type AssertionOptions,
  type AssertionSigner,
  type ClientAuthentication,
  clientSecretBasic,
  clientSecretPost,
  type IntrospectionClient,
  type IntrospectionRequest,
  privateKeyJwt,
  tlsClient,
} from './client.ts'
