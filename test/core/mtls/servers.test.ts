import { createAuthenticator } from '@claimgate/core'
import { mtls } from '@claimgate/core/mtls'
import { authenticateJwt } from '@claimgate/express'
import { claimgate } from '@claimgate/fastify'
import { createGate } from '@claimgate/fetch'
import express from 'express'
import fastify from 'fastify'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { connect } from 'node:http2'
import { createServer as createTlsServer, Agent, request } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAuthority } from '../../support/adapters/authority.ts'
import { createCertificate, FIELDS, type TestCertificate } from '../../support/mtls/certificates.ts'

const authority = await createAuthority()
const server = createCertificate('localhost')
const client = createCertificate('client')
const other = createCertificate('other')

const bound = await authority.authorization({ cnf: { 'x5t#S256': client.thumbprint } })
const plain = await authority.authorization()
const options = {
  ...authority.options,
  bindings: [mtls({ from: 'connection' })],
  unboundTokens: 'refuse',
} as const
/** A server that asks for certificates and takes self-signed ones. */
const tls = { key: server.key, cert: server.cert, requestCert: true, rejectUnauthorized: false }

type Send = (headers: Record<string, string>, certificate?: TestCertificate) => Promise<number>

const ends: (() => unknown)[] = []
const started = async (running: Server): Promise<number> => {
  if (!running.listening) await once(running.listen(0, '127.0.0.1'), 'listening')
  ends.push(() => running.close())
  return (running.address() as AddressInfo).port
}
afterAll(async () => {
  for (const end of ends) await end()
})

const overHttp1 =
  (port: number): Send =>
  async (headers, certificate) => {
    const { key, cert } = certificate ?? {}
    const sent = request({ port, host: '127.0.0.1', ca: server.cert, agent: false, key, cert, headers }).end()
    const [response] = (await once(sent, 'response')) as [{ statusCode: number; resume(): void }]
    response.resume()
    return response.statusCode
  }

const overHttp2 =
  (port: number): Send =>
  async (headers, certificate) => {
    const { key, cert } = certificate ?? {}
    const session = connect(`https://127.0.0.1:${port}`, { ca: server.cert, key, cert } as object)
    const [fields] = (await once(session.request({ ':path': '/', ...headers }), 'response')) as [{ ':status': number }]
    session.destroy()
    return fields[':status']
  }

const servers: Readonly<Record<string, () => Promise<Send>>> = {
  'Express, HTTP/1': async () => {
    const app = express().use(authenticateJwt(options), (_req, res) => void res.send('ok'))
    return overHttp1(await started(createTlsServer(tls, app as RequestListener)))
  },
  'Fastify, HTTP/1': async () => {
    const app = fastify({ https: tls })
    await app.register(claimgate, options)
    await app.get('/', () => 'ok').listen({ port: 0, host: '127.0.0.1' })
    ends.push(async () => app.close())
    return overHttp1((app.server.address() as AddressInfo).port)
  },
  'Fastify, HTTP/2': async () => {
    const app = fastify({ http2: true, https: tls })
    await app.register(claimgate, options)
    await app.get('/', () => 'ok').listen({ port: 0, host: '127.0.0.1' })
    ends.push(async () => app.close())
    return overHttp2((app.server.address() as AddressInfo).port)
  },
}

describe.each(Object.entries(servers))('42. a TLS server that requests certificates: %s', (_name, start) => {
  let send: Send
  beforeAll(async () => {
    send = await start()
  })

  it('accepts a bound token with its certificate', async () => {
    expect(await send(bound, client)).toBe(200)
  })

  it('refuses a bound token with another certificate, and with none', async () => {
    expect(await send(bound, other)).toBe(401)
    expect(await send(bound)).toBe(401)
  })

  it('refuses a certificate in a header field', async () => {
    const fields = { 'client-cert': FIELDS.rfc9440(client), 'x-forwarded-client-cert': FIELDS.envoy(client) }
    expect(await send({ ...bound, ...fields })).toBe(401)
    expect(await send({ ...bound, ...fields }, other)).toBe(401)
  })

  it('refuses a plain token, because unbound tokens are refused', async () => {
    expect(await send(plain, client)).toBe(401)
    expect(await send(plain)).toBe(401)
  })

  it('refuses a token that is bound to something else, too', async () => {
    const both = { cnf: { 'x5t#S256': client.thumbprint, jkt: client.thumbprint } }
    expect(await send(await authority.authorization(both), client)).toBe(401)
    expect(await send(await authority.authorization({ cnf: { jkt: client.thumbprint } }), client)).toBe(401)
  })
})

describe('42. a connection that resumes a TLS session', () => {
  it('still has its certificate', async () => {
    const app = express().use(authenticateJwt(options), (_req, res) => void res.send('ok'))
    const port = await started(createTlsServer(tls, app as RequestListener))
    const send = async (agent: Agent): Promise<unknown> => {
      const sent = request({ port, host: '127.0.0.1', agent, headers: { ...bound, connection: 'close' } }).end()
      const [response] = (await once(sent, 'response')) as [{ statusCode: number; resume(): void; socket: object }]
      const resumed = (response.socket as unknown as { isSessionReused(): boolean }).isSessionReused()
      response.resume()
      await once(response as never, 'close')
      return [response.statusCode, resumed]
    }
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const agent = new Agent({ ca: server.cert, key: client.key, cert: client.cert, maxVersion })
      expect(await send(agent)).toEqual([200, false])
      expect(await send(agent)).toEqual([200, true])
      agent.destroy()
    }
  })
})

describe('42. a server behind a proxy', () => {
  const fromProxy = (address: string) =>
    ({
      ...options,
      bindings: [
        mtls({
          from: 'header',
          name: 'Client-Cert',
          format: 'rfc9440',
          trust: ({ peer }) => peer?.address === address,
        }),
      ],
    }) as const

  it.each<[string, string, string[] | string, number]>([
    ['a trusted peer', '127.0.0.1', FIELDS.rfc9440(client), 200],
    ['another certificate', '127.0.0.1', FIELDS.rfc9440(other), 401],
    ['another peer', '10.0.0.5', FIELDS.rfc9440(client), 401],
    ['two fields', '127.0.0.1', [FIELDS.rfc9440(client), FIELDS.rfc9440(client)], 401],
    ['no certificate', '127.0.0.1', [], 401],
  ])('answers the request of %s', async (_name, address, field, status) => {
    const log: string[] = []
    const logged = { ...fromProxy(address), log: { warn: (line: object) => void log.push(JSON.stringify(line)) } }
    const app = express().use(authenticateJwt(logged as never), (_req, res) => void res.send('ok'))
    const origin = `http://127.0.0.1:${await started(createServer(app as RequestListener))}`
    const headers = new Headers({ ...bound, 'x-forwarded-for': '10.0.0.5' })
    for (const value of [field].flat()) headers.append('client-cert', value)
    expect((await fetch(origin, { headers })).status).toBe(status)
    for (const line of log) expect(line).not.toContain(FIELDS.rfc9440(client).slice(1, 40))
  })

  it('answers 503 if "trust" cannot decide', async () => {
    const binding = mtls({ from: 'header', name: 'client-cert', format: 'rfc9440', trust: (async () => true) as never })
    const authenticator = createAuthenticator({ ...options, bindings: [binding] })
    const headers: Record<string, string> = { ...bound, 'client-cert': FIELDS.rfc9440(client) }
    const header = (name: string): readonly string[] => [headers[name] ?? []].flat()
    const outcome = await authenticator.authenticate({ method: 'GET', target: '/', header })
    expect(outcome).toMatchObject({ kind: 'refused', error: { code: 'check_unavailable' }, response: { status: 503 } })
  })

  it('works where there is no socket, with a secret of the proxy', async () => {
    const trust = ({ header }: { header(name: string): readonly string[] }): boolean =>
      header('x-proxy-secret').join() === 's3cret'
    const gate = createGate({
      ...options,
      bindings: [mtls({ from: 'header', name: 'client-cert', format: 'rfc9440', trust })],
    })
    const send = async (headers: Record<string, string>): Promise<unknown> => {
      const answer = await gate(new Request('https://api.example.com/', { headers: { ...bound, ...headers } }))
      return answer instanceof Response ? answer.status : answer.claims.sub
    }
    const field = { 'client-cert': FIELDS.rfc9440(client) }
    expect(await send({ ...field, 'x-proxy-secret': 's3cret' })).toBe('alice')
    expect(await send(field)).toBe(401)
    expect(await send({ ...field, 'x-proxy-secret': 'guess' })).toBe(401)
    const connection = createGate(options)
    const refused = await connection(new Request('https://api.example.com/', { headers: { ...bound, ...field } }))
    expect((refused as Response).status).toBe(401)
  })
})
