import { createServer, type RequestListener } from 'node:http'
import { createRequire } from 'node:module'
import { getRequestListener } from '@hono/node-server'
import { AuthError, createAuthenticator, createVerifier, type RequestView, scope, type Verifier } from '@claimgate/core'
import { type Caller, type CallGuard, createCallGuard, type RefusedCall } from '@claimgate/core/calls'
import { createTestClock, createTestKeys } from '@claimgate/testing'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { request } from '../../support/core/refusal.ts'
import { boundToken, createDpopApi, createDpopClient } from '../../support/dpop/client.ts'
import { sendRaw } from '../../support/contract/raw-request.ts'
import { listen } from '../../support/contract/started-adapter.ts'

const express4 = createRequire(import.meta.url)('express4') as typeof express

const key = await createTestKeys('RS256')
const policy = { issuer: 'https://auth.example.com', audience: 'orders-api', jwks: { keys: [key.publicJwk] } }
let clock = createTestClock()
let now = clock.now() / 1000
beforeEach(() => {
  clock = createTestClock()
  now = clock.now() / 1000
})

function token(claims: object = {}): Promise<string> {
  const { issuer: iss, audience: aud } = policy
  return key.sign({ iss, aud, sub: 'ada', iat: now, exp: now + 600, scope: 'orders:read', ...claims })
}

function viewOf(authorization?: string | readonly string[]): RequestView {
  const values = [authorization ?? []].flat()
  return { method: 'POST', target: '/', header: (name) => (name === 'authorization' ? values : []) }
}

const bearer = async (claims?: object): Promise<RequestView> => viewOf(`Bearer ${await token(claims)}`)

async function refusalOf(caller: Caller, ...requirement: Parameters<Caller['token']>): Promise<RefusedCall> {
  const refused: unknown = await caller.token(...requirement).then(
    () => undefined,
    (error: unknown) => error,
  )
  return refused as RefusedCall
}

const throwing = (value: unknown) => (): never => {
  throw value
}

describe('a call', () => {
  it('has the verified token, which is read once for all calls of a request', async () => {
    const { header, ...view } = await bearer()
    const read = vi.fn<RequestView['header']>(header)
    const caller = createCallGuard({ ...policy, clock }).callerOf({ ...view, header: read })
    expect(read).not.toHaveBeenCalled()
    const [first, second] = await Promise.all([caller.token(), caller.token(scope('orders:read'))])
    expect(first.claims.sub).toBe('ada')
    expect(second).toBe(first)
    expect(read).toHaveBeenCalledTimes(1)
    expect(caller.headers).toEqual({})
  })

  it.each<[string, () => RequestView | Promise<RequestView>, object, string]>([
    ['no token', () => viewOf(), { status: 401, trpcCode: 'UNAUTHORIZED', grpcCode: 16 }, 'UNAUTHENTICATED'],
    [
      'a bad token',
      () => viewOf('Bearer a.b.c'),
      { status: 401, trpcCode: 'UNAUTHORIZED', grpcCode: 16 },
      'UNAUTHENTICATED',
    ],
    [
      'two tokens',
      () => viewOf(['Bearer a', 'Bearer b']),
      { status: 400, trpcCode: 'BAD_REQUEST', grpcCode: 3 },
      'BAD_REQUEST',
    ],
    ['a missing scope', () => bearer({ scope: 'x' }), { status: 403, trpcCode: 'FORBIDDEN', grpcCode: 7 }, 'FORBIDDEN'],
  ])('is refused in the words of each protocol: %s', async (_, view, expected, code) => {
    const caller = createCallGuard({ ...policy, clock }).callerOf(await view())
    const refused = await refusalOf(caller, scope('orders:read'))
    const { status, headers } = refused
    expect(refused).toMatchObject({ name: 'RefusedCall', ...expected, extensions: { code, http: { status, headers } } })
    expect(refused.cause).toBeInstanceOf(AuthError)
    expect(headers['www-authenticate']).toMatch(/^Bearer realm="api"/)
    expect(headers).not.toHaveProperty('content-type')
    expect(caller.headers).toEqual(headers)
  })

  it('reads a credential that was refused no second time', async () => {
    const read = vi.fn<RequestView['header']>(() => [])
    const caller = createCallGuard({ ...policy, clock }).callerOf({ method: 'GET', target: '/', header: read })
    await refusalOf(caller)
    const fields = read.mock.calls.length
    await refusalOf(caller)
    expect(read).toHaveBeenCalledTimes(fields)
  })

  it('lasts as long as its request if the token has no exp', async () => {
    const verify = async (): Promise<object> => ({ claims: { sub: 'ada' }, scopes: new Set() })
    const caller = createCallGuard({ verify, now: () => clock.now() } as never).callerOf(viewOf('Bearer opaque'))
    await caller.token()
    onTestFinished(() => {
      vi.useRealTimers()
    })
    vi.setSystemTime(Date.now() + 3_600_000)
    expect((await caller.token()).claims.sub).toBe('ada')
  })

  it('is refused with 503 while a check cannot decide, and asks again for the next call', async () => {
    const check = vi.fn<() => Promise<void>>().mockRejectedValueOnce(new Error('down')).mockResolvedValue()
    const caller = createCallGuard({ ...policy, clock, checks: [{ name: 'deny', check }] }).callerOf(await bearer())
    const refused = await refusalOf(caller)
    expect(refused).toMatchObject({ status: 503, trpcCode: 'SERVICE_UNAVAILABLE', grpcCode: 14 })
    expect(refused.headers).not.toHaveProperty('www-authenticate')
    expect((await caller.token()).claims.sub).toBe('ada')
  })

  it('asks again after a bug, and is refused with 500 again if the attempt has used up its proof of DPoP', async () => {
    const made = createAuthenticator({ ...policy, clock })
    const used = { kind: 'refused', error: new AuthError('binding_failed') } as never
    const authenticate = vi
      .fn<typeof made.authenticate>(made.authenticate)
      .mockRejectedValueOnce(new Error('a bug'))
      .mockResolvedValueOnce(used)
    const caller = createCallGuard({ ...made, authenticate }).callerOf(await bearer())
    for (const status of [500, 500]) expect(await refusalOf(caller)).toMatchObject({ status })
    expect((await caller.token()).claims.sub).toBe('ada')
    await caller.token()
    expect(authenticate).toHaveBeenCalledTimes(3)
  })

  it('is refused with 503 again if the attempt that met an outage has used up its proof of DPoP', async () => {
    const client = await createDpopClient()
    const bound = await boundToken(client.jkt)
    const onAuthenticated = vi.fn<() => string>(() => 'user').mockImplementationOnce(throwing('down'))
    const guard = createCallGuard(createDpopApi({}, { onAuthenticated }).authenticator)
    const fields = { authorization: `DPoP ${bound}`, dpop: await client.proof(bound) }
    const caller = guard.callerOf(request(fields, { method: 'GET', target: '/orders' }))
    for (const status of [503, 503]) expect(await refusalOf(caller)).toMatchObject({ status })
    expect(await refusalOf(guard.callerOf(request(fields, { method: 'GET', target: '/orders' })))).toMatchObject({
      status: 401,
    })
  })

  it.each<[string, (verifier: Verifier) => unknown]>([
    ['a verifier that throws', () => ({ verify: () => Promise.reject(new Error('secret detail')) })],
    ['a verifier that throws undefined', () => ({ verify: async () => throwing(undefined)() })],
    [
      'an authenticator that returns nothing',
      (verifier) => ({ verifier, authenticate: async () => undefined, authorize: () => {} }),
    ],
    [
      'an authenticator that lets anything through',
      (verifier) => ({ verifier, authenticate: async () => ({ kind: 'refused' }) }),
    ],
  ])('is refused with 500 and fixed text for a bug: %s', async (_, made) => {
    const guard = createCallGuard(made(createVerifier(policy)) as Verifier)
    const refused = await refusalOf(guard.callerOf(await bearer()))
    expect(refused).toMatchObject({ status: 500, trpcCode: 'INTERNAL_SERVER_ERROR', grpcCode: 13 })
    expect(refused.message).toBe('The call could not be authorized')
    expect(refused.cause).toBeInstanceOf(Error)
  })

  it('is refused with 500 if a requirement is undefined, because a name may be misspelled', async () => {
    const caller = createCallGuard({ ...policy, clock }).callerOf(await bearer())
    expect(await refusalOf(caller, undefined as never)).toMatchObject({ status: 500 })
  })

  it('needs a token also with optional: true, and the challenge names its scopes', async () => {
    for (const optional of [true, false]) {
      const caller = createCallGuard({ ...policy, clock, optional }).callerOf(viewOf())
      const { headers } = await refusalOf(caller, scope('orders:read'))
      expect(headers['www-authenticate']).toBe('Bearer realm="api", scope="orders:read"')
    }
  })

  it('is refused after the expiry of the token', async () => {
    const caller = createCallGuard({ ...policy, clock }).callerOf(await bearer())
    await caller.token()
    clock.advance(599_999)
    await caller.token()
    clock.advance(1)
    const refused = await refusalOf(caller)
    expect(refused).toMatchObject({ status: 401, cause: { code: 'token_expired' } })
    expect(refused.headers['www-authenticate']).toContain('error="invalid_token"')
  })

  it('is answered like the other calls of its request if the token expires meanwhile', async () => {
    const caller = createCallGuard({ ...policy, clock }).callerOf(await bearer({ exp: now - 2 }))
    await caller.token()
    clock.advance(4999)
    await caller.token()
    clock.advance(1)
    expect(await refusalOf(caller)).toMatchObject({ status: 401 })
  })

  it('adds its challenge to those of the other calls', async () => {
    const caller = createCallGuard({ ...policy, clock }).callerOf(await bearer())
    for (const name of ['a', 'b', 'a']) await refusalOf(caller, scope(name))
    expect(caller.headers['www-authenticate']?.match(/scope="\w"/g)).toEqual(['scope="a"', 'scope="b"'])
    expect(caller.headers['www-authenticate']).toContain('scope="a", Bearer realm="api"')
  })

  it('keeps the first eight challenges, also of a connection with many calls', async () => {
    const caller = createCallGuard({ ...policy, clock }).callerOf(await bearer())
    for (let call = 0; call < 12; call += 1) await refusalOf(caller, scope(`s${call}`))
    expect(caller.headers['www-authenticate']?.match(/scope="\w+"/g)).toHaveLength(8)
  })

  it('has the user, and the headers of bindings', async () => {
    const made = createAuthenticator({ ...policy, clock, onAuthenticated: () => 'user' })
    const authenticate = async (view: RequestView): Promise<object> => {
      return { ...(await made.authenticate(view)), headers: { 'dpop-nonce': 'n' } }
    }
    const caller = createCallGuard({ ...made, authenticate } as typeof made).callerOf(await bearer())
    expect(caller.user).toBeUndefined()
    await caller.token()
    expect(caller.user).toBe('user')
    expect(caller.headers).toEqual({ 'dpop-nonce': 'n' })
  })

  it('has the latest nonce, and challenges in the scheme of the token', async () => {
    const made = createAuthenticator({ ...policy, clock })
    const authenticate = async (view: RequestView): Promise<object> => {
      return { ...(await made.authenticate(view)), scheme: 'DPoP', headers: { 'dpop-nonce': '1' } }
    }
    const authorize = vi.fn<typeof made.authorize>(async (...given) => {
      const outcome = await made.authorize(...given)
      if (outcome.kind !== 'refused') return outcome
      const { response } = outcome
      return { ...outcome, response: { ...response, headers: { ...response.headers, 'dpop-nonce': '2' } } }
    })
    const caller = createCallGuard({ ...made, authenticate, authorize } as typeof made).callerOf(await bearer())
    await refusalOf(caller, scope('x'))
    expect(caller.headers['dpop-nonce']).toBe('2')
    clock.advance(700_000)
    await refusalOf(caller)
    expect(authorize.mock.calls.map(([, , scheme]) => scheme)).toEqual(['DPoP', 'DPoP'])
  })

  it('rejects with what the function of the protocol makes', async () => {
    const guard = createCallGuard({ ...policy, clock }, ({ grpcCode }) => ({ code: grpcCode }))
    expect(await refusalOf(guard.callerOf(viewOf()))).toEqual({ code: 16 })
    const failing = createCallGuard({ ...policy, clock }, throwing('text'))
    expect(await refusalOf(failing.callerOf(viewOf()))).toBeInstanceOf(Error)
    // An unhandled rejection would fail the run.
    const asynchronous = createCallGuard({ ...policy, clock }, async () => throwing('text')())
    expect(await refusalOf(asynchronous.callerOf(viewOf()))).toBeInstanceOf(TypeError)
  })

  it.each([undefined, null, 'route', 0])(
    'rejects with an error if the function of the protocol returns %j, which a framework may ignore',
    async (made) => {
      const caller = createCallGuard({ ...policy, clock }, () => made).callerOf(viewOf())
      const error = await refusalOf(caller)
      expect(error).toBeInstanceOf(TypeError)
      expect(error.message).toMatch(/^Cannot refuse call: the function must return the error of the protocol/)
      expect(error.cause).toMatchObject({ name: 'RefusedCall', status: 401 })
    },
  )
})

describe('the request of a call', () => {
  const headers = async (): Promise<{ authorization: string }> => ({ authorization: `Bearer ${await token()}` })

  it('may be one of the Fetch API, of Node, or a view', async () => {
    const guard = createCallGuard({ ...policy, clock })
    const fetched = new Request('https://api.example.com/', { headers: await headers() })
    const node = { method: 'GET', url: '/', headers: await headers(), rawHeaders: [], socket: undefined }
    const hapi = { method: 'get', headers: node.headers, raw: { req: node, res: {} } }
    for (const source of [fetched, node, { ...node, originalUrl: '/mounted' }, hapi as never, await bearer()])
      expect((await guard.callerOf(source).token()).claims.sub).toBe('ada')
  })

  type Serve = (guard: CallGuard) => RequestListener | Promise<RequestListener>
  const statusOf = (guard: CallGuard, source: unknown): Promise<number> =>
    guard
      .callerOf(source as never)
      .token()
      .then(
        () => 200,
        ({ status }: RefusedCall) => status,
      )
  const overExpress =
    (made: typeof express): Serve =>
    (guard) =>
      made().use((req, res) => void statusOf(guard, req).then((status) => res.sendStatus(status)))
  const overFastify: Serve = async (guard) => {
    const app = fastify().get('/', async (req, reply) => reply.code(await statusOf(guard, req)).send())
    await app.ready()
    return (req, res) => app.routing(req, res)
  }
  const overHono: Serve = (guard) => {
    const app = new Hono().get('/', async (c) => new Response(null, { status: await statusOf(guard, c.req) }))
    const listener = getRequestListener(app.fetch)
    return (req, res) => void listener(req, res)
  }

  it.each<[string, Serve]>([
    ['Express 4', overExpress(express4)],
    ['Express 5', overExpress(express)],
    ['Fastify', overFastify],
    ['Hono', overHono],
  ])('may be one of a framework: %s', async (_, serve) => {
    const { port, close } = await listen(createServer(await serve(createCallGuard({ ...policy, clock }))))
    onTestFinished(close)
    const field = `Authorization: Bearer ${await token()}`
    const send = async (...fields: string[]): Promise<number> => (await sendRaw(port, { target: '/', fields })).status
    expect(await Promise.all([send(field), send(), send(field, 'authorization: Bearer other')])).toEqual([
      200, 401, 400,
    ])
  })

  it('shows a repeated field, which Node drops from its headers', async () => {
    const { authorization } = await headers()
    const rawHeaders = ['Authorization', authorization, 'authorization', 'Bearer other']
    const node = { method: 'GET', url: '/', headers: { authorization }, rawHeaders, socket: undefined }
    expect(await refusalOf(createCallGuard({ ...policy, clock }).callerOf(node))).toMatchObject({ status: 400 })
  })

  it.each([undefined, null, 'text', {}, { headers: 1 }, { headers: null }])('must be one: %j', (source) => {
    expect(() => createCallGuard(policy).callerOf(source as never)).toThrow(
      /give the request, or \{ method, target, header \}/,
    )
  })
})

it('reports wrong options at start-up', () => {
  expect(() => createCallGuard({ ...policy, isuer: 'x' } as never)).toThrow('isuer')
  expect(() => createCallGuard(policy, 'TRPCError' as never)).toThrow('Cannot create call guard: give a function')
})
