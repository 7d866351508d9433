// A provider named by the environment, and requirements on its roles, over HTTP in each adapter.
import { anyRole, role } from '@claimgate/core'
import { optionsFromEnv } from '@claimgate/core/providers'
import { authenticateJwt, requireAnyRole, requireRole } from '@claimgate/express'
import { claimgate } from '@claimgate/fastify'
import { createGate } from '@claimgate/fetch'
import { authenticateJwt as honoJwt, requireAnyRole as honoAnyRole, requireRole as honoRole } from '@claimgate/hono'
import { protect } from '@claimgate/lambda'
import { ClaimgateModule, Require, Roles } from '@claimgate/nestjs'
import { createTestKeys } from '@claimgate/testing'
import { createAdaptorServer } from '@hono/node-server'
import { Controller, Get } from '@nestjs/common'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { httpApi, sendResponse, sentOf } from '../support/lambda/events.ts'
import { decorate, listenerOf, startApp } from '../support/nestjs/nest.ts'

const keys = await createTestKeys('RS256')
const servers: Server[] = []

async function listening(server: Server): Promise<string> {
  servers.push(server.listen(0, '127.0.0.1'))
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const keycloak = await listening(
  createServer(({ url = '' }, res) => {
    const isMetadata = url.endsWith('/realms/shop/.well-known/openid-configuration')
    const document = isMetadata ? { issuer, jwks_uri: `${issuer}/certs` } : { keys: [keys.publicJwk] }
    res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document))
  }),
)
const issuer = `${keycloak}/realms/shop`
const env = { JWT_PROVIDER: 'keycloak', JWT_URL: keycloak, JWT_REALM: 'shop', JWT_AUDIENCE: 'orders-api' }

/** A token with roles of the API's client, and the role `admin` of another client and of the realm. */
async function tokenWith(roles: readonly string[], changes: object = {}): Promise<string> {
  const exp = Math.floor(Date.now() / 1000) + 600
  return keys.sign({
    iss: issuer,
    aud: 'orders-api',
    sub: 'ada',
    exp,
    typ: 'Bearer',
    realm_access: { roles: ['admin'] },
    resource_access: { 'orders-api': { roles }, 'other-api': { roles: ['admin'] } },
    ...changes,
  })
}

async function expressApp(): Promise<string> {
  const app = express()
  app.use(authenticateJwt())
  app.get('/admin', requireRole('admin'), (_req, res) => void res.end('done'))
  app.get('/any', requireAnyRole('admin', 'editor'), (_req, res) => void res.end('done'))
  return listening(createServer(app))
}

async function fastifyApp(): Promise<string> {
  const app = fastify({ serverFactory: (handler) => createServer(handler) })
  await app.register(claimgate)
  app.get('/admin', { config: { auth: role('admin') } }, async () => 'done')
  app.get('/any', { config: { auth: anyRole('admin', 'editor') } }, async () => 'done')
  await app.ready()
  return listening(app.server)
}

async function fetchApp(): Promise<string> {
  const gate = createGate(optionsFromEnv(process.env))
  const requirements = { '/admin': role('admin'), '/any': anyRole('admin', 'editor') }
  const answer = async (path: string, headers: Record<string, string>): Promise<Response> => {
    const result = await gate(new Request(`http://api.example${path}`, { headers }), requirements[path as '/any'])
    return result instanceof Response ? result : new Response('done')
  }
  return listening(
    createServer((req, res) => {
      const { authorization } = req.headers
      void answer(req.url ?? '', authorization === undefined ? {} : { authorization }).then(async (made) =>
        res.writeHead(made.status).end(await made.text()),
      )
    }),
  )
}

async function honoApp(): Promise<string> {
  const app = new Hono().use(honoJwt())
  app.get('/admin', honoRole('admin'), (c) => c.text('done'))
  app.get('/any', honoAnyRole('admin', 'editor'), (c) => c.text('done'))
  return listening(createAdaptorServer({ fetch: app.fetch }) as Server)
}

async function nestApp(): Promise<string> {
  class Orders {
    admin(): string {
      return 'done'
    }
    any(): string {
      return 'done'
    }
  }
  Controller()(Orders)
  decorate(Orders, 'admin', [Get('admin'), Roles('admin')])
  decorate(Orders, 'any', [Get('any'), Require(anyRole('admin', 'editor'))])
  const app = await startApp('Express', { imports: [ClaimgateModule.forRoot()], controllers: [Orders] })
  return listening(createServer(listenerOf(app, 'Express')))
}

async function lambdaApp(): Promise<string> {
  const serve = () => ({ statusCode: 200, body: 'done', isBase64Encoded: false as const })
  const functions = {
    '/admin': protect(serve, { requirement: role('admin') }),
    '/any': protect(serve, { requirement: anyRole('admin', 'editor') }),
  }
  return listening(
    createServer((req, res) => {
      const answer = async (): Promise<void> => {
        const sent = await sentOf(req)
        sendResponse(res, await functions[sent.path as '/any'](httpApi(sent)))
      }
      answer().catch(() => res.writeHead(500).end())
    }),
  )
}

afterAll(() => {
  for (const server of servers) server.close()
})

describe.each([
  ['Express', expressApp],
  ['Fastify', fastifyApp],
  ['fetch', fetchApp],
  ['Hono', honoApp],
  ['NestJS', nestApp],
  ['Lambda', lambdaApp],
] as const)('%s with JWT_PROVIDER', (_name, start) => {
  it('accepts tokens of that provider alone, and counts only roles of this API', async () => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
    const base = await start()
    vi.unstubAllEnvs()
    const statusOf = async (path: string, token?: string): Promise<number> => {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}`, connection: 'close' }
      const response = await fetch(`${base}${path}`, { headers })
      expect((await response.text()) === 'done').toBe(response.status === 200)
      return response.status
    }
    expect(await statusOf('/admin')).toBe(401)
    expect(await statusOf('/admin', await tokenWith(['admin']))).toBe(200)
    expect(await statusOf('/admin', await tokenWith(['editor']))).toBe(403)
    expect(await statusOf('/admin', await tokenWith([]))).toBe(403)
    expect(await statusOf('/any', await tokenWith(['editor']))).toBe(200)
    expect(await statusOf('/any', await tokenWith(['reader']))).toBe(403)
    expect(await statusOf('/admin', await tokenWith(['admin'], { typ: 'ID' }))).toBe(401)
    expect(await statusOf('/admin', await tokenWith(['admin'], { iss: `${keycloak}/realms/other` }))).toBe(401)
  })
})
