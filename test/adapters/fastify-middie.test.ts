import { claimgate } from '@claimgate/fastify'
import middie from '@fastify/middie'
import fastify, { type FastifyInstance } from 'fastify'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, expect, it } from 'vitest'
import { createAuthority } from '../support/adapters/authority.ts'

const authority = await createAuthority()
const good = await authority.authorization()

const admin = (_req: IncomingMessage, res: ServerResponse): void => void res.end('admin')

async function statuses(build: (app: FastifyInstance) => Promise<unknown>): Promise<readonly unknown[]> {
  const app = fastify()
  await build(app)
  app.get('/', () => 'served')
  const answers = ['/admin', '/'].map(async (url) => [
    (await app.inject(url)).statusCode,
    (await app.inject({ url, headers: good })).statusCode,
  ])
  return (await Promise.all(answers)).flat()
}

describe('middleware of @fastify/middie', () => {
  it('is protected if the plugin was registered first', async () => {
    expect(
      await statuses(async (app) => {
        await app.register(claimgate, authority.options)
        await app.register(middie)
        app.use('/admin', admin)
      }),
    ).toEqual([401, 200, 401, 200])
  })

  it('is open if it was registered first, as docs/security.md says, and nothing else is', async () => {
    expect(
      await statuses(async (app) => {
        await app.register(middie)
        app.use('/admin', admin)
        await app.register(claimgate, authority.options)
      }),
    ).toEqual([200, 200, 401, 200])
  })

  it('is open if its plugin was registered first and the middleware was added last', async () => {
    expect(
      await statuses(async (app) => {
        await app.register(middie)
        await app.register(claimgate, authority.options)
        app.use('/admin', admin)
      }),
    ).toEqual([200, 200, 401, 200])
  })

  it('is open in any order if tokens may be in a form, which is read later', async () => {
    expect(
      await statuses(async (app) => {
        await app.register(claimgate, {
          ...authority.options,
          credentials: [{ from: 'authorization' }, { from: 'form' }],
        })
        await app.register(middie)
        app.use('/admin', admin)
      }),
    ).toEqual([200, 200, 401, 200])
  })
})
