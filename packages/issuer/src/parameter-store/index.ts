export { ParameterStoreError, type ParameterStoreErrorCode } from './parameter-store-error.ts'
export { type ParameterStoreKey, parameterStoreKey } from './parameter-store-key.ts'
export {
  type MonotonicClock,
  PARAMETER_STORE_DEFAULTS,
  type ParameterCreation,
  type ParameterStoreEvent,
  type ParameterStoreOptions,
} from './parameter-store-options.ts'
export { parameterStoreSigner } from './parameter-store-key.ts'
