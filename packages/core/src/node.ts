export { PrivateAddressError, PublicAddressError } from './transport/guarded-lookup.node.ts'
export { decryptionKeyFromPem } from './keys/decryption-key.node.ts'
export { undiciFetch, type UndiciFetchOptions } from './transport/undici-fetch.node.ts'
