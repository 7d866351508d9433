import { AuthError, type Outcome, scope } from '@claimgate/core'
import { systemClock, type RequestSource, viewOf } from '@claimgate/core/adapter'
import { mcpResource, type McpResource, type McpResourceOptions } from '@claimgate/mcp'
import { describe, expect, it } from 'vitest'
import { authInfo, tokenVerifier } from '../../packages/mcp/src/auth-info.ts'
import { createGate, type GateParts, type McpRequest } from '../../packages/mcp/src/gate.ts'
import { bodyOf } from '../../packages/mcp/src/node.ts'
import { fakeVerifier } from '../support/core/fake-verifier.ts'
import { request } from '../support/core/refusal.ts'
import { responseLog } from '../support/core/response-log.ts'
import { callOf, fieldsWith } from '../support/mcp/requests.ts'

const RESOURCE = 'https://mcp.example.com/mcp'
const AUDIENCE = { resource: RESOURCE, metadataUri: 'https://mcp.example.com/m' }
const tokenOf = (claims: object, scopes: readonly string[] = ['mcp:tools']) =>
  ({ token: 'abc', claims, scopes: new Set(scopes) }) as never

const throwsUndefined = async (): Promise<never> => {
  throw undefined as unknown as Error
}

describe('49. what a handler learns about a token', () => {
  it('has the client, the scopes, the expiry and the resource, and hides the token', () => {
    const token = tokenOf({ client_id: 'a', azp: 'b', exp: 5, sub: 'ada' })
    const info = authInfo(token, AUDIENCE, 'user')
    expect({ ...info }).toEqual({
      clientId: 'a',
      scopes: ['mcp:tools'],
      expiresAt: 5,
      resource: new URL(RESOURCE),
      resourceMetadataUrl: AUDIENCE.metadataUri,
      extra: { claims: { client_id: 'a', azp: 'b', exp: 5, sub: 'ada' }, user: 'user' },
    })
    expect([info.token, JSON.stringify(info).includes('abc')]).toEqual(['abc', false])
  })

  it.each([
    [{ azp: 'b' }, 'b'],
    [{}, ''],
  ])('of %j has the client %j', (claims, clientId) => {
    const info = authInfo(tokenOf(claims), AUDIENCE)
    expect(info.clientId).toBe(clientId)
    expect(info).not.toHaveProperty('expiresAt')
    expect(info.extra).toEqual({ claims })
  })
})

describe('49. a token verifier', () => {
  const verifierWith = (authenticate: (...given: readonly unknown[]) => unknown) => {
    class OAuthError extends Error {
      readonly code: unknown
      constructor(code: unknown, message: string) {
        super(message)
        this.code = code
      }
    }
    const parts = { authenticator: { authenticate }, requirement: scope('a'), audience: AUDIENCE }
    return tokenVerifier(parts as never, { OAuthError })
  }

  it('asks for the token in the Authorization header only, with the requirement', async () => {
    const verifier = verifierWith(async (view, requirement) => {
      const { method, target, header } = viewOf('test', view as RequestSource)
      expect([method, target, header('authorization'), header('cookie')]).toEqual(['POST', '/', ['Bearer abc'], []])
      expect(requirement).toMatchObject({ scopes: ['a'] })
      return { kind: 'authenticated', token: tokenOf({ sub: 'ada' }), scheme: 'Bearer', headers: {}, user: 'ada' }
    })
    expect(await verifier.verifyAccessToken('abc')).toMatchObject({ extra: { claims: { sub: 'ada' }, user: 'ada' } })
  })

  it.each([
    [
      'token_expired',
      'invalid_token',
      'The access token is malformed, expired, revoked or not meant for this resource',
    ],
    ['insufficient_scope', 'insufficient_scope', 'The access token does not grant what this request needs'],
    ['keys_unavailable', 'server_error', 'Access tokens cannot be verified at the moment'],
  ] as const)('answers %s with %s', async (code, error, message) => {
    const verifier = verifierWith(async () => ({ kind: 'refused', error: new AuthError(code) }))
    await expect(verifier.verifyAccessToken('abc')).rejects.toMatchObject({ code: error, message })
  })

  it('accepts no anonymous request, and rejects with an error', async () => {
    await expect(verifierWith(async () => ({ kind: 'anonymous' })).verifyAccessToken('abc')).rejects.toThrow(
      'Cannot verify token: the request is anonymous',
    )
    await expect(verifierWith(() => throwsUndefined()).verifyAccessToken('abc')).rejects.toBeInstanceOf(Error)
    expect(() => tokenVerifier({} as never, { OAuthError: 'x' } as never)).toThrow(
      'Cannot create token verifier: give { OAuthError } of @modelcontextprotocol/server, or the module @modelcontextprotocol/sdk/server/auth/errors.js',
    )
  })
})

describe('49. a gate', () => {
  const accepted = {
    kind: 'authenticated',
    token: tokenOf({ aud: RESOURCE }),
    scheme: 'Bearer',
    headers: { 'dpop-nonce': 'n', 'access-control-expose-headers': 'dpop-nonce' },
  }
  const create = (parts: Partial<GateParts> & { outcome?: object; authorized?: object } = {}) => {
    const { outcome = accepted, authorized = accepted, ...rest } = parts
    const asked: unknown[] = []
    const authenticator = {
      authenticate: async (_: unknown, requirement: unknown) => {
        asked.push(requirement)
        return outcome as Outcome
      },
      authorize: async (_: unknown, requirement: unknown) => {
        asked.push(requirement)
        return authorized as Outcome
      },
    }
    const limits = { most: 1000, seconds: 5, clock: systemClock }
    const gate = createGate({
      resource: AUDIENCE,
      audiences: undefined,
      scopes: [],
      tools: {},
      limits,
      authenticator,
      ...rest,
    } as never)
    return { gate, asked }
  }
  const chunks = (text: string) => {
    const left = text === '' ? [] : [{ value: new TextEncoder().encode(text) }]
    return { next: async () => left.shift() ?? { done: true } }
  }
  const json = { 'content-type': 'application/json' }
  const asking = (method: string, text: string, more: Partial<McpRequest> = {}, fields: object = json): McpRequest => ({
    view: request(fields as Record<string, string>, { method }),
    hasBody: text !== '',
    body: () => chunks(text),
    ...more,
  })
  const call = callOf('echo')

  it('passes on the message, its bytes and the headers of the outcome', async () => {
    const decision = await create().gate.decide(asking('POST', call))
    expect(decision).toMatchObject({ kind: 'passed', message: JSON.parse(call) as object, headers: accepted.headers })
    expect(new TextDecoder().decode((decision as { bytes?: Uint8Array }).bytes)).toBe(call)
  })

  it('passes on the token of the fresh answer, and the user of the request', async () => {
    const outcome = { ...accepted, user: 'ada' }
    const authorized = { ...accepted, token: tokenOf({ aud: RESOURCE, sub: 'fresh' }) }
    const decision = await create({ outcome, authorized }).gate.decide(asking('POST', call))
    expect(decision).toMatchObject({ authInfo: { extra: { claims: { sub: 'fresh' }, user: 'ada' } } })
  })

  it.each<readonly [string, unknown, boolean]>([
    ['an object', JSON.parse(call), false],
    ['text', call, true],
    ['bytes', Buffer.from(call), true],
  ])('takes the message of an earlier body parser: %s', async (_, parsed, hasBytes) => {
    const decision = await create().gate.decide(asking('POST', call, { body: () => ({ parsed }) }))
    expect(decision).toMatchObject({ kind: 'passed', message: JSON.parse(call) as object })
    expect((decision as { bytes?: Uint8Array }).bytes !== undefined).toBe(hasBytes)
  })

  it.each(['GET', 'HEAD', 'DELETE', 'OPTIONS'])(
    'passes on %s without a body, and refuses one with it',
    async (method) => {
      const { gate } = create()
      expect(await gate.decide(asking(method, ''))).toMatchObject({
        kind: 'passed',
        message: undefined,
        bytes: undefined,
      })
      const empty = await gate.decide(asking(method, '', { hasBody: 'maybe' }))
      expect(empty).toMatchObject({ kind: 'passed', message: undefined, bytes: new Uint8Array(0) })
      const refused = {
        kind: 'stopped',
        response: { status: 400, body: expect.stringContaining('only POST carries a message') as string },
      }
      expect(await gate.decide(asking(method, 'a', { hasBody: true }))).toMatchObject(refused)
      expect(await gate.decide(asking(method, 'a', { hasBody: 'maybe' }))).toMatchObject(refused)
      expect(await gate.decide(asking(method, '', { hasBody: 'maybe', body: () => ({ parsed: {} }) }))).toMatchObject(
        refused,
      )
    },
  )

  it.each<readonly [string, McpRequest, number]>([
    ['another method', asking('PUT', call), 405],
    ['another type', asking('POST', call, {}, { 'content-type': 'text/plain' }), 415],
    ['a declared length', asking('POST', call, {}, { ...json, 'content-length': '1001' }), 413],
    ['too many bytes', asking('POST', ' '.repeat(1001)), 413],
    ['a batch', asking('POST', `[${call}]`), 400],
    ['a batch of a body parser', asking('POST', '', { body: () => ({ parsed: [] }) }), 400],
  ])('stops a request with %s, and keeps the headers of the outcome', async (_, given, status) => {
    const { response } = (await create().gate.decide(given)) as { response?: { status: number; headers: object } }
    expect(response?.status).toBe(status)
    expect(response?.headers).toMatchObject(accepted.headers)
    expect(response?.headers).toMatchObject({ 'content-type': 'application/json' })
  })

  it('stops what the authenticator refuses, before and after the message is read', async () => {
    const response = { status: 401, headers: { 'x-a': 'b', 'access-control-expose-headers': 'x-a' }, body: '' }
    const refused = { kind: 'refused', response }
    const first = await create({ outcome: refused }).gate.decide(asking('POST', 'no message'))
    expect(first).toEqual({ kind: 'stopped', response })
    const second = await create({ authorized: refused }).gate.decide(asking('POST', call))
    expect(second).toEqual({
      kind: 'stopped',
      response: {
        status: 401,
        body: '',
        headers: { 'dpop-nonce': 'n', 'x-a': 'b', 'access-control-expose-headers': 'x-a, dpop-nonce' },
      },
    })
    const plain = { ...refused, response: { ...response, headers: {} } }
    const third = await create({ outcome: { ...accepted, headers: {} }, authorized: plain }).gate.decide(
      asking('POST', call),
    )
    expect(third).toEqual({ kind: 'stopped', response: { status: 401, body: '', headers: {} } })
  })

  it('lets no anonymous request through', async () => {
    const message = 'Cannot let the request through: it is anonymous'
    await expect(create({ outcome: { kind: 'anonymous' } }).gate.decide(asking('POST', call))).rejects.toThrow(message)
    await expect(create({ authorized: { kind: 'anonymous' } }).gate.decide(asking('POST', call))).rejects.toThrow(
      message,
    )
  })

  it('asks for the scopes of every request, and for those of the tool', async () => {
    const tools = { purge: scope('mcp:admin'), sum: ({ name }: { name: string }) => scope(`mcp:${name}`) }
    const asked = async (tool: string, scopes: readonly string[]): Promise<unknown> => {
      const { gate, asked: seen } = create({ tools, scopes })
      await gate.decide(asking('POST', callOf(tool)))
      return seen.map((one) => [...(one as { scopes: readonly string[] }).scopes])
    }
    expect(await asked('echo', ['mcp:tools'])).toEqual([['mcp:tools'], ['mcp:tools']])
    expect(await asked('purge', ['mcp:tools'])).toEqual([['mcp:tools'], ['mcp:tools', 'mcp:admin']])
    expect(await asked('sum', [])).toEqual([[], ['mcp:sum']])
    expect(await asked('toString', [])).toEqual([[], []])
  })

  it.each<readonly [string, readonly string[] | undefined, object, boolean]>([
    ['no origins', undefined, { origin: 'https://evil.example' }, true],
    ['an accepted origin', ['https://app.example'], { origin: 'https://app.example' }, true],
    ['no origin', ['https://app.example'], {}, true],
    ['another origin', ['https://app.example'], { origin: 'https://evil.example' }, false],
    ['two origins', ['https://app.example'], { origin: ['https://app.example', 'https://evil.example'] }, false],
  ])('compares the origin of a page: %s', async (_, origins, fields, isPassed) => {
    const { gate, asked } = create({ ...(origins && { origins }) })
    const decision = await gate.decide(asking('POST', call, {}, { ...json, ...fields }))
    expect(decision).toMatchObject(isPassed ? { kind: 'passed' } : { kind: 'stopped', response: { status: 403 } })
    expect(asked.length > 0).toBe(isPassed)
  })

  it.each<readonly [unknown, boolean]>([
    [RESOURCE, true],
    [['x', RESOURCE], true],
    ['x', false],
    [[], false],
    [undefined, false],
  ])('compares the audience %j if the verifier does not', (aud, isMet) => {
    for (const scopes of [[], ['mcp:tools']]) {
      const { base } = create({ audiences: [RESOURCE], scopes }).gate
      const met = (): unknown => base.isMet(tokenOf({ aud }), { now: 0 })
      if (isMet) expect(met()).toBe(true)
      else expect(met).toThrow(expect.objectContaining({ code: 'audience_mismatch', expected: `"${RESOURCE}"` }))
    }
    expect(create({ scopes: ['other'] }).gate.base.isMet(tokenOf({ aud }), { now: 0 })).toBe(false)
    expect(create().gate.base).toMatchObject({ description: 'a token', scopes: [] })
  })
})

const mcp = (options: Partial<McpResourceOptions> = {}): McpResource => {
  const verify = async () => tokenOf({ aud: RESOURCE, sub: 'ada' })
  return mcpResource({
    resource: RESOURCE,
    scopes: ['mcp:tools'],
    verifier: fakeVerifier({ verify }),
    ...options,
  })
}

describe('49. a fetch handler', () => {
  const ask = (url: string, init?: RequestInit): Request => new Request(url, init)
  const post = (body = callOf('echo')): Request => ask(RESOURCE, { method: 'POST', headers: fieldsWith('abc'), body })

  it('gives the handler the request, whose body can be read, and what else the runtime passes', async () => {
    const seen: unknown[] = []
    const serve = mcp().fetch(async (given, { authInfo: info, parsedBody }, ...rest: readonly unknown[]) => {
      seen.push(await given.text(), info.extra.claims.sub, parsedBody, rest)
      return new Response('served')
    })
    const response = await (serve as (...all: readonly unknown[]) => Promise<Response>)(post(), 'env', 'context')
    expect(await response.text()).toBe('served')
    expect(seen).toEqual([callOf('echo'), 'ada', JSON.parse(callOf('echo')), ['env', 'context']])
  })

  it('gives no message for GET', async () => {
    const serve = mcp().fetch((_, given) => Response.json(Object.keys(given)))
    expect(await (await serve(ask(RESOURCE, { headers: fieldsWith('abc') }))).json()).toEqual(['authInfo'])
  })

  it('serves the metadata, and nothing else but the endpoint', async () => {
    const handler = (): Response => new Response('served')
    const metadata = 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp'
    expect(await (await mcp().fetch(handler)(ask(metadata))).json()).toMatchObject({ resource: RESOURCE })
    expect((await mcp().fetch(handler)(ask('https://mcp.example.com/other'))).status).toBe(404)
    const otherwise = (given: Request, ...rest: readonly unknown[]): Response => Response.json([given.url, rest])
    const served = mcp().fetch(handler, otherwise) as (...all: readonly unknown[]) => Promise<Response>
    expect(await (await served(ask('https://mcp.example.com/other'), 1)).json()).toEqual([
      'https://mcp.example.com/other',
      [1],
    ])
  })

  it('answers without the field "connection", which HTTP/2 forbids', async () => {
    const response = await mcp({ bodyLength: 1024 }).fetch(() => new Response())(post(' '.repeat(2000)))
    expect([response.status, response.headers.get('connection')]).toEqual([413, null])
  })

  it('rejects with an error if the body was read before, or the handler throws', async () => {
    const read = post()
    await read.text()
    await expect(mcp().fetch(() => new Response())(read)).rejects.toThrow(
      'Cannot read message: something else has read the body of the request',
    )
    await expect(mcp().fetch(() => throwsUndefined())(post())).rejects.toBeInstanceOf(Error)
  })

  it('refuses a POST without a body', async () => {
    const response = await mcp().fetch(() => new Response())(
      ask(RESOURCE, { method: 'POST', headers: fieldsWith('abc') }),
    )
    expect(await response.json()).toMatchObject({ error: { code: -32_700 } })
  })
})

describe('49. a middleware of Node', () => {
  const requestTo = (url: string, more: object = {}) => ({
    method: 'POST',
    url,
    headers: fieldsWith('abc'),
    rawHeaders: [],
    socket: undefined,
    httpVersionMajor: 1,
    readableDidRead: true,
    body: JSON.parse(callOf('echo')) as unknown,
    ...more,
  })
  const run = async (
    req: object,
    handler: (...given: never[]) => unknown = () => {},
    next?: (error?: unknown) => void,
  ) => {
    const { response, log } = responseLog()
    const res = Object.assign(response, { destroy: () => {} })
    mcp({ bodyLength: 1024 }).express(handler as never)(req as never, res, next)
    await new Promise(setImmediate)
    await new Promise(setImmediate)
    return log
  }

  it('gives the handler the message and what it learns about the token', async () => {
    const seen: unknown[] = []
    const req = requestTo('/mcp')
    await run(req, (given: { auth: { extra: object }; body: unknown }, _: unknown, message: unknown) => {
      seen.push(given.auth.extra, given.body, message)
    })
    const message = JSON.parse(callOf('echo')) as unknown
    expect(seen).toEqual([{ claims: { aud: RESOURCE, sub: 'ada' } }, message, message])
  })

  it('uses the path as received in mounted routers', async () => {
    const errors: unknown[] = []
    expect(await run(requestTo('/', { originalUrl: '/mcp' }), undefined, (error) => errors.push(error))).toEqual([])
    await run(requestTo('/mcp', { originalUrl: '/a/mcp' }), undefined, (error) => errors.push(error))
    expect(errors).toEqual([undefined])
  })

  it('answers 404 for other paths, and 500 for bugs, unless there is something next', async () => {
    expect(await run(requestTo('/other'))).toEqual(['status 404: '])
    const failing = (): never => {
      throw new Error('bug')
    }
    expect(await run(requestTo('/mcp'), failing)).toEqual(['status 500: '])
    const errors: unknown[] = []
    expect(await run(requestTo('/mcp'), failing, (error) => errors.push(error))).toEqual([])
    expect(errors).toEqual([new Error('bug')])
  })

  it.each([
    [1, 'connection: close'],
    [2, undefined],
  ])('sends "connection" in HTTP/%i: %s', async (httpVersionMajor, expected) => {
    const headers = { ...fieldsWith('abc'), 'content-length': '2000' }
    const stream = { readableDidRead: false, [Symbol.asyncIterator]: () => ({ next: async () => ({ done: true }) }) }
    const log = await run(requestTo('/mcp', { ...stream, headers, httpVersionMajor }))
    expect(log.at(-1)).toContain('status 413: {')
    expect(log.find((line) => line.startsWith('connection'))).toBe(expected)
  })

  it('reads what is left of the body', () => {
    const iterator = { next: async () => ({ done: true }) }
    const stream = { [Symbol.asyncIterator]: () => iterator }
    expect(bodyOf({ ...stream, readableDidRead: false } as never)).toBe(iterator)
    expect(bodyOf(stream as never)).toBe(iterator)
    expect(bodyOf({ ...stream, readableDidRead: true, body: 1 } as never)).toEqual({ parsed: 1 })
    expect(bodyOf({ body: 'a' } as never)).toEqual({ parsed: 'a' })
    expect(() => bodyOf({ ...stream, readableDidRead: true } as never)).toThrow(
      'Cannot read message: something else has read the body, and left nothing in req.body',
    )
  })
})
