// One framework with one protection, as a process: `server.mjs express claimgate`. Controlled by messages.
import { answerMessages } from '../processes/answer-messages.mjs'
import { EXPRESS } from './express.mjs'
import { FASTIFY } from './fastify.mjs'
import { HONO } from './hono.mjs'

const [, , framework, protection] = process.argv
const PROTECTIONS = { express: EXPRESS, fastify: FASTIFY, hono: HONO }

answerMessages({
  listen: async ({ settings }) => {
    const server = await PROTECTIONS[framework][protection](settings)
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
})
