export { PrivateAddressError, PublicAddressError } from './platform/guarded-lookup.node.ts'
export { decryptionKeyFromPem } from './keys/decryption-key.node.ts'
export { undiciFetch, type UndiciFetchOptions } from './platform/default-fetch.node.ts'
