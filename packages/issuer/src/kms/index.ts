export type { KmsAlgorithm } from './kms-algorithm.ts'
export { KmsError, type KmsErrorCode } from './kms-error.ts'
export { KMS_SIGNER_DEFAULTS, kmsSigner, type KmsSignerOptions } from './kms-signer.ts'
