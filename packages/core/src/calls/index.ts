export { type NodeRequest, onExpiry, type RequestSource } from '../adapter.ts'
export { type CallGuard, createCallGuard } from './call-guard.ts'
export type { Caller } from './caller.ts'
export {
  type GrpcAuthentication,
  grpcAuthentication,
  type GrpcCall,
  type GrpcLibrary,
  type GrpcMethods,
} from './grpc.ts'
export { untilExpiry } from './until-expiry.ts'
export type { RefusedCall } from './refused-call.ts'
