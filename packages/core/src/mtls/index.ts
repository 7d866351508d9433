export { mtls, type MtlsConnectionOptions, type MtlsHeaderOptions, type MtlsOptions } from './mtls.ts'
export type { CertificateFormat } from './certificate-formats.ts'
