export { authenticateJwt, type AuthenticateJwt, type AuthenticateJwtOptions } from './authenticate-jwt.ts'
export { authorize, requireAnyScope, requireClaim, requireScope } from './authorize.ts'
export { getAuth } from './get-auth.ts'
export type { OnReject } from './reject.ts'
