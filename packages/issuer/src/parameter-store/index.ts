export { ParameterStoreError, type ParameterStoreErrorCode } from '../aws/aws-errors.ts'
export { type ParameterStoreKey, parameterStoreKey, parameterStoreSigner } from './parameter-store-key.ts'
export {
  type MonotonicClock,
  PARAMETER_STORE_DEFAULTS,
  type ParameterCreation,
  type ParameterStoreEvent,
  type ParameterStoreOptions,
} from './parameter-store-options.ts'
