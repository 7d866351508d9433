import { claim, scope, type VerifierOptions } from '@claimgate/core'
import { createMemoryDenylist, denylist } from '@claimgate/core/denylist'
import { claimgate } from '@claimgate/fastify'
import fastify, { type FastifyInstance } from 'fastify'

const SESSION = {
  type: 'object',
  required: ['sid'],
  properties: { sid: { type: 'string', minLength: 1 } },
} as const

/** The application. The plugin protects every route of its scope; a route can require more or less. */
export async function createApp(options: VerifierOptions): Promise<FastifyInstance> {
  const time = options.clock === undefined ? {} : { clock: options.clock }
  const ended = denylist({ store: createMemoryDenylist(time), ...time })
  const app = fastify()
  await app.register(claimgate, { ...options, checks: [...(options.checks ?? []), ended] })

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

  // Only the auth service gets this scope. It posts the ID of a session when a user logs out.
  app.post<{ Body: { sid: string } }>(
    '/api/v1/ended-sessions',
    { config: { auth: scope('sessions:end') }, schema: { body: SESSION } },
    async ({ auth, body }, reply) => {
      await ended.denySession(auth?.claims.iss ?? null, body.sid)
      return reply.code(204).send()
    },
  )

  return app
}
