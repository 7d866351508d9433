import { scope } from '@claimgate/core'
import { createMemoryReplayStore, dpop } from '@claimgate/core/dpop'
import { authenticateJwt, authorize } from '@claimgate/express'
import { claimgate } from '@claimgate/fastify'
import { protect } from '@claimgate/fetch'
import express from 'express'
import fastify from 'fastify'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import { createAuthority } from '../support/adapters/authority.ts'
import { createDpopClient } from '../support/dpop/client.ts'

const ORIGIN = 'https://api.example.com/shop'
const SECRET = 'a secret of at least thirty-two bytes'
const authority = await createAuthority()
const client = await createDpopClient()
const token = await authority.token({ cnf: { jkt: client.jkt }, scope: 'orders:read' })

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

interface Options {
  readonly clock: { now(): number }
  readonly nonces?: { readonly secret: string; readonly lifetime: number }
}
const optionsWith = ({ clock, ...rest }: Options) => ({
  ...authority.options,
  exposeChallenge: true,
  bindings: [dpop({ origin: ORIGIN, replay: createMemoryReplayStore(), clock, ...rest })],
})

/** Each serves /orders for a token, and /admin for the scope "admin". */
const servers: readonly (readonly [string, (options: ReturnType<typeof optionsWith>) => Promise<RequestListener>])[] = [
  [
    'Express',
    async (options) => {
      const app = express().use(authenticateJwt(options))
      app.get('/orders', (_req, res) => void res.send('ok'))
      app.get('/admin', authorize(scope('admin')), (_req, res) => void res.send('ok'))
      return app
    },
  ],
  [
    'Fastify',
    async (options) => {
      const app = fastify()
      await app.register(claimgate, options)
      app.get('/orders', () => 'ok')
      app.get('/admin', { config: { auth: scope('admin') } }, () => 'ok')
      await app.ready()
      ends.push(() => app.close())
      return (req, res) => app.routing(req, res)
    },
  ],
  [
    'fetch',
    async (options) => {
      const orders = protect(options, () => new Response('ok'))
      const admin = protect(options, () => new Response('ok'), scope('admin'))
      const answer = async (req: IncomingMessage): Promise<Response> => {
        const headers = new Headers()
        for (let at = 0; at < req.rawHeaders.length; at += 2)
          headers.append(req.rawHeaders[at] ?? '', req.rawHeaders[at + 1] ?? '')
        const asked = new Request(`http://${req.headers.host}${req.url}`, { method: req.method ?? 'GET', headers })
        return (req.url === '/admin' ? admin : orders)(asked)
      }
      return (req, res) =>
        void answer(req).then(async (response) => {
          res.writeHead(response.status, [...response.headers].flat())
          res.end(await response.text())
        })
    },
  ],
]

interface Answer {
  readonly status: number | undefined
  readonly headers: IncomingHttpHeaders
  /** How many `DPoP-Nonce` fields it has. */
  readonly nonces: number
}

async function send(port: number, path: string, fields: Record<string, string | string[]>): Promise<Answer> {
  const sent = request({ port, path, host: '127.0.0.1', headers: { authorization: `DPoP ${token}`, ...fields } }).end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  await text(response)
  const nonces = response.rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'dpop-nonce')
  return { status: response.statusCode, headers: response.headers, nonces: nonces.length }
}

const errorIn = ({ headers }: Answer): string | undefined =>
  /DPoP [^D]*?error="(\w+)"/.exec(headers['www-authenticate'] ?? '')?.[1]

describe.each(servers)('41. DPoP with %s', (_, listenerFor) => {
  let offset = 0
  const clock = { now: () => Date.now() + offset }
  const start = async (options: Partial<Options> = {}): Promise<number> => {
    offset = 0
    const server = createServer(await listenerFor(optionsWith({ clock, ...options })))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    ends.push(() => {
      server.closeAllConnections()
      server.close()
    })
    return (server.address() as AddressInfo).port
  }
  const proofFor = async (path: string, claims: object = {}): Promise<string> =>
    client.proof(token, { claims: { htu: `${ORIGIN}${path}`, iat: Math.floor(Date.now() / 1000), ...claims } })

  it('a client with nonces repeats its first request, and no other', async () => {
    const port = await start({ nonces: { secret: SECRET, lifetime: 300 } })
    let nonce: string | undefined
    const statuses: unknown[] = []
    const call = async (path: string): Promise<Answer> => {
      const answer = await send(port, path, { dpop: await proofFor(path, { nonce }) })
      statuses.push(answer.status)
      const next = answer.headers['dpop-nonce']
      if (typeof next === 'string') {
        expect(answer.nonces).toBe(1)
        expect(answer.headers['access-control-expose-headers']?.toLowerCase()).toContain('dpop-nonce')
        nonce = next
      }
      return errorIn(answer) === 'use_dpop_nonce' ? call(path) : answer
    }
    await call('/orders')
    for (const seconds of [100, 200, 350, 500, 560]) {
      offset = seconds * 1000
      await call('/orders')
    }
    expect(statuses).toEqual([401, 200, 200, 200, 200, 200, 200])
  })

  it('a refusal for a scope is in its scheme, and brings the next nonce', async () => {
    const port = await start({ nonces: { secret: SECRET, lifetime: 300 } })
    const first = await send(port, '/admin', { dpop: await proofFor('/admin') })
    const nonce = first.headers['dpop-nonce']
    offset = 200_000
    const answer = await send(port, '/admin', { dpop: await proofFor('/admin', { nonce }) })
    expect([answer.status, errorIn(answer), answer.nonces]).toEqual([403, 'insufficient_scope', 1])
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer realm="api", DPoP realm="api", error=/)
  })

  it('refuses two proofs, none, and a proof for what the client says the host is', async () => {
    const port = await start()
    const forged = await proofFor('', { htu: `http://127.0.0.1:${port}/orders` })
    const cases: readonly Record<string, string | string[]>[] = [
      { dpop: [await proofFor('/orders'), await proofFor('/orders')] },
      {},
      { dpop: forged },
      { dpop: forged, 'x-forwarded-host': `127.0.0.1:${port}`, 'x-forwarded-proto': 'http', forwarded: 'proto=http' },
    ]
    for (const fields of cases) {
      const answer = await send(port, '/orders', fields)
      expect([answer.status, errorIn(answer)]).toEqual([401, 'invalid_dpop_proof'])
    }
    const good = await send(port, '/orders?page=2', { dpop: await proofFor('/orders'), host: 'evil.example' })
    expect(good.status).toBe(200)
  })

  it('refuses its token as Bearer', async () => {
    const port = await start()
    const answer = await send(port, '/orders', { authorization: `Bearer ${token}`, dpop: await proofFor('/orders') })
    expect(answer.status).toBe(401)
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer realm="api", error="invalid_token"/)
  })
})
