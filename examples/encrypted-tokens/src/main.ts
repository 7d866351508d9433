import { keyPlace } from './settings.ts'
import { startServer } from './start-server.ts'

const { env } = process
const server = await startServer(env, Number(env['PORT'] ?? 4030))
const place = keyPlace(env)
console.log(`keys ${place.kind === 'memory' ? 'are fresh' : `are kept in ${place.folder}`}`)
console.log(`server listens on ${server.url}`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void server.close()
  })
}
