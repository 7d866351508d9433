export { type NodeRequest, onExpiry } from '../adapter.ts'
export { type CallGuard, type CallSource, createCallGuard } from './call-guard.ts'
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
