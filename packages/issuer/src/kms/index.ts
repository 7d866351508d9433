export { KmsError, type KmsErrorCode } from '../aws/aws-errors.ts'
export type { KmsAlgorithm } from './kms-algorithm.ts'
export { KMS_SIGNER_DEFAULTS, kmsSigner, type KmsSignerOptions } from './kms-signer.ts'
