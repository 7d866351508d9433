import { claimgate } from '@claimgate/fastify'
import formbody from '@fastify/formbody'
import fastify from 'fastify'
import type { AddressInfo } from 'node:net'
import { greeting } from './services.ts'
import type { StartAdapter } from './started-adapter.ts'

/** Every service in a separate scope. */
export const startFastify: StartAdapter = async (services) => {
  let served = 0
  const app = fastify()
  app.register(formbody)
  app.setErrorHandler((_error, _request, reply) => reply.code(500).send('bug'))
  for (const [url, { options, requirement }] of Object.entries(services)) {
    app.register(async (scope) => {
      scope.register(claimgate, options)
      scope.route({
        method: ['GET', 'HEAD', 'POST', 'OPTIONS'],
        url,
        config: requirement === undefined ? {} : { auth: requirement },
        handler: async (request, reply) => {
          served += 1
          return reply.type('text/plain').send(greeting(request.auth, (request as { user?: unknown }).user))
        },
      })
    })
  }
  await app.listen({ host: '127.0.0.1', port: 0 })
  return { port: (app.server.address() as AddressInfo).port, served: () => served, close: () => app.close() }
}
