// What the plugin of Fastify does with its scope, and with replies that something else has touched.
import { describe, expect, it } from 'vitest'
import { fastifyPlugin, type FastifyScope } from '../../packages/mcp/src/fastify.ts'
import type { Decision, McpRequest } from '../../packages/mcp/src/gate.ts'

interface Route {
  readonly method: string | readonly string[]
  readonly url: string
  readonly config: object
  readonly exposeHeadRoute: boolean
  readonly handler: (request: object, reply: object) => void
}

const METADATA = '/.well-known/oauth-protected-resource/mcp'
const PASSED = { kind: 'passed', authInfo: { clientId: 'a' }, message: { a: 1 }, bytes: undefined, headers: {} }

type Parser = Parameters<FastifyScope['addContentTypeParser']>[1]

interface Parts {
  readonly decide?: (request: McpRequest) => Promise<unknown>
  readonly answer?: () => Promise<unknown> | undefined
  readonly handler?: (...given: readonly unknown[]) => unknown
  readonly path?: string
  readonly paths?: readonly string[]
}

/** What the plugin registers. */
function registered(parts: Parts = {}, prefix = '') {
  const { decide = async () => PASSED, answer, handler = () => {}, path = '/mcp', paths = [METADATA] } = parts
  const endpoint = { gate: { decide: decide as () => Promise<Decision> }, resource: { answer, paths }, path }
  const log: unknown[] = []
  const routes: Route[] = []
  const scope = {
    prefix,
    route: (route: object) => routes.push(route as Route),
    removeAllContentTypeParsers: () => log.push('no parsers'),
    addContentTypeParser: (type: string, parser: Parser) => {
      log.push(type)
      parser({}, 'payload', (...result) => log.push(result))
    },
  }
  const ended: unknown[] = []
  fastifyPlugin(endpoint as never, handler)(scope, {}, (error) => ended.push(error))
  return { routes, log, ended }
}

/** A reply that logs what is done with it. */
function replyWith({ raw = {}, sent = false, headers = {} }: { raw?: object; sent?: boolean; headers?: object } = {}) {
  const log: unknown[] = []
  const reply = {
    sent,
    raw: {
      headersSent: false,
      destroyed: false,
      statusCode: 200,
      setHeader: (name: string, value: unknown) => log.push(`raw ${name}: ${String(value)}`),
      end() {
        log.push(`raw end ${this.statusCode}`)
      },
      destroy: () => log.push('destroyed'),
      ...raw,
    },
    code: (status: number) => (log.push(status), reply),
    header: (name: string, value: unknown) => (log.push(`${name}: ${String(value)}`), reply),
    headers: (fields: object) => (log.push(fields), reply),
    getHeader: () => undefined,
    getHeaders: () => headers,
    send: (payload?: unknown) => {
      log.push(payload instanceof Uint8Array ? new TextDecoder().decode(payload) : payload)
      reply.sent = true
      return reply
    },
    hijack: () => {
      log.push('hijacked')
      reply.sent = true
      return reply
    },
  }
  return { reply, log }
}

const requestWith = (more: object = {}, raw: object = {}) => ({
  raw: { httpVersionMajor: 1, rawHeaders: [], headers: {}, ...raw },
  method: 'POST',
  originalUrl: '/mcp',
  headers: {},
  ...more,
})

/** What happens to a reply that the route at an index answers. */
async function logOf(
  parts: Parts,
  {
    at = 0,
    request = requestWith(),
    given = replyWith(),
  }: { at?: number; request?: object; given?: ReturnType<typeof replyWith> } = {},
): Promise<readonly unknown[]> {
  registered(parts).routes[at]?.handler(request, given.reply)
  await new Promise(setImmediate)
  return given.log
}

const failing = async (): Promise<never> => {
  throw new RangeError('bug')
}
const throwsUndefined = async (): Promise<never> => {
  throw undefined as unknown as Error
}

describe('the plugin of Fastify', () => {
  it('reads no body before the token is verified, and protects its routes itself', () => {
    const { routes, log, ended } = registered({ paths: [METADATA, METADATA, '/other'] })
    expect([log, ended]).toEqual([['no parsers', '*', [null, 'payload']], [undefined]])
    const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']
    const shared = { config: { auth: false }, exposeHeadRoute: false, handler: expect.any(Function) as unknown }
    expect(routes).toEqual([
      { method: methods, url: '/mcp', ...shared },
      { method: ['GET', 'HEAD', 'OPTIONS'], url: METADATA, ...shared },
      { method: ['GET', 'HEAD', 'OPTIONS'], url: '/other', ...shared },
    ])
  })

  it.each([
    ['/a:b/:c', '/a::b/::c'],
    ['/caf%C3%A9', '/café'],
    ['/a%20b', '/a b'],
  ])('asks the router for %s as %s', (path, url) => {
    expect(registered({ path }).routes[0]?.url).toBe(url)
  })

  it.each(['/a*', '/%23', '/%24', '/%26', '/%2b', '/%2C', '/%2F', '/%3a', '/%3B', '/%3d', '/%3F', '/%40', '/%zz'])(
    'cannot compare the path %s',
    (path) => {
      expect(() => registered({ path })).toThrow(
        `Cannot serve MCP in Fastify: give "resource" or "path" a path that the router can compare: without "*", and without escaped delimiters, found "${path}"`,
      )
    },
  )

  it('ends its registration with an error if there is a prefix', () => {
    const { routes, ended } = registered({}, '/api')
    expect(routes).toEqual([])
    expect(ended).toEqual([
      new TypeError(
        'Cannot serve MCP in Fastify: register the plugin without a prefix, because its metadata is not below one: give "path" the whole path, found "/api"',
      ),
    ])
  })
})

describe('the endpoint of Fastify', () => {
  it('gives the handler the request and response of Node, with the fields of plugins', async () => {
    const seen: unknown[] = []
    const request = requestWith()
    const given = replyWith({ headers: { 'x-cors': 'a', 'x-list': ['b', 'c'], 'x-none': undefined } })
    const handler = (...received: readonly unknown[]): unknown => seen.push(...received)
    const decide = async () => ({ ...PASSED, headers: { 'dpop-nonce': 'n' } })
    expect(await logOf({ handler, decide }, { request, given })).toEqual([
      'dpop-nonce: n',
      'hijacked',
      'raw x-cors: a',
      'raw x-list: b,c',
    ])
    expect([seen[0] === request.raw, seen[1] === given.reply.raw, seen[2]]).toEqual([true, true, { a: 1 }])
    expect(request.raw).toMatchObject({ auth: { clientId: 'a' }, body: { a: 1 } })
  })

  it.each<readonly [string, Parts, Parameters<typeof replyWith>[0], readonly unknown[]]>([
    ['before the reply is taken', { decide: failing }, {}, [new RangeError('bug')]],
    ['without an error', { decide: throwsUndefined }, {}, [expect.any(Error)]],
    ['in the handler', { handler: failing }, {}, ['hijacked', 'raw end 500']],
    ['once the response has begun', { decide: failing }, { raw: { headersSent: true } }, ['destroyed']],
    ['once something else has answered', { decide: failing }, { sent: true }, ['raw end 500']],
  ])('fails %s', async (_, parts, situation, expected) => {
    expect(await logOf(parts, { given: replyWith(situation) })).toEqual(expected)
  })

  it.each<readonly [string, Parameters<typeof replyWith>[0]]>([
    ['the reply is sent', { sent: true }],
    ['the response has begun', { raw: { headersSent: true } }],
    ['the client is gone', { raw: { destroyed: true } }],
  ])('leaves the reply alone if %s', async (_, situation) => {
    const stopped = { kind: 'stopped', response: { status: 401, headers: {}, body: '' } }
    for (const decision of [PASSED, stopped])
      expect(await logOf({ decide: async () => decision }, { given: replyWith(situation) })).toEqual([])
  })

  it.each([
    [1, { connection: 'close', allow: 'POST' }],
    [2, { allow: 'POST' }],
  ])('sends a refusal as bytes, and "connection" only in HTTP/1: %i', async (httpVersionMajor, headers) => {
    const response = { status: 405, headers: { connection: 'close', allow: 'POST' }, body: 'é' }
    const decide = async () => ({ kind: 'stopped', response })
    const request = requestWith({}, { httpVersionMajor })
    expect(await logOf({ decide }, { request })).toEqual([405, headers, 'é'])
  })

  it.each<readonly [string, unknown, object, unknown]>([
    ['the chunks that were passed on', { [Symbol.asyncIterator]: () => 'chunks' }, {}, 'chunks'],
    ['the chunks of the request', undefined, { [Symbol.asyncIterator]: () => 'own' }, 'own'],
    ['the chunks of the request, for null', null, { [Symbol.asyncIterator]: () => 'own' }, 'own'],
    ['what a body parser has made', { a: 1 }, {}, { parsed: { a: 1 } }],
    ['a text', 'text', {}, { parsed: 'text' }],
  ])('reads %s', async (_, body, raw, expected) => {
    const seen: unknown[] = []
    const decide = async (request: McpRequest): Promise<unknown> => {
      seen.push(request.body(), request.hasBody)
      return PASSED
    }
    await logOf({ decide }, { request: requestWith({ body, headers: { 'content-length': '5' } }, raw) })
    expect(seen).toEqual([expected, expect.any(Boolean)])
  })
})

describe('the metadata in Fastify', () => {
  it('is sent, not found, or fails', async () => {
    const document = { status: 200, headers: { 'content-type': 'application/json' }, body: '{}' }
    const at = 1
    expect(await logOf({ answer: async () => document }, { at })).toEqual([200, document.headers, '{}'])
    expect(await logOf({ answer: () => undefined }, { at })).toEqual([404, undefined])
    expect(await logOf({ answer: failing }, { at })).toEqual([new RangeError('bug')])
    expect(await logOf({ answer: throwsUndefined }, { at })).toEqual([expect.any(Error)])
    const given = replyWith({ sent: true })
    expect(await logOf({ answer: async () => document }, { at, given })).toEqual([])
  })
})
