export { PrivateAddressError, PublicAddressError } from './platform/connection-guard.node.ts'
export { decryptionKeyFromPem } from './keys/decryption-key.node.ts'
export { type ProxyRoute, resolveProxy } from './platform/proxy.node.ts'
export { undiciFetch, type UndiciFetchOptions } from './platform/default-fetch.node.ts'
