export { createGate, type Gate, type GateOptions, type OptionalGate } from './create-gate.ts'
export { type FetchHandler, protect, type ProtectedHandler } from './protect.ts'
