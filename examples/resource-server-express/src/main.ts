import { startExpressServer } from './start-express-server.ts'

const server = await startExpressServer({ env: process.env, port: Number(process.env['PORT'] ?? 4001) })
console.log(`resource-server-express listens on ${server.url}`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void server.close()
  })
}
