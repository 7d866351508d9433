// The bundle of a worker that verifies tokens with a remote JWK Set.
export { createVerifier } from '../../../packages/core/dist/index.js'
