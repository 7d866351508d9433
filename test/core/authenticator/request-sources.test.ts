import { nodeClientCertificate, nodePeer, type RequestSource, viewOf } from '@claimgate/core/adapter'
import { describe, expect, it } from 'vitest'

const der = Uint8Array.of(1, 2, 3)
const tls = { remoteAddress: '192.0.2.1', getPeerCertificate: () => ({ raw: der }) }

/** What the view of a request tells. */
async function seen(source: unknown): Promise<unknown> {
  const view = viewOf('explain request', source as RequestSource)
  return [view.method, view.target, view.header('x-a'), await view.form?.('a'), view.peer]
}

describe('the view of a request', () => {
  it.each<readonly [string, unknown, readonly unknown[]]>([
    [
      'of Node',
      { method: 'PUT', url: '/a?b', headers: { 'x-a': 'b' }, rawHeaders: ['X-A', 'b', 'x-a', 'c'], socket: tls },
      ['PUT', '/a?b', ['b', 'c'], undefined, { address: '192.0.2.1', encrypted: true }],
    ],
    [
      'of Express, inside a mounted router',
      { originalUrl: '/a/b', url: '/b', headers: {}, rawHeaders: [], body: { a: '1' }, header: () => 'no list' },
      ['GET', '/a/b', [], { a: '1' }, undefined],
    ],
    [
      'of Fastify',
      { raw: { method: 'GET', url: '/a', headers: { 'x-a': 'b' }, rawHeaders: [], socket: null }, url: '/other' },
      ['GET', '/a', ['b'], undefined, undefined],
    ],
    [
      'of Hono',
      { raw: new Request('https://api.example/a', { headers: { 'x-a': 'b' } }), header: () => 'no list' },
      ['GET', 'https://api.example/a', ['b'], undefined, undefined],
    ],
    [
      'with something else in raw',
      { method: 'GET', url: '/a', headers: { 'x-a': 'b' }, raw: { buffer: 1 } },
      ['GET', '/a', ['b'], undefined, undefined],
    ],
    [
      'of the Fetch API',
      new Request('https://api.example/a', { headers: { 'x-a': 'b' } }),
      ['GET', 'https://api.example/a', ['b'], undefined, undefined],
    ],
    ['without a path', { headers: {}, url: 1 }, ['GET', '/', [], undefined, undefined]],
  ])('%s is that of the original request', async (_, source, expected) => {
    expect(await seen(source)).toEqual(expected)
  })

  it('is itself one', () => {
    const view = { method: 'GET', target: '/', header: () => [] }
    expect(viewOf('explain request', view)).toBe(view)
  })

  it.each([undefined, null, 'GET /', 1, {}, { headers: 'x' }, { raw: {} }, { raw: null }])(
    'cannot be that of %j',
    (source) => {
      expect(() => viewOf('explain request', source as never)).toThrow(
        'Cannot explain request: give the request, or { method, target, header }',
      )
    },
  )

  it('has the certificate of the client', () => {
    const view = viewOf('explain request', { headers: {}, rawHeaders: [], socket: tls })
    expect(view.clientCertificate?.()).toBe(der)
  })
})

describe('the connection of a request', () => {
  it.each<readonly [string, unknown, unknown]>([
    ['TLS', tls, { address: '192.0.2.1', encrypted: true }],
    ['no TLS', { remoteAddress: '::1' }, { address: '::1', encrypted: false }],
    ['no address', { getPeerCertificate: () => ({}) }, undefined],
    ['an address of another type', { remoteAddress: 1 }, undefined],
    ['no socket', undefined, undefined],
    ['a socket of null', null, undefined],
    ['a text', 'socket', undefined],
  ])('with %s has this other end', (_, socket, expected) => {
    expect(nodePeer(socket)).toEqual(expected)
  })

  it.each<readonly [string, unknown, unknown]>([
    ['a certificate', tls, der],
    ['none', { getPeerCertificate: () => ({}) }, undefined],
    ['null', { getPeerCertificate: () => null }, undefined],
    ['a certificate as text', { getPeerCertificate: () => ({ raw: 'MII' }) }, undefined],
    ['no TLS', { remoteAddress: '::1' }, undefined],
    ['something that is no function', { getPeerCertificate: true }, undefined],
    ['no socket', undefined, undefined],
  ])('with %s has this certificate', (_, socket, expected) => {
    expect(nodeClientCertificate(socket)).toBe(expected)
  })
})
