// One framework with one protection, as a process: `server.mjs express claimgate`. Controlled by messages.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import { answerMessages } from '../processes/answer-messages.mjs'

const [, , framework, protection] = process.argv
const PROTECTIONS = {
  express: async () => (await import('./express.mjs')).EXPRESS,
  fastify: async () => (await import('./fastify.mjs')).FASTIFY,
  hono: async () => (await import('./hono.mjs')).HONO,
  koa: async () => (await import('./koa.mjs')).KOA,
  nestjs: async () => (await import('./nestjs.mjs')).NESTJS,
}

answerMessages({
  listen: async ({ settings }) => {
    const protections = await PROTECTIONS[framework]()
    const server = await protections[protection](settings)
    if (!server.listening) {
      server.listen(0, '127.0.0.1')
      await new Promise((resolve) => server.once('listening', resolve))
    }
    // Connections wait while other servers run.
    server.keepAliveTimeout = 600_000
    return server.address().port
  },
  cpu: async () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  },
  // Bytes in use after garbage collection.
  memory: async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc')
    collect()
    collect()
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  },
})
