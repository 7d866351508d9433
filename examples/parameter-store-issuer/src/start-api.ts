import { type Environment, optionsFromEnv, scope } from '@claimgate/core'
import { claimgate } from '@claimgate/fastify'
import fastify from 'fastify'
import type { RunningServer } from './invocation-server.ts'

/** Options for the API. */
export interface ApiOptions {
  /** `JWT_ISSUER`, `JWT_AUDIENCE` and `JWT_PUBLIC_KEY`. */
  readonly env: Environment
  /** The port on 127.0.0.1; 0 selects a free one. @defaultValue 0 */
  readonly port?: number
}

/**
 * Starts an API that trusts one public key. It has no AWS client and sends no requests.
 *
 * @throws TypeError for an environment that is incomplete or contradicts itself.
 */
export const startApi = async ({ env, port = 0 }: ApiOptions): Promise<RunningServer> => {
  const app = fastify()
  await app.register(claimgate, optionsFromEnv(env))
  app.get('/health', { config: { auth: false } }, () => ({ status: 'ok' }))
  app.get('/api/v1/protected', ({ auth }) => ({ caller: auth?.claims.sub, scopes: [...(auth?.scopes ?? [])] }))
  app.post('/api/v1/orders', { config: { auth: scope('orders:write') } }, ({ auth }, reply) =>
    reply.code(201).send({ orderedBy: auth?.claims.sub }),
  )
  return {
    url: await app.listen({ host: '127.0.0.1', port }),
    close: async () => {
      await app.close()
    },
  }
}
