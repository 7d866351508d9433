export { createGate, type Gate, type GateOptions, type HasVerifier, type OptionalGate } from './gate.ts'
export { type FetchHandler, getUser, protect, type ProtectedHandler, resourceMetadata, withFields } from './gate.ts'
export { backchannelLogout, securityEvents } from './revocation.ts'
