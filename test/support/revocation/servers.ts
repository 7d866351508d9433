import * as expressAdapter from '@claimgate/express'
import * as fastifyAdapter from '@claimgate/fastify'
import * as fetchAdapter from '@claimgate/fetch'
import type { BackchannelLogoutOptions, SecurityEventsOptions } from '@claimgate/core/revocation'
import { getRequestListener } from '@hono/node-server'
import express5, { type RequestHandler } from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createServerH2, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { createRequire } from 'node:module'
import { Readable } from 'node:stream'

const express4 = createRequire(import.meta.url)('express4') as typeof express5

/** A server with the endpoints `/logout` and `/events`, in an application that protects all other paths. */
export interface RevocationServer extends AsyncDisposable {
  readonly port: number
}

export interface Endpoints {
  readonly logout: BackchannelLogoutOptions
  readonly events: SecurityEventsOptions
  /** Runs before the endpoints, in Express. @defaultValue nothing */
  readonly before?: readonly RequestHandler[]
}

/** Starts the endpoints behind one adapter. */
export type StartRevocation = (endpoints: Endpoints) => Promise<RevocationServer>

const startExpress =
  (express: typeof express5): StartRevocation =>
  async ({ logout, events, before = [] }) => {
    const app = express()
    for (const middleware of before) app.use(middleware)
    app.post('/logout', expressAdapter.backchannelLogout(logout))
    app.use('/events', expressAdapter.securityEvents(events))
    return listening(createServer(app))
  }

const startFastify =
  (protocol: 'http/1.1' | 'h2'): StartRevocation =>
  async ({ logout, events }) => {
    const app = (protocol === 'h2' ? fastify({ http2: true }) : fastify()) as ReturnType<typeof fastify>
    const { denylist: _, ...rules } = logout
    await app.register(fastifyAdapter.claimgate, {
      issuer: rules.issuer,
      audience: 'api',
      jwks: rules.jwks ?? { keys: [] },
    })
    app.register(fastifyAdapter.backchannelLogout(logout), { prefix: '/logout' })
    app.register(fastifyAdapter.securityEvents(events), { prefix: '/events' })
    await app.listen({ host: '127.0.0.1', port: 0 })
    return {
      port: (app.server.address() as AddressInfo).port,
      [Symbol.asyncDispose]: async () => {
        app.server.closeAllConnections?.()
        await app.close()
      },
    }
  }

const startFetch =
  (protocol: 'http/1.1' | 'h2'): StartRevocation =>
  async ({ logout, events }) => {
    const handlers = new Map([
      ['/logout', fetchAdapter.backchannelLogout(logout)],
      ['/events', fetchAdapter.securityEvents(events)],
    ])
    const serve = async (
      req: IncomingMessage | Http2ServerRequest,
      res: ServerResponse | Http2ServerResponse,
    ): Promise<void> => {
      const headers = Object.entries(req.headers).filter(([name]) => !name.startsWith(':')) as [string, string][]
      const body = req.method === 'POST' ? (Readable.toWeb(req) as ReadableStream) : null
      const init = { method: req.method ?? 'GET', headers, body, duplex: 'half' } as RequestInit
      const response = await handlers.get(req.url ?? '')?.(new Request(`http://127.0.0.1${req.url}`, init))
      res.writeHead(response?.status ?? 404, Object.fromEntries(response?.headers ?? []) as never)
      res.end((await response?.text()) ?? '')
    }
    const listener = (req: IncomingMessage | Http2ServerRequest, res: ServerResponse | Http2ServerResponse): void => {
      serve(req, res).catch(() => res.destroy())
    }
    return listening(protocol === 'h2' ? createServerH2(listener) : createServer(listener))
  }

/** As the README of `@claimgate/hono` says. */
const startHono: StartRevocation = async ({ logout, events }) => {
  const [logOut, receive] = [fetchAdapter.backchannelLogout(logout), fetchAdapter.securityEvents(events)]
  const app = new Hono()
  app.post('/logout', (c) => logOut(c.req.raw))
  app.all('/events', (c) => receive(c.req.raw))
  const listener = getRequestListener(app.fetch)
  return listening(createServer((req, res) => void listener(req, res)))
}

async function listening(
  server: ReturnType<typeof createServer> | ReturnType<typeof createServerH2>,
): Promise<RevocationServer> {
  const sockets = new Set<{ destroy(): void }>()
  server.on('connection', (socket: { destroy(): void }) => sockets.add(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}

/** Each adapter, and the protocol it is called with. */
export const REVOCATION_SERVERS: readonly {
  readonly name: string
  readonly start: StartRevocation
  readonly protocol: 'http/1.1' | 'h2'
}[] = [
  { name: 'Express 4', start: startExpress(express4), protocol: 'http/1.1' },
  { name: 'Express 5', start: startExpress(express5), protocol: 'http/1.1' },
  { name: 'Fastify', start: startFastify('http/1.1'), protocol: 'http/1.1' },
  { name: 'Fastify over HTTP/2', start: startFastify('h2'), protocol: 'h2' },
  { name: 'fetch', start: startFetch('http/1.1'), protocol: 'http/1.1' },
  { name: 'Hono', start: startHono, protocol: 'http/1.1' },
  { name: 'fetch over HTTP/2', start: startFetch('h2'), protocol: 'h2' },
]
