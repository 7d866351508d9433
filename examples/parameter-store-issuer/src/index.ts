export type { RunningServer } from './invocation-server.ts'
export { type ApiOptions, startApi } from './start-api.ts'
export { type LocalIssuer, type LocalIssuerOptions, startIssuer } from './start-issuer.ts'
