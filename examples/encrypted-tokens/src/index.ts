export { keyFile, type KeyFile } from './key-file.ts'
export { type Environment, keyPlace, type KeyPlace } from './settings.ts'
export { type Server, startServer } from './start-server.ts'
export { createTokenClient, type TokenClient, type TokenClientOptions } from './token-client.ts'
