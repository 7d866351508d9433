// One framework with one way to protect it, as a process: `server.mjs express claimgate`. Told what to do by messages.
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
    // Connections wait while others have their turn.
    server.keepAliveTimeout = 600_000
    return server.address().port
  },
  cpu: async () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  },
})
