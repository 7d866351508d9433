import { request as httpRequest } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect } from 'node:net'
import { gunzipSync } from 'node:zlib'

import type { JSONWebKeySet } from 'jose'
import { afterEach, describe, expect, it } from 'vitest'

import { expiredCertificate, validCertificate } from '../../../packages/testing/src/certificates.ts'
import { createTestKeys } from '../../../packages/testing/src/keys/test-keys.ts'
import type { FaultyAnswer } from '../../../packages/testing/src/jwks-server/fault.ts'
import {
  type FaultyJwksServer,
  type FaultyJwksServerOptions,
  startFaultyJwksServer,
  unresolvable,
} from '../../../packages/testing/src/jwks-server/faulty-jwks-server.ts'

const { publicJwk } = await createTestKeys('ES256', { kid: 'a' })
const { publicJwk: nextJwk } = await createTestKeys('ES256', { kid: 'b' })
const jwks: JSONWebKeySet = { keys: [publicJwk] }
const text = JSON.stringify(jwks)

const servers: FaultyJwksServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

async function start(options: FaultyJwksServerOptions = { jwks }): Promise<FaultyJwksServer> {
  const server = await startFaultyJwksServer(options)
  servers.push(server)
  return server
}

async function misbehaving(answer: FaultyAnswer): Promise<FaultyJwksServer> {
  const server = await start()
  await server.behave(answer)
  return server
}

interface Got {
  readonly status: number | undefined
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

/** A plain request that follows no redirects, decompresses nothing and shares no connection. */
function get(url: string, headers: Record<string, string> = {}, ca?: string): Promise<Got> {
  return new Promise((resolve, reject) => {
    const options = { agent: false, headers, ...(ca === undefined ? {} : { ca }) }
    const request = (url.startsWith('https') ? httpsRequest : httpRequest)(url, options, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('error', reject)
      response.on('end', () =>
        resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts) }),
      )
    })
    request.on('error', reject)
    request.end()
  })
}

/** The bytes that arrive until the connection ends or `enough` returns true, and how it ended. */
function raw(server: FaultyJwksServer, enough: (received: string) => boolean = () => false) {
  return new Promise<{ received: string; ended: 'by server' | 'by client' | 'ECONNRESET'; pieces: number }>(
    (resolve) => {
      let received = ''
      let pieces = 0
      const socket = connect(server.port, '127.0.0.1')
      socket.write('GET /jwks.json HTTP/1.1\r\nhost: x\r\n\r\n')
      socket.on('data', (bytes) => {
        received += bytes.toString('latin1')
        pieces++
        if (!enough(received)) return
        socket.destroy()
        resolve({ received, pieces, ended: 'by client' })
      })
      socket.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'ECONNRESET') resolve({ received, pieces, ended: 'ECONNRESET' })
      })
      socket.on('end', () => resolve({ received, pieces, ended: 'by server' }))
    },
  )
}

describe('a faulty JWK Set server without faults', () => {
  it('listens on 127.0.0.1 and answers with the given set', async () => {
    const server = await start()
    expect(server.url).toBe(`http://127.0.0.1:${server.port}/jwks.json`)
    const { status, headers, body } = await get(server.url)
    expect([status, headers['content-type'], body.toString()]).toEqual([200, 'application/jwk-set+json', text])
  })

  it('starts with an empty set and publishes sets and single keys', async () => {
    const server = await start({})
    const seen = async () => JSON.parse((await get(server.url)).body.toString()) as unknown
    expect(await seen()).toEqual({ keys: [] })
    server.publish(publicJwk, nextJwk)
    expect(await seen()).toEqual({ keys: [publicJwk, nextJwk] })
    server.publish(jwks)
    expect(await seen()).toEqual(jwks)
    server.publish()
    expect(await seen()).toEqual({ keys: [] })
  })

  it('answers any JSON, with any headers', async () => {
    const server = await misbehaving({ kind: 'ok', body: { issuer: 'x' }, headers: { 'cache-control': 'max-age=60' } })
    const { headers, body } = await get(server.url)
    expect([headers['cache-control'], body.toString()]).toEqual(['max-age=60', '{"issuer":"x"}'])
  })

  it('calls a function for the body of each request', async () => {
    let count = 0
    const server = await misbehaving({ kind: 'ok', body: () => ({ count: ++count }) })
    await get(server.url)
    expect((await get(server.url)).body.toString()).toBe('{"count":2}')
  })

  it.each([
    ['strong', /^"[\w-]{43}"$/],
    ['weak', /^W\/"[\w-]{43}"$/],
  ] as const)('answers 304 to its own %s ETag, until the set changes', async (etag, shape) => {
    const server = await misbehaving({ kind: 'ok', etag })
    const tag = (await get(server.url)).headers.etag ?? ''
    expect(tag).toMatch(shape)
    const again = await get(server.url, { 'if-none-match': tag })
    expect([again.status, again.headers.etag, again.body.length]).toEqual([304, tag, 0])
    server.publish(nextJwk)
    const changed = await get(server.url, { 'if-none-match': tag })
    expect(changed.status).toBe(200)
    expect(changed.headers.etag).not.toBe(tag)
  })

  it('delays only one answer', async () => {
    const server = await start()
    server.once({ kind: 'ok', delay: 50, body: 'slow' })
    const order: string[] = []
    const slow = get(server.url).then(({ body }) => order.push(body.toString()))
    await server.received(1)
    await get(server.url).then(() => order.push('quick'))
    await slow
    expect(order).toEqual(['quick', '"slow"'])
  })
})

describe('a script', () => {
  const status = (code: number): FaultyAnswer => ({ kind: 'status', status: code })
  const statuses = async (server: FaultyJwksServer, ...paths: string[]) => {
    const seen: unknown[] = []
    for (const path of paths) seen.push((await get(server.urlOf(path))).status)
    return seen
  }

  it('uses each answer of `once` once, in order, then that of `behave`', async () => {
    const server = await misbehaving(status(404))
    server.once(status(500), status(502))
    server.once({ kind: 'ok' })
    expect(await statuses(server, '/a', '/b', '/c', '/d', '/e')).toEqual([500, 502, 200, 404, 404])
  })

  it('prefers the answers for the path, whatever the query', async () => {
    const server = await misbehaving(status(404))
    server.at('/jwks').behave(status(410))
    server.at('/jwks').once(status(503))
    server.once(status(500))
    expect(await statuses(server, '/jwks?x=1', '/jwks', '/other', '/jwks', '/other')).toEqual([503, 410, 500, 410, 404])
  })

  it('continues with the answers for all paths when those `once` for the path are used up', async () => {
    const server = await misbehaving(status(404))
    server.at('/jwks').once(status(503))
    expect(await statuses(server, '/jwks', '/jwks')).toEqual([503, 404])
  })
})

describe('faults of the connection', () => {
  it('refuses connections, closes existing ones, and resumes on the same port', async () => {
    const server = await start()
    await server.behave({ kind: 'hang' })
    const hanging = get(server.url)
    hanging.catch(() => {})
    await server.received(1)
    await server.behave({ kind: 'refuse' })
    await expect(hanging).rejects.toMatchObject({ code: 'ECONNRESET' })
    await expect(get(server.url)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await server.behave({ kind: 'ok' })
    expect((await get(server.url)).status).toBe(200)
  })

  it('refuses if called twice', async () => {
    const server = await start()
    await server.behave({ kind: 'refuse' })
    await server.behave({ kind: 'refuse' })
    await expect(get(server.url)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  it.each([
    ['start', /^$/],
    ['headers', /^HTTP\/1\.1 200 OK\r\n(?!.*\r\n\r\n)/s],
    ['body', /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\n\{"keys":\[\{(?!.*\]\})/s],
  ] as const)('resets the connection at the %s', async (at, shape) => {
    const server = await misbehaving({ kind: 'reset', at })
    const { received, ended } = await raw(server)
    expect(ended).toBe('ECONNRESET')
    expect(received).toMatch(shape)
    await server.idle()
    expect(server.stats().aborted).toBe(0)
  })

  it.each([
    ['start', /^$/],
    ['headers', /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\n$/s],
    ['body', /\r\n\r\n\{"keys":\[\{(?!.*\]\})/s],
  ] as const)('hangs at the %s until the client gives up', async (at, shape) => {
    const server = await misbehaving({ kind: 'hang', at })
    let received = ''
    const socket = connect(server.port, '127.0.0.1')
    socket.on('data', (bytes) => {
      received += bytes.toString('latin1')
    })
    const ended = new Promise<void>((resolve) => socket.on('close', () => resolve()))
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
    await server.received(1)
    await expect.poll(() => received).toMatch(shape)
    expect(server.stats()).toMatchObject({ inFlight: 1, aborted: 0 })
    socket.destroy()
    await ended
    await server.idle()
    expect(server.stats()).toMatchObject({ inFlight: 0, aborted: 1 })
  })

  it('drips the headers byte by byte, and the answer is correct', async () => {
    const server = await misbehaving({ kind: 'drip', part: 'headers', every: 1 })
    const { received, pieces, ended } = await raw(server)
    expect(received.endsWith(`\r\n\r\n${text}`)).toBe(true)
    expect(ended).toBe('by server')
    expect(pieces).toBeGreaterThan(50)
    expect((await get(server.url)).body.toString()).toBe(text)
  })

  it('drips the body byte by byte until the client closes the connection', async () => {
    const server = await misbehaving({ kind: 'drip', part: 'body', every: 1 })
    const { received, pieces } = await raw(server, (soFar) => soFar.endsWith('{"keys":['))
    expect(received).toMatch(/\r\n\r\n\{"keys":\[$/)
    expect(pieces).toBeGreaterThan(5)
    await server.idle()
    expect(server.stats().aborted).toBe(1)
  })

  it('names a host that does not resolve', async () => {
    expect(unresolvable('/keys')).toBe('https://claimgate.invalid/keys')
    await expect(get(unresolvable())).rejects.toMatchObject({ syscall: 'getaddrinfo' })
  })
})

describe('faults of the answer', () => {
  it.each([301, 302, 303, 307, 308] as const)('redirects with %s', async (status) => {
    const server = await misbehaving({ kind: 'redirect', status, location: 'http://127.0.0.1:1/x' })
    const got = await get(server.url)
    expect([got.status, got.headers.location]).toEqual([status, 'http://127.0.0.1:1/x'])
  })

  it.each([400, 403, 404, 429, 500, 502, 503])('answers %s', async (status) => {
    const server = await misbehaving({ kind: 'status', status, body: 'no', headers: { 'x-a': 'b' } })
    const got = await get(server.url)
    expect([got.status, got.body.toString(), got.headers['x-a']]).toEqual([status, 'no', 'b'])
    expect(got.headers).not.toHaveProperty('retry-after')
  })

  it.each([
    [120, '120'],
    [new Date('2099-01-02T03:04:05Z'), 'Fri, 02 Jan 2099 03:04:05 GMT'],
    ['soon', 'soon'],
  ])('says Retry-After: %s', async (retryAfter, sent) => {
    const server = await misbehaving({ kind: 'status', status: 429, retryAfter })
    expect((await get(server.url)).headers['retry-after']).toBe(sent)
  })

  it.each([
    [{ kind: 'html' }, /^<!doctype html>/],
    [{ kind: 'truncated' }, /^\{"keys":\[\{(?!.*\]\}$)/],
    [{ kind: 'bom' }, /^\u{FEFF}\{"keys":\[\{.*\]\}$/u],
    [{ kind: 'empty-body' }, /^$/],
    [{ kind: 'empty-set' }, /^\{"keys":\[\]\}$/],
    [{ kind: 'no-keys' }, /^\{"message":"OK"\}$/],
  ] as const)('answers 200 to %o with a wrong body', async (answer, shape) => {
    const server = await misbehaving(answer)
    const got = await get(server.url)
    expect(got.status).toBe(200)
    expect(got.headers['content-type']).toBe(answer.kind === 'html' ? 'text/html' : 'application/jwk-set+json')
    expect(got.body.toString('utf8')).toMatch(shape)
  })

  it('compresses 50 MB into a small gzip body that is a valid set', async () => {
    const server = await misbehaving({ kind: 'gzip-bomb' })
    const got = await get(server.url)
    expect(got.headers['content-encoding']).toBe('gzip')
    expect(got.body.length).toBeLessThan(100_000)
    const unpacked = gunzipSync(got.body)
    expect(unpacked.length).toBe(50 * 1024 * 1024)
    expect(unpacked.subarray(-text.length).toString()).toBe(text)
    expect(JSON.parse(unpacked.toString())).toEqual(jwks)
  })

  it('compresses a bomb of another size', async () => {
    const server = await misbehaving({ kind: 'gzip-bomb', size: 1_000_000 })
    expect(gunzipSync((await get(server.url)).body).length).toBe(1_000_000)
  })

  it('sends chunks until the client closes the connection', async () => {
    const server = await misbehaving({ kind: 'endless' })
    const { received, ended } = await raw(server, (soFar) => soFar.length > 2_000_000)
    expect(ended).toBe('by client')
    expect(received).toMatch(/transfer-encoding: chunked\r\n\r\n9\r\n\{"keys":\[\r\n10000\r\n {65536}\r\n/)
    await server.idle()
    expect(server.stats().aborted).toBe(1)
  })

  it.each([10, -10])('sends a Content-Length that is wrong by %s bytes', async (difference) => {
    const server = await misbehaving({ kind: 'content-length', difference })
    const { received, ended } = await raw(server)
    expect(received).toContain(`content-length: ${text.length + difference}\r\n`)
    expect(received.endsWith(text)).toBe(true)
    expect(ended).toBe('by server')
    await server.idle()
    expect(server.stats().aborted).toBe(0)
  })

  it.each([undefined, 65])('publishes %s keys with different key IDs, the real ones first', async (count) => {
    const server = await misbehaving({ kind: 'many-keys', ...(count === undefined ? {} : { count }) })
    const { keys } = JSON.parse((await get(server.url)).body.toString()) as JSONWebKeySet
    expect(keys[0]).toEqual(publicJwk)
    expect(new Set(keys.map(({ kid }) => kid)).size).toBe(count ?? 10_000)
  })

  it.each(['ES256', 'ES512', 'RS256', 'Ed25519'])(
    'publishes two %s keys of the same type under one kid',
    async (alg) => {
      const { publicJwk: one } = await createTestKeys(alg)
      const server = await misbehaving({ kind: 'duplicate-kids' })
      server.publish(one)
      const { keys } = JSON.parse((await get(server.url)).body.toString()) as JSONWebKeySet
      expect(keys.map(({ kid, kty, crv, alg: its }) => [kid, kty, crv, its])).toEqual([
        [one.kid, one.kty, one.crv, one.alg],
        [one.kid, one.kty, one.crv, one.alg],
      ])
      expect([keys[1]?.n, keys[1]?.x]).not.toEqual([one.n, one.x])
    },
  )

  it('alternates sets, as during a rotation', async () => {
    const server = await misbehaving({ kind: 'alternate', sets: [jwks, { keys: [nextJwk] }] })
    const kids: unknown[] = []
    for (let i = 0; i < 3; i++) {
      kids.push((JSON.parse((await get(server.url)).body.toString()) as JSONWebKeySet).keys[0]?.kid)
    }
    expect(kids).toEqual(['a', 'b', 'a'])
  })

  it('splits a body between two sets', async () => {
    const after = { keys: [publicJwk, nextJwk] }
    const server = await misbehaving({ kind: 'torn', before: jwks, after })
    const body = (await get(server.url)).body.toString()
    expect(body.startsWith(text.slice(0, 20))).toBe(true)
    expect(body.endsWith(JSON.stringify(after).slice(-20))).toBe(true)
    expect([text, JSON.stringify(after)]).not.toContain(body)
  })
})

describe('TLS', () => {
  it('serves a client that trusts the valid certificate, under both names', async () => {
    const server = await start({ jwks, certificate: validCertificate })
    expect(server.url).toMatch(/^https:/)
    for (const url of [server.url, server.url.replace('127.0.0.1', 'localhost')]) {
      expect((await get(url, {}, validCertificate.cert)).body.toString()).toBe(text)
    }
    await expect(get(server.url)).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
  })

  it('fails with the expired certificate even when it is trusted', async () => {
    const server = await start({ jwks, certificate: expiredCertificate })
    await expect(get(server.url, {}, expiredCertificate.cert)).rejects.toMatchObject({ code: 'CERT_HAS_EXPIRED' })
    expect(server.stats()).toMatchObject({ connections: 1, requests: [] })
  })

  it.each(['start', 'headers', 'body'] as const)('closes the connection at the %s', async (at) => {
    const server = await start({ jwks, certificate: validCertificate })
    await server.behave({ kind: 'reset', at })
    await expect(get(server.url, {}, validCertificate.cert)).rejects.toMatchObject({ code: 'ECONNRESET' })
  })
})

describe('the statistics of a server', () => {
  it('contain method, path, headers and time of each request', async () => {
    let time = 1_000
    const server = await start({ jwks, now: () => time++ })
    await get(server.urlOf('/a?b=1'), { 'x-test': 'yes' })
    await get(server.url)
    const { connections, requests } = server.stats()
    expect(connections).toBe(2)
    expect(requests).toMatchObject([
      { method: 'GET', path: '/a?b=1', headers: { 'x-test': 'yes' }, at: 1_000 },
      { method: 'GET', path: '/jwks.json', at: 1_001 },
    ])
  })

  it('count connections without a request', async () => {
    const server = await start()
    const socket = connect(server.port, '127.0.0.1')
    await expect.poll(() => server.stats().connections).toBe(1)
    socket.destroy()
    expect(server.stats().requests).toEqual([])
  })

  it('contain the maximum number of concurrent requests', async () => {
    const server = await misbehaving({ kind: 'ok', delay: 30 })
    await Promise.all([get(server.url), get(server.url), get(server.url)])
    await server.idle()
    await get(server.url)
    await server.idle()
    expect(server.stats()).toMatchObject({ inFlight: 0, maxInFlight: 3, aborted: 0 })
  })

  it('can be reset', async () => {
    const server = await start()
    await get(server.url)
    await server.idle()
    server.forget()
    expect(server.stats()).toEqual({ connections: 0, requests: [], inFlight: 0, maxInFlight: 0, aborted: 0 })
  })

  it('close ends every connection, including hanging ones', async () => {
    const server = await misbehaving({ kind: 'hang', at: 'headers' })
    const hanging = raw(server)
    await server.received(1)
    await server.close()
    await server.close()
    expect(['by server', 'ECONNRESET']).toContain((await hanging).ended)
    await expect(get(server.url)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })
})
