import { startFastifyServer } from './start-fastify-server.ts'

const server = await startFastifyServer({ env: process.env, port: Number(process.env['PORT'] ?? 4002) })
console.log(`resource-server-fastify listens on ${server.url}`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void server.close()
  })
}
