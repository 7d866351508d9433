// Readiness probes over HTTP in each adapter, as docs/operations.md writes them.
import { type Authenticator, createVerifier, type Verifier } from '@claimgate/core'
import { authenticateJwt } from '@claimgate/express'
import { claimgate } from '@claimgate/fastify'
import { createGate } from '@claimgate/fetch'
import { authenticateJwt as honoJwt } from '@claimgate/hono'
import { mcpResource } from '@claimgate/mcp'
import { AUTHENTICATOR, ClaimgateModule, Public } from '@claimgate/nestjs'
import { createTestKeys } from '@claimgate/testing'
import { createAdaptorServer } from '@hono/node-server'
import { Controller, Get, Inject, Res } from '@nestjs/common'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, expect, it } from 'vitest'
import { manualClock } from '../support/core/manual-clock.ts'
import { decorate, listenerOf, startApp } from '../support/nestjs/nest.ts'

const resource = 'https://api.example.com/mcp'
const keys = await createTestKeys('ES256')
const servers: Server[] = []
afterAll(async () => {
  for (const server of servers) server.closeAllConnections()
  await Promise.all(servers.map(async (server) => once(server.close(), 'close')))
})

/** What the probe of an application answers, from the verifier that its adapter gives. */
function probe(verifier: Verifier): { readonly status: number; readonly body: string } {
  verifier.ready().catch(() => {})
  const { ready = false, issuers } = verifier.status?.() ?? {}
  return { status: ready ? 200 : 503, body: JSON.stringify(issuers) }
}

type Start = (verifier: Verifier) => Promise<Server> | Server

const adapters: Readonly<Record<string, Start>> = {
  Express: (given) => {
    const authenticate = authenticateJwt({ verifier: given })
    const app = express()
    app.get('/ready', (_req, res) => {
      const { status, body } = probe(authenticate.verifier)
      res.status(status).send(body)
    })
    return createServer(app.use(authenticate))
  },
  Fastify: async (given) => {
    const app = fastify({ serverFactory: (handler) => createServer(handler) })
    await app.register(claimgate, { verifier: given })
    app.get('/ready', { config: { auth: false } }, async (_req, reply) => {
      const { status, body } = probe(app.authenticateJwt.verifier)
      return reply.code(status).send(body)
    })
    await app.ready()
    return app.server
  },
  'the gate for fetch': (given) => {
    const gate = createGate({ verifier: given })
    return ofFetch(async (request) => {
      if (new URL(request.url).pathname === '/ready') return answerOf(probe(gate.verifier))
      const result = await gate(request)
      return result instanceof Response ? result : new Response('served')
    })
  },
  Hono: (given) => {
    const authenticate = honoJwt({ verifier: given })
    const app = new Hono()
    app.get('/ready', () => answerOf(probe(authenticate.verifier)))
    app.use(authenticate)
    return ofFetch((request) => app.fetch(request))
  },
  MCP: (given) => {
    const mcp = mcpResource({ resource, scopes: [], verifier: given })
    const app = express()
    app.get('/ready', (_req, res) => {
      const { status, body } = probe(mcp.verifier)
      res.status(status).send(body)
    })
    return createServer(app.use(mcp.express((_req, res) => void res.end('served'))))
  },
  NestJS: async (given) => {
    class Health {
      readonly #verifier: Verifier
      constructor({ verifier }: Authenticator) {
        this.#verifier = verifier
      }
      ready(response: express.Response): void {
        const { status, body } = probe(this.#verifier)
        response.status(status).send(body)
      }
    }
    Controller()(Health)
    Inject(AUTHENTICATOR)(Health, undefined, 0)
    decorate(Health, 'ready', [Get('ready'), Public()], [Res()])
    const app = await startApp('Express', {
      imports: [ClaimgateModule.forRoot({ verifier: given })],
      controllers: [Health],
    })
    return createServer(listenerOf(app, 'Express'))
  },
}

function answerOf({ status, body }: ReturnType<typeof probe>): Response {
  return new Response(body, { status })
}

function ofFetch(fetch: (request: Request) => Response | Promise<Response>): Server {
  return createAdaptorServer({ fetch }) as Server
}

it.each(Object.entries(adapters))(
  'the probe of %s is ready from the first set on, also while it is stale, and not once it has expired',
  async (_, start) => {
    const clock = manualClock()
    let isDown = true
    const verifier = createVerifier({
      issuer: 'https://auth.example.com',
      audience: resource,
      jwksUri: 'https://auth.example.com/jwks',
      clock,
      keySet: { staleFor: 600 },
      fetch: async () => Response.json({ keys: [keys.publicJwk] }, { status: isDown ? 500 : 200 }),
    })
    const server = (await start(verifier)).listen(0, '127.0.0.1')
    servers.push(server)
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    /** Two probes: the first fetches if it may, and the second sees the result. */
    const probed = async (): Promise<unknown> => {
      await (await fetch(`${url}/ready`)).text()
      await clock.pass(0)
      const response = await fetch(`${url}/ready`)
      const [issuer] = (await response.json()) as readonly { readonly freshness: string }[]
      return [response.status, issuer?.freshness]
    }
    await expect.poll(probed, { timeout: 10_000 }).toEqual([503, 'cold'])
    isDown = false
    await clock.pass(61)
    await expect.poll(probed, { timeout: 10_000 }).toEqual([200, 'fresh'])
    isDown = true
    await clock.pass(620)
    await expect.poll(probed, { timeout: 10_000 }).toEqual([200, 'stale'])
    await clock.pass(600)
    await expect.poll(probed, { timeout: 10_000 }).toEqual([503, 'expired'])
    isDown = false
    await clock.pass(61)
    await expect.poll(probed, { timeout: 10_000 }).toEqual([200, 'fresh'])
    const protectedPath = await fetch(`${url}/mcp`)
    expect([401, 404]).toContain(protectedPath.status)
    await protectedPath.text()
    verifier.close()
  },
)
