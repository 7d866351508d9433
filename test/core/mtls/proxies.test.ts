import { mtls } from '@claimgate/core/mtls'
import { authenticateJwt } from '@claimgate/express'
import express from 'express'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAuthority } from '../../support/adapters/authority.ts'
import { createCertificate, FIELDS, type TestCertificate } from '../../support/mtls/certificates.ts'
import { installed, PROXIES, startProxy } from '../../support/mtls/proxies.ts'

const authority = await createAuthority()
const server = createCertificate('localhost')
const client = createCertificate('client')
const other = createCertificate('other', 'rsa:3072')
const bound = await authority.authorization({ cnf: { 'x5t#S256': client.thumbprint } })
const files = { 'server.pem': server.cert + server.key, 'clients.pem': client.cert + other.cert }

const named = PROXIES.map((proxy) => ({ ...proxy, path: installed(proxy.program) }))
const missing = named.filter(({ path }) => path === undefined)

it.each(missing)('$program is not run with the format $format, because it is not installed', ({ program }) => {
  expect(installed(program)).toBeUndefined()
})

describe.each(named.filter((proxy) => proxy.path !== undefined))('42. $program with the format $format', (proxy) => {
  const ends: (() => unknown)[] = []
  let port: number
  beforeAll(async () => {
    const trust = ({ peer }: { peer?: { address: string } | undefined }): boolean => peer?.address === '127.0.0.1'
    const binding = mtls({ from: 'header', name: 'X-Client-Cert', format: proxy.format, trust })
    const app = express().use(authenticateJwt({ ...authority.options, bindings: [binding] }))
    app.get('/', (_req, res) => void res.send('ok'))
    const api = createServer(app as RequestListener).listen(0, '127.0.0.1')
    await once(api, 'listening')
    ends.push(() => api.close())
    const started = await startProxy(proxy, proxy.path ?? '', (api.address() as AddressInfo).port, files)
    ends.push(() => started.close())
    port = started.port
  })
  afterAll(async () => {
    for (const end of ends.toReversed()) await end()
  })

  const send = async (certificate?: TestCertificate, headers: Record<string, string> = {}): Promise<number> => {
    const { key, cert } = certificate ?? {}
    const tls = {
      port,
      host: '127.0.0.1',
      servername: 'localhost',
      ca: server.cert,
      agent: false,
      key,
      cert,
    } as const
    const sent = request({ ...tls, headers: { host: 'localhost', ...bound, ...headers } }).end()
    const [response] = (await once(sent, 'response')) as [{ statusCode: number; resume(): void }]
    response.resume()
    return response.statusCode
  }

  it('sends the certificate that the token is bound to', async () => {
    expect(await send(client)).toBe(200)
  })

  it('sends other certificates, and something else for none', async () => {
    expect(await send(other)).toBe(401)
    expect(await send()).toBe(401)
  })

  it('replaces the field that a client sends', async () => {
    const field = { 'x-client-cert': FIELDS[proxy.format](client, []) }
    expect(await send(undefined, field)).toBe(401)
    expect(await send(other, field)).toBe(401)
    expect(await send(client, { 'x-client-cert': FIELDS[proxy.format](other, []) })).toBe(200)
  })
})
