import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { allOf, anyOf, createVerifier, scope, type VerifiedToken, type Verifier } from '@claimgate/core'
import { clientSecretBasic, createIntrospectionVerifier, fresh } from '@claimgate/core/introspection'
import { authenticateJwt, authorize, getAuth, requireScope } from '@claimgate/express'
import { claimgate } from '@claimgate/fastify'
import { createGate, protect } from '@claimgate/fetch'
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

type Send = (token: string, path?: string) => Promise<Response>

const payment = allOf(scope('orders:read'), fresh())

const adapters: readonly [name: string, start: (verifier: Verifier) => Promise<Send>][] = [
  [
    'express',
    async (verifier) => {
      const app = express()
      const read = requireScope('orders:read')
      app.use(authenticateJwt({ verifier }), read)
      app.use(['/payments', '/by-function'], authorize(payment))
      app.use(
        '/by-function',
        authorize(({ path }) => (path === '/' ? payment : scope('none'))),
      )
      app.use((req, res) => {
        if ((req as { auth?: unknown }).auth !== getAuth(req)) throw new Error('req.auth is another token')
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
      const rules = { '/': scope('orders:read'), '/payments': payment, '/by-function': () => payment }
      for (const [path, auth] of Object.entries(rules))
        app.get(path, { config: { auth } }, (request, reply) => reply.send(request.auth?.claims.sub))
      closers.push(async () => app.close())
      return get(`${await app.listen({ host: '127.0.0.1', port: 0 })}/`)
    },
  ],
  [
    'fetch',
    async (verifier) => {
      const gate = createGate({ verifier })
      const answer = (_request: Request, auth: VerifiedToken): Response => new Response(auth.claims.sub)
      const read = protect(gate, answer, scope('orders:read'))
      const pay = protect(gate, answer, payment)
      return async (token, path = '') => {
        const request = new Request(`https://api.example/${path}`, { headers: { authorization: `Bearer ${token}` } })
        return path === '' ? read(request) : pay(request)
      }
    },
  ],
]

const get =
  (url: string): Send =>
  async (token, path = '') =>
    fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } })

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

  it.each(['payments', 'by-function'])('43. fresh() asks again: %s', async (path) => {
    const { issuer } = server
    const client = clientSecretBasic('api', 'secret')
    const send = await start(createIntrospectionVerifier({ issuer, audience: AUDIENCE, client, timeout: 10 }))
    const answers = async (...paths: readonly string[]): Promise<readonly string[]> => {
      const found: string[] = []
      for (const each of paths) {
        const response = await send('reader', each)
        found.push(response.status === 200 ? await response.text() : String(response.status))
      }
      return found
    }
    expect(await answers('', path)).toEqual(['ada', 'ada'])
    server.reply = () => ({ body: active(issuer, { sub: 'eve' }) })
    expect(await answers('', path, '')).toEqual(['ada', 'eve', 'eve'])
    server.reply = () => ({ body: { active: false } })
    expect(await answers('', path, '')).toEqual(['eve', '401', '401'])
    server.reply = () => ({ status: 500 })
    expect(await answers(path)).toEqual(['401'])
  })
})

describe('43. fresh() with a verifier that cannot ask', () => {
  const verifier = createVerifier({ issuer: 'https://auth.example.com', audience: AUDIENCE, secret: 'x'.repeat(32) })
  const advice = 'fresh() needs a verifier that asks the authorization server'
  const answer = (): Response => new Response('')

  it.each<[string, () => unknown]>([
    ['Express', () => authenticateJwt({ verifier, requirement: payment })],
    ['Fetch, by options', () => protect({ verifier }, answer, anyOf(payment, scope('a')))],
    ['Fetch, by a gate', () => protect(createGate(verifier), answer, payment)],
  ])('stops the start: %s', (_, make) => {
    expect(make).toThrow(TypeError)
    expect(make).toThrow(advice)
  })

  it('stops the start: Fastify, in a route and in a hook', async () => {
    const app = fastify()
    await app.register(claimgate, { verifier })
    expect(() => app.get('/', { config: { auth: fresh() } }, answer)).toThrow(advice)
    expect(() => app.authenticateJwt(payment)).toThrow(advice)
    const open = fastify()
    await open.register(claimgate, { verifier, global: false })
    expect(() => open.get('/', { config: { auth: fresh() } }, answer)).toThrow(advice)
    expect(() => open.get('/free', { config: { auth: false } }, answer)).not.toThrow()
  })

  it('lets no request of Express through', async () => {
    const app = express()
    const { verify, explain, ready, close } = createIntrospectionVerifier({
      issuer: server.issuer,
      audience: AUDIENCE,
      client: clientSecretBasic('api', 'secret'),
    })
    const errors: unknown[] = []
    app.use(authenticateJwt({ verify, explain, ready, close }), authorize(fresh()), (_req, res) => {
      res.send('open')
    })
    app.use((error: unknown, _req: unknown, res: express.Response, _next: unknown) => {
      errors.push(error)
      res.sendStatus(500)
    })
    const http = createServer(app).listen(0, '127.0.0.1')
    closers.push(() => http.close())
    await new Promise((resolve) => http.once('listening', resolve))
    const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/`
    expect((await get(url)('reader')).status).toBe(500)
    expect(String(errors[0])).toContain(advice)
  })
})
