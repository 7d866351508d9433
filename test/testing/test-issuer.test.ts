import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { createLocalJWKSet, jwtVerify } from 'jose'
import type { JSONWebKeySet } from 'jose'
import { afterEach, describe, expect, it } from 'vitest'

import { startTestIssuer, type TestIssuer, type TestIssuerOptions } from '../../packages/testing/src/test-issuer.ts'

let running: TestIssuer | undefined
afterEach(async () => running?.close())

async function start(options: TestIssuerOptions = {}): Promise<TestIssuer> {
  running = await startTestIssuer(options)
  return running
}
const seen = async (url: string): Promise<unknown> => (await fetch(url)).json()

describe('startTestIssuer', () => {
  it.each(['openid-configuration', 'oauth-authorization-server'])(
    'publishes %s, with the address of a set that contains the keys of its tokens',
    async (name) => {
      const { issuer, server } = await start({ audience: 'api' })
      const metadata = (await seen(`${issuer.issuer}/.well-known/${name}`)) as { issuer: string; jwks_uri: string }
      expect(metadata.issuer).toBe(server.origin)
      const keys = createLocalJWKSet((await seen(metadata.jwks_uri)) as JSONWebKeySet)
      const token = await issuer.issue({ sub: 'alice' })
      const { payload } = await jwtVerify(token, keys, { issuer: server.origin, audience: 'api' })
      expect(payload.sub).toBe('alice')
    },
  )

  it('listens on the given port, so that its address is known in advance', async () => {
    const { server } = await start()
    await server.close()
    const { issuer } = await start({ port: server.port })
    expect(issuer.issuer).toBe(`http://127.0.0.1:${server.port}`)
    expect((await fetch(`${issuer.issuer}/.well-known/openid-configuration`)).status).toBe(200)
  })

  it('rejects if its port is in use', async () => {
    const { server } = await start()
    const advice = 'stop the program that uses it, or choose another "port"'
    await expect(startTestIssuer({ port: server.port })).rejects.toMatchObject({
      message: `Cannot start JWK Set server: port ${server.port} of 127.0.0.1 is in use: ${advice}`,
      cause: { code: 'EADDRINUSE' },
    })
  })

  it.each([-1, 65_536, 9000.5, '9000'])('rejects port %j', async (port) => {
    await expect(startTestIssuer({ port: port as number })).rejects.toThrow(
      'Cannot start JWK Set server: "port" must be a whole number from 0 to 65535',
    )
  })

  it('leaves its port free if an option of the issuer is wrong', async () => {
    const { server } = await start()
    await server.close()
    await expect(startTestIssuer({ port: server.port, ttl: 0 })).rejects.toThrow('"ttl" must be')
    expect((await start({ port: server.port })).server.port).toBe(server.port)
  })

  it('publishes a new key immediately', async () => {
    const { issuer, server } = await start()
    const before = (await seen(server.url)) as JSONWebKeySet
    await issuer.rotate()
    const after = (await seen(server.url)) as JSONWebKeySet
    expect([before.keys.length, after.keys.length]).toEqual([1, 2])
  })

  it('fails on one path when configured', async () => {
    const { server } = await start()
    server.at('/.well-known/openid-configuration').once({ kind: 'status', status: 500 })
    expect((await fetch(server.urlOf('/.well-known/openid-configuration'))).status).toBe(500)
    expect((await fetch(server.urlOf('/.well-known/openid-configuration'))).status).toBe(200)
  })

  it('lets you answer requests yourself, which are not counted', async () => {
    const intercept = (request: IncomingMessage, response: ServerResponse): boolean => {
      if (request.url !== '/token') return false
      response.end('mine')
      return true
    }
    const { server } = await start({ server: { intercept } })
    expect(await (await fetch(server.urlOf('/token'))).text()).toBe('mine')
    expect((await fetch(server.url)).status).toBe(200)
    expect(server.stats().requests.map(({ path }) => path)).toEqual(['/jwks.json'])
  })

  it('survives a request line that is no path', async () => {
    const { server } = await start()
    const socket = connect(server.port, '127.0.0.1')
    socket.end('GET // HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    const [answer] = (await once(socket, 'data')) as readonly unknown[]
    expect(String(answer)).toMatch(/^HTTP\/1\.1 200 /)
  })
})
