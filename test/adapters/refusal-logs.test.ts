import { createRequire } from 'node:module'
import { createServer } from 'node:http'
import { createAuthenticator, createVerifier, type RefusalLog, scope } from '@claimgate/core'
import { authenticateJwt, getAuth, requireScope } from '@claimgate/express'
import { claimgate, type ClaimgateOptions } from '@claimgate/fastify'
import { createGate, protect } from '@claimgate/fetch'
import { authenticateJwt as honoJwt, requireScope as honoScope } from '@claimgate/hono'
import { protect as protectLambda } from '@claimgate/lambda'
import { ClaimgateModule, Scopes } from '@claimgate/nestjs'
import { Controller, Get } from '@nestjs/common'
import express5 from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { assertNoSecrets } from '../support/secrets/finds.ts'
import { listen } from '../support/contract/started-adapter.ts'
import { createAuthority } from '../support/adapters/authority.ts'
import { httpApi } from '../support/lambda/events.ts'
import { decorate, listenerOf, type Platform, startApp } from '../support/nestjs/nest.ts'

const require = createRequire(import.meta.url)
const express4 = require('express4') as typeof express5

const authority = await createAuthority()
const reader = await authority.authorization({ scope: 'orders:read' })
const expired = await authority.authorization({ exp: 1_700_000_000, iat: 1_699_999_000 })

const MISSING = 'The request carries no access token'

const logged: unknown[][] = []
afterEach(() => assertNoSecrets(logged.splice(0), 'log'))

/** A log that stores its lines. */
function kept(): { readonly lines: unknown[][]; warn(...values: unknown[]): void } {
  const lines: unknown[][] = []
  const warn = (...values: unknown[]): void => {
    lines.push(values)
    logged.push(values)
  }
  return { lines, warn }
}

describe.each([
  ['Express 4', express4],
  ['Express 5', express5],
])('%s with a log', (_name, framework) => {
  const start = async (options: object) => {
    const app = framework()
    app.use(authenticateJwt({ ...authority.options, ...options }))
    app.get('/', (req, res) => res.send(getAuth(req).claims.sub))
    app.get('/write', requireScope('orders:write'), (_req, res) => res.send('written'))
    const { port, close } = await listen(createServer(app))
    const get = async (path: string, headers: Record<string, string> = {}) =>
      (await fetch(`http://127.0.0.1:${port}${path}`, { headers })).status
    return { get, close }
  }

  it('contains why requests are refused, by the middleware, by a route and by getAuth', async () => {
    const log = kept()
    const { get, close } = await start({ log, optional: true })
    expect(await get('/', reader)).toBe(200)
    expect(await get('/', expired)).toBe(401)
    expect(await get('/write', reader)).toBe(403)
    expect(await get('/')).toBe(401)
    await close()
    expect(log.lines).toEqual([
      [expect.stringMatching(/^Request refused \(token_expired\): The token has expired/)],
      [expect.stringMatching(/^Request refused \(insufficient_scope\): .*orders:write/)],
      [`Request refused (credential_missing): ${MISSING}`],
    ])
  })

  it('is written also with onReject, and can be set with an existing authenticator', async () => {
    const log = kept()
    const authenticator = createAuthenticator({ ...authority.options, log })
    const app = framework()
    app.use(authenticateJwt({ authenticator, onReject: (_refusal, _req, res) => void res.status(418).end() }))
    const { port, close } = await listen(createServer(app))
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(418)
    await close()
    expect(log.lines).toHaveLength(1)
    expect(() => authenticateJwt({ authenticator, log } as never)).toThrow(
      'with "authenticator", "log" belongs to the options of that authenticator',
    )
  })

  it('does not affect the answer if it fails', async () => {
    const { get, close } = await start({
      log: {
        warn: () => {
          throw new Error('the disk is full')
        },
      },
    })
    expect([await get('/'), await get('/', expired), await get('/', reader)]).toEqual([401, 401, 200])
    await close()
  })
})

/** Starts an API that serves every token at `/`, and needs a scope at `/write`. */
type Start = (options: typeof authority.options & { readonly log: RefusalLog }) => Promise<{
  readonly get: (path: string, headers?: Record<string, string>) => Promise<number | undefined>
  readonly close: () => unknown
}>

const startHono: Start = async (options) => {
  const app = new Hono()
  app.use(honoJwt(options))
  app.get('/', (c) => c.text('served'))
  app.get('/write', honoScope('orders:write'), (c) => c.text('written'))
  return { get: async (path, headers = {}) => (await app.request(path, { headers })).status, close: () => {} }
}

const startNest =
  (platform: Platform): Start =>
  async (options) => {
    class Orders {
      read(): string {
        return 'served'
      }
      write(): string {
        return 'written'
      }
    }
    Controller()(Orders)
    decorate(Orders, 'read', [Get()])
    decorate(Orders, 'write', [Get('write'), Scopes('orders:write')])
    const app = await startApp(platform, { imports: [ClaimgateModule.forRoot(options)], controllers: [Orders] })
    const { port, close } = await listen(createServer(listenerOf(app, platform)))
    return {
      get: async (path, headers = {}) => (await fetch(`http://127.0.0.1:${port}${path}`, { headers })).status,
      close,
    }
  }

const startLambda: Start = async (options) => {
  const serve = (): object => ({ statusCode: 200 })
  const requirement = scope('orders:write')
  const [read, write] = [protectLambda(serve, options), protectLambda(serve, { ...options, requirement })]
  const get = async (path: string, headers: Record<string, string> = {}): Promise<number | undefined> => {
    const event = httpApi({ method: 'GET', path, query: '', fields: Object.entries(headers), body: Buffer.of() })
    return ((await (path === '/' ? read : write)(event)) as { readonly statusCode?: number }).statusCode
  }
  return { get, close: () => {} }
}

describe.each<[string, Start]>([
  ['Hono', startHono],
  ['NestJS on Express', startNest('Express')],
  ['NestJS on Fastify', startNest('Fastify')],
  ['Lambda', startLambda],
])('%s with a log', (_name, start) => {
  it('contains why requests are refused', async () => {
    const log = kept()
    const { get, close } = await start({ ...authority.options, log })
    expect([await get('/', reader), await get('/', expired), await get('/write', reader), await get('/')]).toEqual([
      200, 401, 403, 401,
    ])
    await close()
    expect(log.lines).toEqual([
      [expect.stringMatching(/^Request refused \(token_expired\): The token has expired/)],
      [expect.stringMatching(/^Request refused \(insufficient_scope\): .*orders:write/)],
      [`Request refused (credential_missing): ${MISSING}`],
    ])
  })

  it('does not affect the answer if it fails', async () => {
    const warn = (): never => {
      throw new Error('the disk is full')
    }
    const { get, close } = await start({ ...authority.options, log: { warn } })
    expect([await get('/'), await get('/', expired), await get('/', reader)]).toEqual([401, 401, 200])
    await close()
  })
})

describe('a log', () => {
  it('can be the console, or a pino logger', () => {
    const logs: readonly RefusalLog[] = [console, fastify({ logger: { level: 'silent' } }).log]
    for (const log of logs) expect(() => createAuthenticator({ ...authority.options, log })).not.toThrow()
  })
})

describe('a gate with a log', () => {
  const request = (headers: Record<string, string> = {}) => new Request('https://api.example.com/', { headers })

  it('logs why requests are refused', async () => {
    const log = kept()
    const gate = createGate({ verifier: createVerifier(authority.options), log })
    expect(await gate(request(reader))).toHaveProperty('claims')
    for (const result of [await gate(request()), await gate(request(expired)), await gate(request(reader), scope('x'))])
      expect(result).toBeInstanceOf(Response)
    expect((await protect(gate, () => new Response())(request())).status).toBe(401)
    expect(log.lines.map(([line]) => /\((\w+)\)/.exec(String(line))?.[1])).toEqual([
      'credential_missing',
      'token_expired',
      'insufficient_scope',
    ])
  })

  it('accepts the console', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    await createGate({ ...authority.options, log: console })(request())
    expect(warn.mock.calls).toEqual([[`Request refused (credential_missing): ${MISSING}`]])
    warn.mockRestore()
  })

  it('writes one line per minute for each reason', async () => {
    const log = kept()
    let now = 0
    const clock = { now: () => Date.now(), monotonic: () => now }
    const gate = createGate({ ...authority.options, clock, log })
    for (let second = 0; second <= 180; second += 1) {
      now = second * 1000
      await gate(request())
    }
    expect(log.lines.flat()).toEqual([
      `Request refused (credential_missing): ${MISSING}`,
      ...[1, 2, 3].map(() => `Request refused (credential_missing): ${MISSING} (and 59 more since the last line)`),
    ])
  })
})

describe('Fastify', () => {
  interface Line {
    readonly level: number
    readonly msg: string
    readonly code?: string
    readonly reqId?: string
    readonly suppressed?: number
  }

  const start = async (options: Partial<ClaimgateOptions> = {}) => {
    const lines: Line[] = []
    const write = (text: string): void => {
      const line = JSON.parse(text) as Line
      if (!['incoming request', 'request completed'].includes(line.msg)) lines.push(line)
    }
    const app = fastify({ logger: { stream: { write } } })
    await app.register(claimgate, { ...authority.options, ...options } as ClaimgateOptions)
    app.get('/', () => 'served')
    app.get('/write', { config: { auth: scope('orders:write') } }, () => 'written')
    app.get('/open', { config: { auth: false } }, () => 'open')
    const get = async (url: string, headers: Record<string, string> = {}) =>
      (await app.inject({ url, headers })).statusCode
    return { app, get, lines }
  }

  it('logs why requests are refused by default, with the code, at level info, for each request', async () => {
    const { get, lines } = await start()
    expect([await get('/', reader), await get('/open'), await get('/'), await get('/write', reader)]).toEqual([
      200, 200, 401, 403,
    ])
    expect(lines).toMatchObject([
      { level: 30, code: 'credential_missing', msg: MISSING, reqId: 'req-3' },
      { level: 30, code: 'insufficient_scope', msg: expect.stringMatching(/orders:write/), reqId: 'req-4' },
    ])
    expect(lines[0]).not.toHaveProperty('suppressed')
  })

  it('writes one line per minute for each reason, with the number of suppressed lines', async () => {
    let now = 0
    const { get, lines } = await start({ clock: { now: () => Date.now(), monotonic: () => now } })
    for (let count = 0; count < 50; count += 1) await get('/')
    await get('/', expired)
    now = 60_000
    await get('/')
    expect(lines).toMatchObject([
      { code: 'credential_missing', msg: MISSING },
      { code: 'token_expired' },
      { code: 'credential_missing', msg: `${MISSING} (and 49 more since the last line)`, suppressed: 49 },
    ])
  })

  it('logs also with onReject', async () => {
    const { get, lines } = await start({ onReject: (_refusal, _request, reply) => reply.code(418).send() })
    expect(await get('/')).toBe(418)
    expect(lines).toHaveLength(1)
  })

  it('logs nothing if disabled', async () => {
    const { get, lines } = await start({ log: false })
    expect(await get('/')).toBe(401)
    expect(lines).toEqual([])
  })

  it('accepts another log', async () => {
    const log = kept()
    const { get, lines } = await start({ log })
    expect(await get('/')).toBe(401)
    expect([log.lines, lines]).toEqual([[[`Request refused (credential_missing): ${MISSING}`]], []])
  })

  it('lets Fastify log what its hook throws', async () => {
    const { app, lines } = await start({ global: false })
    await app.register(async (child) => {
      child.addHook('onRequest', child.authenticateJwt())
      child.get('/thrown', () => 'served')
    })
    expect((await app.inject('/thrown')).statusCode).toBe(401)
    expect(lines).toHaveLength(1)
    expect(JSON.stringify(lines)).toContain(MISSING)
  })

  it('answers the same if the log fails', async () => {
    const { app, get } = await start()
    app.addHook('onRequest', async (request) => {
      vi.spyOn(request.log, 'info').mockImplementation(() => {
        throw new Error('the disk is full')
      })
    })
    expect([await get('/'), await get('/', reader)]).toEqual([401, 200])
  })

  it.each([true, 'info', {}, null])('rejects %j at start-up', async (log) => {
    await expect(start({ log } as never)).rejects.toThrow(/^Cannot register claimgate: "log" must/)
  })
})
