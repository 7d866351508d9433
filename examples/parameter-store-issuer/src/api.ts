import { startApi } from './start-api.ts'

const api = await startApi({ env: process.env, port: Number(process.env['PORT'] ?? 4021) })
console.log(`api listens on ${api.url}`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void api.close()
  })
}
