import { createRequire } from 'node:module'
import { createServer, type Server } from 'node:http'
import { authenticateJwt } from '@claimgate/express'
import { claimgate } from '@claimgate/fastify'
import { createGate } from '@claimgate/fetch'
import { authenticateJwt as honoJwt } from '@claimgate/hono'
import { ClaimgateModule } from '@claimgate/nestjs'
import fastifyCors from '@fastify/cors'
import { createAdaptorServer } from '@hono/node-server'
import { Controller, Put } from '@nestjs/common'
import express5, { type RequestHandler } from 'express'
import fastify from 'fastify'
import { Hono, type MiddlewareHandler } from 'hono'
import { cors as honoCors } from 'hono/cors'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { listen } from '../support/contract/started-adapter.ts'
import { createAuthority } from '../support/adapters/authority.ts'
import { decorate, listenerOf, type Platform, startApp } from '../support/nestjs/nest.ts'

// Both packages have no types.
const require = createRequire(import.meta.url)
const express4 = require('express4') as typeof express5
const cors = require('cors') as (options: { origin: string }) => RequestHandler

const authority = await createAuthority()
const good = await authority.authorization()
const options = { ...authority.options, exposeChallenge: true }
const ORIGIN = 'https://shop.example.com'

type Order = 'CORS before Claimgate' | 'Claimgate before CORS'

interface Started {
  readonly url: string
  readonly close: () => Promise<unknown>
}

const startExpress = (framework: typeof express5) => async (order: Order) => {
  const app = framework()
  const handlers = [cors({ origin: ORIGIN }), authenticateJwt(options)]
  for (const handler of order === 'CORS before Claimgate' ? handlers : handlers.toReversed()) app.use(handler)
  app.put('/orders', (_req, res) => void res.send('ordered'))
  const { port, close } = await listen(createServer(app))
  return { url: `http://127.0.0.1:${port}`, close }
}

const startFastify = async (order: Order): Promise<Started> => {
  const app = fastify()
  if (order === 'Claimgate before CORS') await app.register(claimgate, options)
  await app.register(fastifyCors, { origin: ORIGIN, methods: ['PUT'] })
  if (order === 'CORS before Claimgate') await app.register(claimgate, options)
  app.put('/orders', () => 'ordered')
  await app.listen({ host: '127.0.0.1', port: 0 })
  return { url: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`, close: () => app.close() }
}

const startHono =
  (authenticate: MiddlewareHandler) =>
  async (order: Order): Promise<Started> => {
    const app = new Hono()
    const handlers = [honoCors({ origin: ORIGIN }), authenticate]
    for (const handler of order === 'CORS before Claimgate' ? handlers : handlers.toReversed()) app.use(handler)
    app.put('/orders', (context) => context.text('ordered'))
    const { port, close } = await listen(createAdaptorServer({ fetch: app.fetch }) as Server)
    return { url: `http://127.0.0.1:${port}`, close }
  }

const gate = createGate(options)
const throughGate: MiddlewareHandler = async (context, next) => {
  const auth = await gate(context.req.raw)
  return auth instanceof Response ? auth : next()
}

const startNest = (platform: Platform) => async (order: Order) => {
  class Orders {
    order(): string {
      return 'ordered'
    }
  }
  Controller()(Orders)
  decorate(Orders, 'order', [Put('orders')])
  const app = await startApp(platform, {
    imports: [ClaimgateModule.forRoot(options)],
    controllers: [Orders],
    prepare: (made) => order === 'CORS before Claimgate' && made.enableCors({ origin: ORIGIN }),
  })
  const { port, close } = await listen(createServer(listenerOf(app, platform)))
  return { url: `http://127.0.0.1:${port}`, close }
}

describe.each([
  ['Express 4', startExpress(express4), 401],
  ['Express 5', startExpress(express5), 401],
  ['Fastify', startFastify, 401],
  ['Hono', startHono(honoJwt(options)), 401],
  ['Hono with a gate for fetch', startHono(throughGate), 401],
  // The guard sees only handlers, and none is for OPTIONS.
  ['NestJS on Express', startNest('Express'), 404],
  ['NestJS on Fastify', startNest('Fastify'), 404],
])('a preflight in %s', (_name, start, refusal) => {
  const preflight = {
    method: 'OPTIONS',
    headers: {
      origin: ORIGIN,
      'access-control-request-method': 'PUT',
      'access-control-request-headers': 'authorization',
    },
  }

  it('is answered if CORS is before Claimgate, and the challenge is readable', async () => {
    const { url, close } = await start('CORS before Claimgate')
    const allowed = await fetch(`${url}/orders`, preflight)
    expect([allowed.status, allowed.headers.get('access-control-allow-origin')]).toEqual([204, ORIGIN])
    const refused = await fetch(`${url}/orders`, { method: 'PUT', headers: { origin: ORIGIN } })
    const fields = ['access-control-allow-origin', 'access-control-expose-headers', 'www-authenticate']
    expect([refused.status, ...fields.map((name) => refused.headers.get(name))]).toEqual([
      401,
      ORIGIN,
      'WWW-Authenticate',
      'Bearer realm="api"',
    ])
    expect((await fetch(`${url}/orders`, { method: 'PUT', headers: { origin: ORIGIN, ...good } })).status).toBe(200)
    await close()
  })

  it('is refused if CORS is after it, or absent', async () => {
    const { url, close } = await start('Claimgate before CORS')
    expect((await fetch(`${url}/orders`, preflight)).status).toBe(refusal)
    await close()
  })
})
