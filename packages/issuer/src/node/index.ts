export { encryptedPemSigner, type EncryptedPemSignerOptions } from './encrypted-pem-signer.ts'
