import { claim, scope, type VerifierOptions } from '@claimgate/core'
import { claimgate } from '@claimgate/fastify'
import fastify, { type FastifyInstance } from 'fastify'

/** The application: the plugin protects every route of its scope, and a route says where it needs more or less. */
export async function createApp(options: VerifierOptions): Promise<FastifyInstance> {
  const app = fastify()
  await app.register(claimgate, options)

  app.get('/health', { config: { auth: false } }, () => ({ status: 'ok' }))

  app.get('/api/v1/protected', ({ auth }) => ({
    caller: auth?.claims.sub,
    role: auth?.claims['role'],
    scopes: [...(auth?.scopes ?? [])],
  }))

  app.post('/api/v1/orders', { config: { auth: scope('orders:write') } }, ({ auth }, reply) =>
    reply.code(201).send({ orderedBy: auth?.claims.sub }),
  )

  app.delete('/api/v1/orders/:id', { config: { auth: claim('role', 'writer') } }, (_request, reply) =>
    reply.code(204).send(),
  )

  return app
}
