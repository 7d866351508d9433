import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'

import { afterEach, describe, expect, it } from 'vitest'

import { TransportError } from '../../../../packages/core/src/errors/auth-error.ts'
import { type FetchLike, systemClock } from '../../../../packages/core/src/model/runtime.ts'
import { defaultFetch as webFetch } from '../../../../packages/core/src/platform/default-fetch.web.ts'
import { undiciFetch } from '../../../../packages/core/src/platform/default-fetch.node.ts'
import {
  fetchDocument,
  type FetchDocumentOptions,
  USER_AGENT,
} from '../../../../packages/core/src/keys/fetch/fetch-document.ts'
import { manualClock, settle } from '../../../support/core/manual-clock.ts'

const servers: { close(): void }[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

async function serve(listener: RequestListener): Promise<{ url: URL; server: Server }> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  servers.push({
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  })
  return { server, url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`) }
}

const transports: readonly (readonly [string, FetchLike])[] = [
  ['undici', undiciFetch()],
  ['the fetch of the runtime', webFetch],
]

describe.each(transports)('a document fetched through %s', (_, fetch) => {
  const get = async (url: URL, options: Partial<FetchDocumentOptions> = {}) =>
    fetchDocument(url, { fetch, clock: systemClock, timeout: 5, maxBytes: 1000, ...options })

  it('is text, whatever the content type', async () => {
    const { url } = await serve((_request, response) => {
      response.setHeader('content-type', 'text/html').end('{"é":1}')
    })
    expect(await get(url)).toMatchObject({ status: 200, text: '{"é":1}' })
  })

  it('is sent by a server that refuses requests without a User-Agent', async () => {
    const { url } = await serve(({ headers }, response) => {
      if (headers['user-agent'] !== USER_AGENT) response.statusCode = 403
      response.end('{}')
    })
    expect(await get(url)).toMatchObject({ status: 200 })
  })

  it('is requested with GET, and the ETag', async () => {
    const { url } = await serve(({ method, headers }, response) => {
      response.statusCode = 304
      response.setHeader('seen', `${method} ${headers['if-none-match']}`).end()
    })
    const { status, headers } = await get(url, { etag: '"1"' })
    expect([status, headers.get('seen')]).toEqual([304, 'GET "1"'])
  })

  it.each([201, 204, 206, 304, 400, 401, 404, 410, 429, 500, 503])('is rejected with status %d', async (status) => {
    const { url } = await serve((_request, response) => {
      response.writeHead(status, { 'retry-after': '7' }).end()
    })
    await expect(get(url)).rejects.toMatchObject({ reason: 'status', status, retryAfter: 7 })
  })

  it.each([301, 302, 303, 307, 308])(
    'is rejected for a redirect with %d, whose target receives no request',
    async (status) => {
      let seen = 0
      const target = await serve((_request, response) => {
        seen += 1
        response.end('{}')
      })
      const { url } = await serve((_request, response) => {
        response.writeHead(status, { location: target.url.href }).end()
      })
      await expect(get(url)).rejects.toMatchObject({ reason: 'redirect' })
      expect(seen).toBe(0)
    },
  )

  it('is read up to the size limit and no further', async () => {
    const { url } = await serve((_request, response) => {
      response.end('x'.repeat(1000))
    })
    expect((await get(url)).text).toHaveLength(1000)
    await expect(get(url, { maxBytes: 999 })).rejects.toMatchObject({ reason: 'too_large' })
  })

  it('is rejected at the size limit if it is endless', async () => {
    const { url } = await serve((_request, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(10_000)));
        if (!response.destroyed) response.once('drain', more)
      }
      more()
    })
    await expect(get(url)).rejects.toMatchObject({ reason: 'too_large' })
  })

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ] as const)('is decompressed from %s even if it was not requested', async (coding, compress) => {
    const { url } = await serve((_request, response) => {
      response.setHeader('content-encoding', coding).end(compress('{"a":1}'))
    })
    expect((await get(url)).text).toBe('{"a":1}')
  })

  it('counts the decompressed bytes of a gzip bomb', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000))
    const { url } = await serve((_request, response) => {
      response.setHeader('content-encoding', 'gzip').end(bomb)
    })
    const before = process.memoryUsage().arrayBuffers
    await expect(get(url, { maxBytes: 65_536 })).rejects.toMatchObject({ reason: 'too_large' })
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000)
  })

  it('is rejected if it is not UTF-8', async () => {
    const { url } = await serve((_request, response) => {
      response.end(Buffer.from([0x7b, 0xff, 0x7d]))
    })
    await expect(get(url)).rejects.toMatchObject({ reason: 'malformed' })
  })

  it('keeps a byte order mark, which the parser rejects', async () => {
    const { url } = await serve((_request, response) => {
      response.end('\uFEFF{}')
    })
    expect((await get(url)).text).toBe('\uFEFF{}')
  })

  it.each<[string, RequestListener]>([
    ['before the headers', () => undefined],
    ['inside the body', (_request, response) => void response.writeHead(200).write('{')],
    [
      'while it sends slowly',
      (_request, response) => {
        const timer = setInterval(() => response.write(' '), 20)
        response.on('close', () => clearInterval(timer))
      },
    ],
  ])('is cancelled at the deadline when it hangs %s', async (_where, listener) => {
    const { url } = await serve(listener)
    await expect(get(url, { timeout: 0.2 })).rejects.toMatchObject({ reason: 'timeout' })
  })

  it.each<[string, RequestListener]>([
    ['before the headers', (request) => void request.socket.destroy()],
    [
      'inside the body',
      (request, response) => {
        response.writeHead(200, { 'content-length': '100' }).write('{')
        setTimeout(() => request.socket.destroy(), 20)
      },
    ],
  ])('is rejected when the connection closes %s', async (_where, listener) => {
    const { url } = await serve(listener)
    await expect(get(url)).rejects.toMatchObject({ reason: 'network' })
  })

  it('is rejected when the connection is refused', async () => {
    const { url, server } = await serve(() => undefined)
    await new Promise((resolve) => {
      server.close(resolve)
    })
    await expect(get(url)).rejects.toMatchObject({
      reason: 'network',
      message: 'The request failed (ECONNREFUSED)',
    })
  })

  it('is rejected when the server does not speak HTTP', async () => {
    const server = createTcpServer((socket) => socket.on('error', () => undefined).end('hello\r\n\r\n'))
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    servers.push(server)
    const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    await expect(get(url)).rejects.toMatchObject({ reason: 'network' })
  })

  it('is cancelled by its signal', async () => {
    const closing = new AbortController()
    const { url } = await serve(() => closing.abort())
    await expect(get(url, { signal: closing.signal })).rejects.toMatchObject({ reason: 'network' })
    await expect(get(url, { signal: closing.signal })).rejects.toMatchObject({ reason: 'network' })
  })
})

const rejecting = (reason: unknown) => async (): Promise<never> =>
  // oxlint-disable-next-line promise/prefer-promise-reject-errors -- a custom fetch may reject with anything
  Promise.reject(reason)
const coded = (code: unknown): Error => Object.assign(new Error('coded'), { code })

describe('a transport that ignores its options', () => {
  const options = (fetch: FetchLike) => {
    const clock = manualClock()
    return { fetch, clock, timeout: 5, maxBytes: 1000 }
  }
  const url = new URL('https://issuer.example/keys')

  it.each<[string, () => Promise<Response>, object]>([
    [
      'status',
      async () => new Response(null, { status: 404 }),
      { status: 404, message: 'The status was 404, not 200' },
    ],
    [
      'status',
      async () => new Response(null, { status: 503, headers: { 'retry-after': '7' } }),
      { status: 503, retryAfter: 7, message: 'The status was 503, not 200' },
    ],
    [
      'redirect',
      async () => new Response(null, { status: 302 }),
      { status: 302, message: 'Redirects are not followed (status 302)' },
    ],
    [
      'redirect',
      async () =>
        new Response(null, { status: 302, headers: { location: '//name:secret@elsewhere.example/a?b=secret' } }),
      { message: 'Redirects are not followed (status 302 to "https://elsewhere.example/a?b=\u2026")' },
    ],
    [
      'redirect',
      async () => new Response(null, { status: 308, headers: { location: 'keys/' } }),
      { message: 'Redirects are not followed (status 308 to "https://issuer.example/keys/")' },
    ],
    [
      'redirect',
      async () => new Response(null, { status: 308, headers: { location: 'https://' } }),
      { message: 'Redirects are not followed (status 308)' },
    ],
    ['redirect', async () => new Response(null, { status: 399 }), {}],
    ['redirect', async () => new Response(null, { status: 300 }), {}],
    ['status', async () => new Response(null, { status: 299 }), {}],
    ['status', async () => new Response(null, { status: 400 }), {}],
    [
      'redirect',
      async () => Object.defineProperty(new Response(), 'type', { value: 'opaqueredirect' }),
      { message: 'Redirects are not followed (status 200)' },
    ],
    [
      'too_large',
      async () => new Response('x'.repeat(1001)),
      { message: 'The body has more than 1000 bytes; "maxBytes" of the key set sets this limit' },
    ],
    [
      'malformed',
      async () => new Response(Uint8Array.of(255)),
      { message: 'The body is not UTF-8', cause: expect.any(Error) },
    ],
    [
      'network',
      async () => Promise.reject(new Error('no route')),
      { message: 'The request failed: "no route"', cause: new Error('no route') },
    ],
    [
      'network',
      async () => Promise.reject(new TypeError('fetch failed', { cause: new Error('other side closed') })),
      { message: 'The request failed: "other side closed"' },
    ],
    [
      'network',
      async () => Promise.reject(new TypeError('fetch failed', { cause: {} })),
      { message: 'The request failed: "fetch failed"' },
    ],
    ['network', rejecting('a\n\u202Etext'), { message: 'The request failed: "a\\n\\u202etext"' }],
    [
      'network',
      async () => Promise.reject(new Error('x '.repeat(500))),
      { message: expect.stringMatching(/^The request failed: "(?:x ){60}…"$/) },
    ],
    ['network', rejecting(undefined), { message: 'The request failed' }],
    ['network', async () => Promise.reject(new Error(' ')), { message: 'The request failed' }],
    ['network', async () => Promise.reject(coded('ECONNRESET')), { message: 'The request failed (ECONNRESET)' }],
    [
      'network',
      async () => Promise.reject(new TypeError('x', { cause: coded('CERT_HAS_EXPIRED') })),
      { message: 'The request failed (CERT_HAS_EXPIRED)' },
    ],
    ['network', async () => Promise.reject(coded('bad\r\ncode')), { message: 'The request failed: "coded"' }],
    ['network', async () => Promise.reject(coded('XBAD\r\n')), { message: 'The request failed: "coded"' }],
    ['network', async () => Promise.reject(coded(7)), { message: 'The request failed: "coded"' }],
    ['network', async () => Promise.reject(coded('bad ECONNRESET')), { message: 'The request failed: "coded"' }],
    ['network', async () => Promise.reject(coded('E')), { message: 'The request failed: "coded"' }],
    [
      'network',
      async () => Promise.reject(Object.create({ code: 'ECONNRESET' }) as Error),
      { message: 'The request failed' },
    ],
  ])('has its answers checked: %s', async (reason, fetch, details) => {
    const failure = await fetchDocument(url, options(fetch)).catch((error: unknown) => error)
    expect(failure).toMatchObject({ name: 'FetchError', reason, ...details })
  })

  it('is asked only for JSON, and conditionally only with an entity tag', async () => {
    const seen: unknown[] = []
    const fetch: FetchLike = async (address, { method, headers, redirect }) => {
      seen.push({ address, method, headers: { ...headers }, redirect })
      return new Response('{}')
    }
    const accept = 'application/jwk-set+json, application/json;q=0.9'
    const agent = { 'user-agent': USER_AGENT }
    await fetchDocument(url, options(fetch))
    await fetchDocument(url, { ...options(fetch), etag: '"1"' })
    const common = { address: url.href, method: 'GET', redirect: 'manual' }
    expect(seen).toStrictEqual([
      { ...common, headers: { accept, ...agent } },
      { ...common, headers: { accept, ...agent, 'if-none-match': '"1"' } },
    ])
  })

  it('may answer 304 only to a conditional request, and its body is not read', async () => {
    const unread = () =>
      new ReadableStream({ pull: (controller) => controller.error(new Error('read')) }, { highWaterMark: 0 })
    const fetch = async () => Object.defineProperty(new Response(unread()), 'status', { value: 304 })
    await expect(fetchDocument(url, { ...options(fetch), etag: '"1"' })).resolves.toMatchObject({
      status: 304,
      text: '',
    })
    await expect(fetchDocument(url, options(fetch))).rejects.toMatchObject({ reason: 'status', status: 304 })
  })

  it('may return an empty body, or none', async () => {
    const texts = await Promise.all(
      [new Response(''), new Response(null)].map(async (response) =>
        fetchDocument(
          url,
          options(async () => response),
        ),
      ),
    )
    expect(texts.map(({ text }) => text)).toEqual(['', ''])
  })

  it('returns its body in any number of chunks', async () => {
    const body = new ReadableStream({
      start: (controller) => {
        for (const piece of [[0xc3], [0xa9, 0x31], [], [0x32]]) controller.enqueue(Uint8Array.from(piece))
        controller.close()
      },
    })
    expect(
      (
        await fetchDocument(
          url,
          options(async () => new Response(body)),
        )
      ).text,
    ).toBe('é12')
  })

  it('has its signal aborted, without leftovers, once the answer has arrived', async () => {
    let signal: AbortSignal | undefined
    const world = options(async (_url, init) => {
      signal = init.signal
      return new Response('{}')
    })
    const given = new AbortController()
    await fetchDocument(url, { ...world, signal: given.signal })
    expect(signal?.aborted).toBe(true)
    expect(world.clock.timers()).toBe(0)
  })

  it('is not called if it is cancelled before', async () => {
    let asked = 0
    const world = options(async () => {
      asked += 1
      return new Response('{}')
    })
    const closing = AbortSignal.abort()
    await expect(fetchDocument(url, { ...world, signal: closing })).rejects.toMatchObject({
      reason: 'network',
      message: 'The fetch was given up',
    })
    expect(asked).toBe(0)
  })

  it('has its body cancelled if it is too long, or late', async () => {
    for (const give of [[new Uint8Array(1001)], []]) {
      let cancelled = 0
      const body = new ReadableStream({
        start: (controller) => {
          for (const piece of give) controller.enqueue(piece)
        },
        cancel: () => void (cancelled += 1),
      })
      const world = options(async () => new Response(body))
      const outcome = fetchDocument(url, world).catch((error: unknown) => error)
      await world.clock.pass(5)
      const timedOut = { reason: 'timeout', message: 'No complete answer within 5 s' }
      expect(await outcome).toMatchObject(give.length > 0 ? { reason: 'too_large' } : timedOut)
      expect(cancelled).toBe(1)
    }
  })

  it('may fail to cancel its body, without ending the process', async () => {
    const cancel = (): never => {
      throw new Error('cannot cancel')
    }
    const body = { getReader: () => ({ read: async () => new Promise(() => undefined), cancel }) }
    const world = options(async () => ({ status: 200, headers: new Headers(), body }) as never)
    const outcome = fetchDocument(url, world).catch((error: unknown) => error)
    await world.clock.pass(5)
    expect(await outcome).toMatchObject({ reason: 'timeout' })
    await settle()
  })

  it('cannot delay a request beyond the deadline', async () => {
    const world = options(async () => new Promise(() => undefined))
    const outcome = fetchDocument(url, world).catch((error: unknown) => error)
    await world.clock.pass(5)
    expect(await outcome).toMatchObject({ reason: 'timeout' })
    expect(world.clock.timers()).toBe(0)
  })

  it('does not have the query of the URL quoted', async () => {
    const secret = new URL('https://issuer.example/keys?api_key=secret')
    const failing = options(async (address) => Promise.reject(new Error(`cannot GET ${address}`)))
    await expect(fetchDocument(secret, failing)).rejects.toMatchObject({
      message: 'The request failed: "cannot GET https://issuer.example/keys"',
    })
  })

  it('does not cause a network error if it cannot be used at all', async () => {
    const broken = options(async () => Promise.reject(new TransportError('does not load')))
    await expect(fetchDocument(url, broken)).rejects.toMatchObject({ reason: 'transport', message: 'does not load' })
  })

  it('has its redirected answer refused', async () => {
    const response = Object.defineProperty(new Response('{}'), 'redirected', { value: true })
    await expect(
      fetchDocument(
        url,
        options(async () => response),
      ),
    ).rejects.toMatchObject({ reason: 'redirect' })
  })

  it('has the body of a refused answer cancelled', async () => {
    let cancelled = false
    const body = new ReadableStream({ cancel: () => void (cancelled = true) })
    await fetchDocument(
      url,
      options(async () => new Response(body, { status: 500 })),
    ).catch(() => undefined)
    await settle()
    expect(cancelled).toBe(true)
  })

  it('may throw synchronously, or reject late, without an unhandled rejection', async () => {
    const throwing = options(() => {
      throw new Error('at once')
    })
    await expect(fetchDocument(url, throwing)).rejects.toMatchObject({
      reason: 'network',
      cause: { message: 'at once' },
    })
    let rejectLate: (error: Error) => void = () => undefined
    const late = options(
      async () =>
        new Promise((_resolve, reject) => {
          rejectLate = reject
        }),
    )
    const outcome = fetchDocument(url, late).catch((error: unknown) => error)
    await late.clock.pass(5)
    rejectLate(new Error('late'))
    await settle()
    expect(await outcome).toMatchObject({ reason: 'timeout' })
  })
})

describe('a transport of the application whose headers are promises', () => {
  const response = (status: number, get: () => unknown): FetchLike =>
    (async () => ({
      status,
      type: 'basic',
      redirected: false,
      headers: { get },
      body: null,
    })) as never
  const rejects = (): Promise<never> => Promise.reject(new Error('no headers'))

  it.each([
    ['200', 200, rejects],
    ['500', 500, rejects],
    ['301', 301, rejects],
    ['200, with a number', 200, () => 1],
  ])('counts as one without them, and never ends the process: %s', async (_, status, get) => {
    const rejected: unknown[] = []
    const listener = (reason: unknown): void => void rejected.push(reason)
    process.on('unhandledRejection', listener)
    const options = { fetch: response(status, get), clock: systemClock, timeout: 5, maxBytes: 1000 }
    const document = await fetchDocument(new URL('https://auth.example.com/keys'), options).catch((e: unknown) => e)
    for (const name of ['content-type', 'age', 'etag', 'cache-control'])
      if (status === 200) expect((document as { headers: Headers }).headers.get(name)).toBeNull()
    await settle()
    process.off('unhandledRejection', listener)
    expect(rejected).toEqual([])
    if (status !== 200) expect(document).toMatchObject({ name: 'FetchError' })
  })
})

describe('a fetched document', () => {
  it('depends on no member of Object.prototype', async () => {
    const prototype = Object.prototype as unknown as Record<string, unknown>
    const polluted = { headers: { authorization: 'x' }, etag: '"1"', left: 0, signal: AbortSignal.abort() }
    const response = new Response('{}')
    let sent: unknown
    const fetch: FetchLike = async (_url, { headers }) => {
      sent = { ...headers }
      return response
    }
    const url = new URL('https://issuer.example/keys')
    try {
      Object.assign(prototype, polluted)
      const options = { fetch, clock: manualClock(), timeout: 5, maxBytes: 1000 }
      expect(await fetchDocument(url, options)).toMatchObject({ status: 200, text: '{}' })
    } finally {
      for (const name of Object.keys(polluted)) delete prototype[name]
    }
    expect(Object.keys(sent as object)).toEqual(['accept', 'user-agent'])
  })
})
