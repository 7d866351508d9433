export { type ExpressServer, type ServerOptions, startExpressServer } from './start-express-server.ts'
