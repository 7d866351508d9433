import { authenticateJwt } from '@claimgate/express'
import { claimgate } from '@claimgate/fastify'
import { authenticateJwt as honoJwt } from '@claimgate/hono'
import { ClaimgateModule } from '@claimgate/nestjs'
import { createAdaptorServer } from '@hono/node-server'
import { Controller, Get, Req } from '@nestjs/common'
import express5 from 'express'
import fastify, { type FastifyInstance } from 'fastify'
import { Hono } from 'hono'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type Server } from 'node:http'
import { connect } from 'node:http2'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createAuthority } from '../support/adapters/authority.ts'
import { decorate, listenerOf, type Platform, startApp } from '../support/nestjs/nest.ts'

// Express 4 has no types; the parts used here are the same as in Express 5.
const express4 = createRequire(import.meta.url)('express4') as typeof express5

const authority = await createAuthority()
const good = `Bearer ${await authority.token()}`
const others = `Bearer ${await authority.token({ sub: 'bob' })}`
const token = await authority.token()

type Change = (headers: IncomingHttpHeaders) => void
type Sent = readonly string[]

const options = {
  ...authority.options,
  credentials: [
    { from: 'authorization' },
    { from: 'cookie', name: 'jwt' },
    { from: 'header', name: 'X-Forwarded-Token' },
  ] as const,
}

/** The status and the caller if `change` runs before. */
type Ask = (sent: Sent, change?: Change) => Promise<readonly [number | undefined, string]>

const nothing: Change = () => undefined

const askExpress =
  (express: typeof express5): Ask =>
  async (sent, change = nothing) => {
    const app = express()
    app.use((req, _res, next) => {
      change(req.headers)
      next()
    })
    app.use(authenticateJwt(options), (req, res) => {
      res.end((req as unknown as Served).auth.claims.sub)
    })
    return send(await listening(createServer(app)), sent)
  }

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const askNest =
  (platform: Platform): Ask =>
  async (sent, change = nothing) => {
    class Subject {
      get({ auth }: Served): string {
        return auth.claims.sub
      }
    }
    Controller()(Subject)
    decorate(Subject, 'get', [Get()], [Req()])
    const app = await startApp(platform, {
      imports: [ClaimgateModule.forRoot(options)],
      controllers: [Subject],
      prepare: (made) =>
        made.use((received: IncomingMessage, _res: unknown, next: () => void) => {
          change(received.headers)
          next()
        }),
    })
    return send(await listening(createServer(listenerOf(app, platform))), sent)
  }

/** Requests cannot be changed, but replaced. */
const askHono: Ask = async (sent, change) => {
  const app = new Hono()
  if (change !== undefined)
    app.use((c, next) => {
      const headers: IncomingHttpHeaders = Object.fromEntries(c.req.raw.headers)
      change(headers)
      const kept = Object.entries(headers).filter(([, value]) => value !== undefined)
      c.req.raw = new Request(c.req.raw, { headers: kept as [string, string][] })
      return next()
    })
  app.use(honoJwt(options)).get('/', (c) => c.text((c.var as unknown as Served).auth.claims.sub))
  return send(await listening(createAdaptorServer({ fetch: app.fetch }) as Server), sent)
}

interface Served {
  readonly auth: { readonly claims: { readonly sub: string } }
}

const askFastify: Ask = async (sent, change = nothing) => {
  const app = fastify()
  return send(await startFastify(app, change), sent)
}

const askFastifyWithSetter: Ask = async (sent, change) => {
  const app = fastify()
  if (change !== undefined)
    app.addHook('onRequest', async (received) => {
      const headers = { ...received.headers }
      change(headers)
      // Fastify merges assigned headers with the received ones.
      received.headers = { authorization: undefined, cookie: undefined, 'x-forwarded-token': undefined, ...headers }
    })
  return send(await startFastify(app, nothing), sent)
}

const askHttp2: Ask = async (sent, change = nothing) => {
  const app = fastify({ http2: true })
  const port = await startFastify(app as unknown as FastifyInstance, change)
  const session = connect(`http://127.0.0.1:${port}`)
  const raw = [':path', '/', ...sent]
  const stream = session.request(raw)
  const [headers] = (await once(stream, 'response')) as [{ readonly ':status'?: number }]
  const body = await text(stream)
  session.close()
  return [headers[':status'], headers[':status'] === 200 ? body : '']
}

async function startFastify(app: FastifyInstance, change: Change): Promise<number> {
  app.addHook('onRequest', async ({ headers }) => change(headers))
  await app.register(claimgate, options)
  app.get('/', (received) => (received as unknown as Served).auth.claims.sub)
  await app.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(() => app.close())
  return (app.server.address() as AddressInfo).port
}

async function send(port: number, sent: Sent): Promise<readonly [number | undefined, string]> {
  // Pairs, because a header object cannot repeat a name.
  const headers = ['host', 'a', 'connection', 'close', ...sent]
  const outgoing = request({ port, host: '127.0.0.1', headers }).end()
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  const body = await text(response)
  return [response.statusCode, response.statusCode === 200 ? body : '']
}

const NODE: readonly [string, Ask][] = [
  ['Express 4', askExpress(express4)],
  ['Express 5', askExpress(express5)],
  ['Fastify', askFastify],
  ['Fastify with headers that a hook assigns', askFastifyWithSetter],
  ['Fastify over HTTP/2', askHttp2],
  ['NestJS on Express', askNest('Express')],
  ['NestJS on Fastify', askNest('Fastify')],
]

describe.each([...NODE, ['Hono', askHono] as const])('%s', (_, ask) => {
  it('reads headers as received if nothing changes them', async () => {
    expect(await ask([])).toEqual([401, ''])
    expect(await ask(['authorization', good])).toEqual([200, 'alice'])
    expect(await ask(['cookie', 'a=1', 'cookie', `jwt=${token}`])).toEqual([200, 'alice'])
    expect(await ask(['x-forwarded-token', token])).toEqual([200, 'alice'])
  })

  it('ignores a credential that was deleted before', async () => {
    const sent = ['authorization', good]
    expect(await ask(sent, (headers) => delete headers.authorization)).toEqual([401, ''])
    expect(await ask(sent, (headers) => (headers.authorization = undefined))).toEqual([401, ''])
    expect(await ask(['cookie', `jwt=${token}`], (headers) => delete headers.cookie)).toEqual([401, ''])
    expect(await ask([...sent, 'x-forwarded-token', others], (headers) => delete headers['x-forwarded-token'])).toEqual(
      [200, 'alice'],
    )
  })

  it('reads a credential that was written or rewritten before', async () => {
    expect(await ask([], (headers) => (headers.authorization = good))).toEqual([200, 'alice'])
    expect(await ask(['authorization', others], (headers) => (headers.authorization = good))).toEqual([200, 'alice'])
    expect(await ask(['authorization', good], (headers) => (headers.authorization = 'Bearer no'))).toEqual([401, ''])
    expect(await ask([], (headers) => (headers.cookie = `jwt=${token}`))).toEqual([200, 'alice'])
    expect(await ask(['cookie', 'jwt=no', 'cookie', 'a=1'], (headers) => (headers.cookie = `jwt=${token}`))).toEqual([
      200,
      'alice',
    ])
    expect(await ask([], (headers) => (headers['x-forwarded-token'] = token))).toEqual([200, 'alice'])
  })
})

describe.each(NODE)('%s', (_, ask) => {
  it('reads repeated fields, as received or as an array', async () => {
    expect(await ask(['cookie', `jwt=${token}`, 'cookie', `jwt=${token}`])).toEqual([400, ''])
    expect(await ask(['x-forwarded-token', token, 'x-forwarded-token', token])).toEqual([400, ''])
    expect(await ask([], (headers) => (headers['x-forwarded-token'] = [token, token]))).toEqual([400, ''])
    expect(await ask([], (headers) => (headers['x-forwarded-token'] = [token]))).toEqual([200, 'alice'])
  })

  it('refuses values that are not text', async () => {
    const written = [null, 7, {}, [{}]] as unknown as readonly string[]
    for (const value of written) {
      expect(await ask([], (headers) => (headers.authorization = value))).toEqual([400, ''])
      expect(await ask([], (headers) => (headers.cookie = value))).toEqual([400, ''])
      expect(await ask([], (headers) => (headers['x-forwarded-token'] = value))).toEqual([400, ''])
    }
  })
})

it.each(NODE.filter(([name]) => !/assigns|HTTP.2/.test(name)))(
  '%s refuses a repeated Authorization field, even one that was rewritten, unless it was deleted',
  async (_, ask) => {
    const sent = ['authorization', good, 'Authorization', good]
    expect(await ask(sent)).toEqual([400, ''])
    expect(await ask(sent, (headers) => (headers.authorization = good))).toEqual([400, ''])
    expect(await ask(sent, (headers) => delete headers.authorization)).toEqual([401, ''])
  },
)
