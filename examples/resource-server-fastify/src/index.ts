export { type FastifyServer, type ServerOptions, startFastifyServer } from './start-fastify-server.ts'
