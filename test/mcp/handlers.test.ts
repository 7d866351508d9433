// What the handlers for Node and for fetch do with the decisions of a gate, and with responses that something else has touched.
import { AuthError, scope } from '@claimgate/core'
import { mcpResource } from '@claimgate/mcp'
import { describe, expect, it } from 'vitest'
import { tokenVerifier } from '../../packages/mcp/src/auth-info.ts'
import { fetchHandler } from '../../packages/mcp/src/fetch.ts'
import type { McpRequest } from '../../packages/mcp/src/gate.ts'
import { nodeMiddleware } from '../../packages/mcp/src/node.ts'
import { fakeVerifier } from '../support/core/fake-verifier.ts'
import { responseLog } from '../support/core/response-log.ts'

const RESOURCE = 'https://mcp.example.com/mcp'
const PASSED = { kind: 'passed', authInfo: { clientId: 'a' }, message: { a: 1 }, bytes: undefined, headers: {} }
const STOPPED = { kind: 'stopped', response: { status: 401, headers: { connection: 'close', a: 'b' }, body: 'no' } }

interface Parts {
  readonly decision?: object
  readonly decide?: (request: McpRequest) => Promise<unknown>
  readonly answer?: () => Promise<unknown> | undefined
}

const endpointWith = ({ decision = PASSED, decide = async () => decision, answer = () => undefined }: Parts): never =>
  ({ gate: { decide }, resource: { answer }, path: '/mcp' }) as never

const failing = async (): Promise<never> => {
  throw new RangeError('bug')
}
const throwsUndefined = async (): Promise<never> => {
  throw undefined as unknown as Error
}

describe('the middleware of Node', () => {
  const requestTo = (url = '/mcp', more: object = {}) => ({
    method: 'POST',
    url,
    headers: {},
    rawHeaders: [],
    socket: undefined,
    httpVersionMajor: 1,
    ...more,
  })
  const run = async (
    parts: Parts,
    {
      req = requestTo(),
      handler = () => {},
      next,
      sent = false,
    }: {
      req?: object
      handler?: (...given: readonly unknown[]) => unknown
      next?: (error?: unknown) => void
      sent?: boolean
    } = {},
  ): Promise<readonly string[]> => {
    const { response, log } = responseLog({ headersSent: sent })
    const destroyed: string[] = []
    const res = Object.assign(response, { destroy: () => destroyed.push('destroyed') })
    nodeMiddleware(endpointWith(parts), handler)(req as never, res, next)
    await new Promise(setImmediate)
    return [...log, ...destroyed]
  }

  it('sets the fields of the decision before the handler runs', async () => {
    const seen: unknown[] = []
    const req = requestTo()
    const handler = (...given: readonly unknown[]): unknown => seen.push(given[0] === req, given[2])
    expect(await run({ decision: { ...PASSED, headers: { 'dpop-nonce': 'n' } } }, { req, handler })).toEqual([
      'dpop-nonce: n',
    ])
    expect([seen, req]).toEqual([
      [true, { a: 1 }],
      expect.objectContaining({ auth: { clientId: 'a' }, body: { a: 1 } }),
    ])
  })

  it('leaves the body of a request alone that has no message', async () => {
    const req = requestTo('/mcp', { method: 'GET' })
    await run({ decision: { ...PASSED, message: undefined } }, { req })
    expect(req).not.toHaveProperty('body')
    expect(req).toHaveProperty('auth', { clientId: 'a' })
  })

  it('sends a refusal once, and runs no handler', async () => {
    const ran: unknown[] = []
    const handler = (): unknown => ran.push('handler')
    expect(await run({ decision: STOPPED }, { handler })).toEqual(['connection: close', 'a: b', 'status 401: no'])
    const req = requestTo('/mcp', { httpVersionMajor: 2 })
    expect(await run({ decision: STOPPED }, { req, handler })).toEqual(['a: b', 'status 401: no'])
    for (const decision of [STOPPED, PASSED]) expect(await run({ decision }, { sent: true, handler })).toEqual([])
    expect(ran).toEqual([])
  })

  it.each<readonly [string, Parts, boolean, readonly string[]]>([
    ['a gate that fails', { decide: failing }, false, ['status 500: ']],
    ['a gate that fails after the response has begun', { decide: failing }, true, ['destroyed']],
    ['metadata that fail', { answer: failing }, false, ['status 500: ']],
    ['metadata that are late', { answer: async () => STOPPED.response }, true, []],
    ['metadata', { answer: async () => STOPPED.response }, false, ['connection: close', 'a: b', 'status 401: no']],
  ])('answers for %s', async (_, parts, sent, expected) => {
    expect(await run(parts, { sent })).toEqual(expected)
  })

  it('gives failures and other requests to what is next', async () => {
    const given: unknown[] = []
    const next = (...received: readonly unknown[]): unknown => given.push(received)
    await run({ decide: failing }, { next })
    await run({ decide: throwsUndefined }, { next })
    await run({ answer: failing }, { next })
    await run({}, { next, req: requestTo('/other') })
    expect(given).toEqual([[new RangeError('bug')], [expect.any(Error)], [new RangeError('bug')], []])
    expect(await run({}, { req: requestTo('/other') })).toEqual(['status 404: '])
    expect(await run({}, { req: requestTo('/other'), sent: true })).toEqual([])
  })

  it('takes a request without method and address for GET of the root', async () => {
    const seen: unknown[] = []
    const { gate, resource } = endpointWith({}) as { gate: { decide: unknown }; resource: object }
    gate.decide = async ({ view, hasBody }: McpRequest) => {
      seen.push(view.method, view.target, hasBody)
      return PASSED
    }
    const { response } = responseLog()
    const res = Object.assign(response, { destroy: () => {} })
    const req = requestTo('/', { method: undefined, url: undefined })
    nodeMiddleware({ gate, resource, path: '/' } as never, () => {})(req as never, res)
    await new Promise(setImmediate)
    expect(seen).toEqual(['GET', '/', false])
  })
})

describe('the handler for fetch', () => {
  const serve = async (parts: Parts, request = new Request(RESOURCE, { method: 'POST', body: 'a' })) =>
    fetchHandler(endpointWith(parts), (_, given) => Response.json(given, { headers: { own: 'c' } }))(request)

  it('adds the fields of the decision to the response, and keeps the others', async () => {
    const response = await serve({ decision: { ...PASSED, headers: { 'dpop-nonce': 'n' } } })
    expect([response.headers.get('dpop-nonce'), response.headers.get('own')]).toEqual(['n', 'c'])
    expect(await response.json()).toEqual({ authInfo: { clientId: 'a' }, parsedBody: { a: 1 } })
    const same = Response.json({})
    expect(await fetchHandler(endpointWith({}), () => same)(new Request(RESOURCE))).toBe(same)
  })

  it('can add fields to a response that cannot be changed', async () => {
    const decision = { ...PASSED, headers: { vary: 'b' } }
    const frozen = Response.redirect('https://a.example/', 302)
    const response = await fetchHandler(endpointWith({ decision }), () => frozen)(new Request(RESOURCE))
    expect([response.status, response.headers.get('location'), response.headers.get('vary')]).toEqual([
      302,
      'https://a.example/',
      'b',
    ])
  })

  it('sends refusals and metadata without the field "connection"', async () => {
    for (const parts of [{ decision: STOPPED }, { answer: async () => STOPPED.response }]) {
      const response = await serve(parts)
      expect([response.status, await response.text()]).toEqual([401, 'no'])
      expect([response.headers.get('connection'), response.headers.get('a')]).toEqual([null, 'b'])
    }
  })

  it.each<readonly [string, RequestInit, unknown]>([
    ['none', { method: 'GET' }, false],
    ['a declared one', { method: 'POST', headers: { 'content-length': '1' }, body: 'a' }, true],
    ['one that was not declared', { method: 'POST', body: 'a' }, 'maybe'],
    ['a declared one of no length', { method: 'GET', headers: { 'content-length': '0' } }, false],
  ])('knows whether there is a body: %s', async (_, init, expected) => {
    const seen: unknown[] = []
    const decide = async ({ hasBody }: McpRequest): Promise<unknown> => {
      seen.push(hasBody)
      return PASSED
    }
    await serve({ decide }, new Request(RESOURCE, init))
    expect(seen).toEqual([expected])
  })

  it('gives the bytes that were read to the handler again', async () => {
    const decision = { ...PASSED, bytes: new TextEncoder().encode('read') }
    const request = new Request(RESOURCE, { method: 'POST', body: 'sent' })
    const echo = fetchHandler(endpointWith({ decision }), async (given) => new Response(await given.text()))
    expect(await (await echo(request)).text()).toBe('read')
  })

  it('reads no body if there is none, and fails if it was read', async () => {
    const chunks: unknown[] = []
    const decide = async ({ body }: McpRequest): Promise<unknown> => {
      chunks.push(await (body() as { next: () => unknown }).next())
      return PASSED
    }
    await serve({ decide }, new Request(RESOURCE))
    expect(chunks).toEqual([{ done: true }])
    const read = new Request(RESOURCE, { method: 'POST', body: 'a' })
    await read.text()
    await expect(serve({ decide }, read)).rejects.toThrow(
      'Cannot read message: something else has read the body of the request',
    )
  })

  it('rejects with errors only', async () => {
    await expect(serve({ decide: failing })).rejects.toThrow('bug')
    await expect(serve({ decide: throwsUndefined })).rejects.toBeInstanceOf(Error)
  })
})

describe('the errors of a token verifier', () => {
  class Refused extends Error {}
  class InvalidTokenError extends Refused {}
  class InsufficientScopeError extends Refused {}
  class ServerError extends Refused {}
  it.each([
    ['token_expired', InvalidTokenError],
    ['audience_mismatch', InvalidTokenError],
    ['insufficient_scope', InsufficientScopeError],
    ['keys_unavailable', ServerError],
  ] as const)('are those of the SDK: for %s', async (code, expected) => {
    const authenticator = { authenticate: async () => ({ kind: 'refused', error: new AuthError(code) }) }
    const audience = { resource: RESOURCE, metadataUri: RESOURCE }
    const parts = { authenticator, requirement: scope('a'), audience }
    const verifier = tokenVerifier(parts as never, { InvalidTokenError, InsufficientScopeError, ServerError })
    await expect(verifier.verifyAccessToken('abc')).rejects.toBeInstanceOf(expected)
  })
})

describe('a resource', () => {
  const mcp = () => mcpResource({ resource: RESOURCE, scopes: [], verifier: fakeVerifier() })

  it('is frozen, and refuses what is no handler', () => {
    expect(Object.isFrozen(mcp())).toBe(true)
    for (const [handler, found] of [
      [undefined, 'undefined'],
      ['a', 'a string'],
    ] as const)
      for (const make of [mcp().express, mcp().fastify, mcp().fetch] as readonly ((given: never) => unknown)[])
        expect(() => make(handler as never)).toThrow(
          `Cannot serve MCP: give a handler, such as toNodeHandler(server) or server.fetch, found "${found}"`,
        )
  })
})
