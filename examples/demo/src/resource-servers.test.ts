import { type AuthService, startAuthService } from '@claimgate-examples/auth-service'
import { createWorker } from '@claimgate-examples/cloudflare-worker/worker'
import { startExpressServer } from '@claimgate-examples/resource-server-express'
import { startFastifyServer } from '@claimgate-examples/resource-server-fastify'
import type { Environment } from '@claimgate/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serveWorker } from './worker-server.ts'

interface Server {
  readonly url: string
  close(): Promise<void>
}

const SERVERS = {
  express: async (env: Environment) => startExpressServer({ env }),
  fastify: async (env: Environment) => startFastifyServer({ env }),
  worker: async (env: Environment) => serveWorker(createWorker, env as unknown as Bindings),
}
type Bindings = Parameters<typeof serveWorker>[1]
const NODE_SERVERS = [
  ['express', startExpressServer],
  ['fastify', startFastifyServer],
] as const

let auth: AuthService
let env: Environment
beforeAll(async () => {
  auth = await startAuthService()
  env = {
    JWT_ISSUER: auth.url,
    JWT_AUDIENCE: 'billing-api, orders-api',
    JWT_JWKS_URI: `${auth.url}/.well-known/jwks.json`,
  }
})
afterAll(async () => auth.close())

const CLAIMS = {
  writer: { sub: 'ada', role: 'writer', scope: 'orders:read orders:write' },
  reader: { sub: 'bob', role: 'reader', scope: 'orders:read' },
}

describe.each(Object.entries(SERVERS))('the %s server', (_, start) => {
  let server: Server
  beforeAll(async () => {
    server = await start(env)
  })
  afterAll(async () => server.close())

  const ask = async (line: string, role?: keyof typeof CLAIMS): Promise<Response> => {
    const [method = '', path = ''] = line.split(' ')
    const headers: Record<string, string> =
      role === undefined ? {} : { authorization: `Bearer ${await auth.issuer.issue(CLAIMS[role])}` }
    return fetch(server.url + path, { method, headers })
  }

  it('tells a caller with any valid token who is calling', async () => {
    const response = await ask('GET /api/v1/protected', 'reader')
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ caller: 'bob', role: 'reader', scopes: ['orders:read'] })
  })

  it('lets a writer write', async () => {
    const response = await ask('POST /api/v1/orders', 'writer')
    expect(response.status).toBe(201)
    expect(await response.json()).toEqual({ orderedBy: 'ada' })
  })

  it('names the scope that a reader lacks', async () => {
    const response = await ask('POST /api/v1/orders', 'reader')
    expect(response.status).toBe(403)
    expect(response.headers.get('www-authenticate')).toMatch(/error="insufficient_scope".*scope="orders:write"/)
  })

  it.each([
    ['writer', 204],
    ['reader', 403],
  ] as const)('answers a deletion by a %s with %d', async (role, status) => {
    expect((await ask('DELETE /api/v1/orders/7', role)).status).toBe(status)
  })

  it('has a health check that needs no token', async () => {
    const response = await ask('GET /health')
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ status: 'ok' })
  })

  it.each(['GET /api/v1/protected', 'DELETE /api/v1/orders/7', 'GET /api/v1/unknown'])(
    'challenges a request without a token for %s',
    async (line) => {
      const response = await ask(line)
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toBe('Bearer realm="api"')
    },
  )

  it('refuses a token for an audience that it does not have', async () => {
    const token = await auth.issuer.issue(CLAIMS.writer, { audience: 'stock-api' })
    const headers = { authorization: `Bearer ${token}` }
    expect((await fetch(`${server.url}/api/v1/protected`, { headers })).status).toBe(401)
  })

  it('finds the keys by the issuer', async () => {
    const discovering = await start({ JWT_ISSUER: auth.url, JWT_AUDIENCE: 'orders-api' })
    const headers = { authorization: `Bearer ${await auth.issuer.issue(CLAIMS.reader)}` }
    const { status } = await fetch(`${discovering.url}/api/v1/protected`, { headers })
    await discovering.close()
    expect(status).toBe(200)
  })
})

describe.each(NODE_SERVERS)('the sessions of the %s server', (_, start) => {
  let server: Server
  beforeAll(async () => {
    server = await start({ env })
  })
  afterAll(async () => server.close())

  const statusOf = async (token: string): Promise<number> => {
    const headers = { authorization: `Bearer ${token}` }
    return (await fetch(`${server.url}/api/v1/protected`, { headers })).status
  }
  const end = async (token: string, body: string, type = 'application/json'): Promise<Response> =>
    fetch(`${server.url}/api/v1/ended-sessions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': type },
      body,
    })
  const authServiceToken = async (): Promise<string> =>
    auth.issuer.issue({ sub: 'auth-service', scope: 'sessions:end' }, { ttl: 60 })

  it('revoke all their tokens immediately, and those of no other session', async () => {
    const tokenOf = async (sid: string): Promise<string> => auth.issuer.issue({ ...CLAIMS.writer, sid })
    const [laptop, laptopLater, phone] = [await tokenOf('laptop'), await tokenOf('laptop'), await tokenOf('phone')]
    expect([await statusOf(laptop), await statusOf(laptopLater), await statusOf(phone)]).toEqual([200, 200, 200])
    expect((await end(await authServiceToken(), '{"sid":"laptop"}')).status).toBe(204)
    expect([await statusOf(laptop), await statusOf(laptopLater), await statusOf(phone)]).toEqual([401, 401, 200])
  })

  it.each(Object.entries(CLAIMS))('cannot be ended by a %s', async (__, claims) => {
    const token = await auth.issuer.issue({ ...claims, sid: 'kept' })
    expect((await end(token, '{"sid":"kept"}')).status).toBe(403)
    expect(await statusOf(token)).toBe(200)
  })

  it.each(['{}', '{"sid":""}', '{"sid":null}', '{"sid":{}}', '[]', '"x"', '{'])(
    'cannot be ended by %j',
    async (body) => {
      expect((await end(await authServiceToken(), body)).status).toBe(400)
    },
  )
})

describe.each(NODE_SERVERS)('starting the %s server', (_, start) => {
  it('fails and names the missing variable', async () => {
    await expect(start({ env: { ...env, JWT_AUDIENCE: '' } })).rejects.toThrow(/JWT_AUDIENCE/)
  })

  it('listens on the given port, and closing releases it', async () => {
    const first = await start({ env })
    await first.close()
    await expect(fetch(`${first.url}/health`)).rejects.toThrow('fetch failed')
    const second = await start({ env, port: Number(new URL(first.url).port) })
    const { status } = await fetch(`${first.url}/health`)
    await second.close()
    expect([second.url, status]).toEqual([first.url, 200])
  })
})
