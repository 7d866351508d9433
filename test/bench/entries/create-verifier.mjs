// What a worker ships that verifies tokens with a remote JWK Set.
export { createVerifier } from '../../../packages/core/dist/index.js'
