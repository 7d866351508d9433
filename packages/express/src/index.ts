export { authenticateJwt, type AuthenticateJwt, getAuth } from './middleware.ts'
export type { AuthenticateJwtOptions, MiddlewareOptions, ReadyAuthenticator } from './options.ts'
export { authorize, requireAnyScope, requireClaim, requireScope } from './authorize.ts'
export type { OnReject } from './options.ts'
