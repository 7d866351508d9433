export { AUTHENTICATOR, type ClaimgateAsyncOptions, ClaimgateModule, type ClaimgateOptions } from './module.ts'
export { Auth, Public, Require, Roles, Scopes } from './decorators.ts'
export type { RouteRequirement } from './guard.ts'
export { RefusedException } from './refusal.ts'
