export {
  authorizer,
  type AuthorizerAnswer,
  type AuthorizerContext,
  type AuthorizerOptions,
  type AuthorizerPolicy,
  type SimpleAnswer,
} from './authorizer.ts'
export type { LambdaResponse } from './event.ts'
export { lambdaClock, type LambdaOptions } from './options.ts'
export { authenticateJwt, getAuth, getUser, type MiddyMiddleware, protect, type ProtectedHandler } from './protect.ts'
