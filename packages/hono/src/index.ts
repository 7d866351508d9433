export { type AuthEnv, authenticateJwt, type AuthenticateJwt, type OptionalAuthEnv } from './middleware.ts'
export { authorize, requireAnyRole, requireAnyScope, requireClaim, requireRole, requireScope } from './authorize.ts'
export type { AuthenticateJwtOptions, MiddlewareOptions, OnReject, TokensOnly } from './options.ts'
