import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type AuthService, type AuthServiceOptions, startAuthService } from './index.ts'

const running: (() => Promise<unknown>)[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map(async (close) => close()))
  vi.restoreAllMocks()
})

interface Told {
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

// An API that is notified of ended sessions and answers with this status.
const startApi = async (status: number, headers: Record<string, string> = {}) => {
  const told: Told[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => (body += text))
    request.on('end', () => {
      told.push({ headers: request.headers, body })
      response.writeHead(status, headers).end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  running.push(async () => server.close() && server.closeAllConnections())
  return { told, uri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/ended` }
}

const start = async (logoutUris: readonly string[], options: AuthServiceOptions = {}): Promise<AuthService> => {
  const service = await startAuthService({ logoutUris: () => logoutUris, ...options })
  running.push(service.close)
  return service
}

const logOut = async (service: AuthService, token?: string): Promise<Response> =>
  fetch(`${service.url}/api/v1/logout`, {
    method: 'POST',
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  })

const claimsOf = (token: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>

describe('logging out', () => {
  it('notifies every API of the ended session, with a token that only the service gets, and then answers 204', async () => {
    const apis = [await startApi(204), await startApi(204)]
    const service = await start(apis.map(({ uri }) => uri))
    const response = await logOut(service, await service.issuer.issue({ sub: 'ada', sid: 'session-1' }))
    expect(response.status).toBe(204)
    expect(response.headers.get('cache-control')).toBe('no-store')

    for (const { told } of apis) {
      expect(told.map(({ body }) => body)).toEqual(['{"sid":"session-1"}'])
      const [, token = ''] = told[0]?.headers.authorization?.split(' ') ?? []
      const claims = claimsOf(token)
      expect(claims).toMatchObject({ iss: service.url, aud: 'orders-api', sub: 'auth-service', scope: 'sessions:end' })
      expect(Number(claims['exp']) - Number(claims['iat'])).toBe(60)
    }
  })

  it('can be repeated', async () => {
    const api = await startApi(204)
    const service = await start([api.uri])
    const token = await service.issuer.issue({ sub: 'ada', sid: 'session-1' })
    expect([(await logOut(service, token)).status, (await logOut(service, token)).status]).toEqual([204, 204])
  })

  it('works with tokens of a key that is no longer used to sign', async () => {
    const service = await start([(await startApi(204)).uri])
    const token = await service.issuer.issue({ sub: 'ada', sid: 'session-1' })
    await service.rotate({ publishAhead: 0 })
    expect((await logOut(service, token)).status).toBe(204)
  })

  it.each([
    ['refuses the message', async () => (await startApi(403)).uri],
    ['redirects it', async () => (await startApi(307, { location: (await startApi(204)).uri })).uri],
    ['sends another response', async () => (await startApi(200)).uri],
    ['is gone', async () => 'http://127.0.0.1:1/ended'],
  ])('answers 503 if one API %s, and still notifies the others', async (_, deaf) => {
    const reported = vi.spyOn(console, 'error').mockReturnValue()
    const api = await startApi(204)
    const service = await start([await deaf(), api.uri])
    const token = await service.issuer.issue({ sub: 'ada', sid: 'session-1' })
    const response = await logOut(service, token)
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('1')
    expect(await response.json()).toEqual({ error: 'The session could not be ended everywhere.' })
    expect(api.told).toHaveLength(1)
    expect(reported).toHaveBeenCalledOnce()
  })

  it('needs a token of the service, and forwards no other token', async () => {
    const api = await startApi(204)
    const service = await start([api.uri])
    const other = await start([])
    const foreign = await other.issuer.issue({ sub: 'ada', sid: 'session-1' })
    const elsewhere = await service.issuer.issue({ sub: 'ada', sid: 'session-1' }, { audience: 'stock-api' })
    const answers = await Promise.all([logOut(service), logOut(service, foreign), logOut(service, elsewhere)])
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401])
    expect(api.told).toEqual([])
  })

  it('answers 400 to a token without a session', async () => {
    const service = await start([])
    expect((await logOut(service, await service.issuer.issue({ sub: 'ada' }))).status).toBe(400)
  })
})
