import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { scope, type Verifier } from '@claimgate/core'
import { clientSecretBasic, createIntrospectionVerifier } from '@claimgate/core/introspection'
import { authenticateJwt, getAuth, requireScope } from '@claimgate/express'
import { claimgate } from '@claimgate/fastify'
import { protect } from '@claimgate/fetch'
import express from 'express'
import fastify from 'fastify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import {
  active,
  AUDIENCE,
  type IntrospectionServer,
  startIntrospectionServer,
} from '../../support/introspection/server.ts'

let server: IntrospectionServer
const closers: (() => unknown)[] = []

beforeEach(async () => {
  server = await startIntrospectionServer()
  const { issuer } = server
  server.reply = (token) => {
    if (token === 'down') return { status: 500 }
    if (token === 'reader') return { body: active(issuer) }
    if (token === 'writer') return { body: active(issuer, { scope: 'orders:write' }) }
    return { body: { active: false } }
  }
})
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
  await server.close()
})

type Send = (token: string) => Promise<Response>

const adapters: readonly [name: string, start: (verifier: Verifier) => Promise<Send>][] = [
  [
    'express',
    async (verifier) => {
      const app = express()
      app.use(authenticateJwt({ verifier }), requireScope('orders:read'), (req, res) => {
        res.send(getAuth(req).claims.sub)
      })
      const http = createServer(app).listen(0, '127.0.0.1')
      closers.push(() => http.close())
      await new Promise((resolve) => http.once('listening', resolve))
      return get(`http://127.0.0.1:${(http.address() as AddressInfo).port}/`)
    },
  ],
  [
    'fastify',
    async (verifier) => {
      const app = fastify()
      await app.register(claimgate, { verifier })
      app.get('/', { config: { auth: scope('orders:read') } }, (request, reply) => reply.send(request.auth?.claims.sub))
      closers.push(async () => app.close())
      return get(`${await app.listen({ host: '127.0.0.1', port: 0 })}/`)
    },
  ],
  [
    'fetch',
    async (verifier) => {
      const handler = protect({ verifier }, (_request, auth) => new Response(auth.claims.sub), scope('orders:read'))
      return async (token) =>
        handler(new Request('https://api.example/', { headers: { authorization: `Bearer ${token}` } }))
    },
  ],
]

const get =
  (url: string): Send =>
  async (token) =>
    fetch(url, { headers: { authorization: `Bearer ${token}` } })

describe.each(adapters)('opaque tokens with %s, over HTTP', (_, start) => {
  it.each([
    ['reader', 200, null],
    ['writer', 403, /^Bearer realm="api", error="insufficient_scope".*scope="orders:read"/],
    ['junk', 401, /^Bearer realm="api", error="invalid_token"/],
    ['down', 503, null],
  ])('%s: %i', async (token, status, challenge) => {
    const verifier = createIntrospectionVerifier({
      issuer: server.issuer,
      audience: AUDIENCE,
      client: clientSecretBasic('api', 'secret'),
      timeout: 10,
    })
    const send = await start(verifier)
    const response = await send(token)
    expect(response.status).toBe(status)
    const sent = response.headers.get('www-authenticate')
    if (challenge === null) expect(sent).toBeNull()
    else expect(sent).toMatch(challenge)
    if (status === 200) expect(await response.text()).toBe('ada')
    if (status === 503) expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
  })
})
