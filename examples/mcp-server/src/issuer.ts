import { startAuthorizationServer } from './authorization-server.ts'

const server = await startAuthorizationServer({ port: Number(process.env['PORT'] ?? 4081) })
console.log(`the authorization server listens on ${server.url}`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void server.close())
