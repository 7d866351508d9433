import { createVerifier, scope, type VerifiedToken } from '@claimgate/core'
import { authenticateJwt, getUser, requireScope } from '@claimgate/express'
import { claimgate, type ClaimgateOptions } from '@claimgate/fastify'
import { createGate, getUser as getFetchUser } from '@claimgate/fetch'
import { authenticateJwt as honoJwt, type OptionalAuthEnv, requireScope as honoScope } from '@claimgate/hono'
import { getAuth as getLambdaAuth, getUser as getLambdaUser, protect as protectLambda } from '@claimgate/lambda'
import { mcpResource } from '@claimgate/mcp'
import { ClaimgateModule, Require } from '@claimgate/nestjs'
import { Controller, Get, Req } from '@nestjs/common'
import express, { type Request as ExpressRequest } from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { afterAll, describe, expect, expectTypeOf, it } from 'vitest'
import { AUDIENCE, createCredentials, ISSUER } from '../support/contract/credentials.ts'
import { listen } from '../support/contract/started-adapter.ts'
import { decorate, listenerOf, type Platform, startApp } from '../support/nestjs/nest.ts'

const express4 = createRequire(import.meta.url)('express4') as typeof express
const { jwks, tokens } = await createCredentials()
const verifier = createVerifier({ issuer: ISSUER, audience: AUDIENCE, jwks })
const headers = { authorization: `Bearer ${tokens.good}` }
const onAuthenticated = async ({ claims }: { readonly claims: { readonly sub?: string } }) => ({ name: claims.sub })

const unreachable = (): void => {
  throw new Error('A setter of a prototype was called')
}

const closers: (() => Promise<void>)[] = []
afterAll(async () => {
  await Promise.all(closers.map((close) => close()))
})

/** What a handler of Express sees in these members of its request. */
async function seenIn(
  framework: typeof express,
  set: (app: express.Express) => void,
  request: RequestInit = { headers },
): Promise<unknown> {
  const app = framework()
  set(app)
  app.use((req, res) => {
    const { auth, user, account } = req as unknown as Record<string, { claims?: { sub?: string } } | undefined>
    res.json({ auth: auth?.claims?.sub, user, account: account?.claims?.sub, has: Object.hasOwn(req, 'user') })
  })
  const { port, close } = await listen(createServer(app))
  closers.push(close)
  const response = await fetch(`http://127.0.0.1:${port}/`, request)
  return response.status === 200 ? response.json() : response.status
}

describe.each([
  ['Express 4', express4],
  ['Express 5', express],
])('53. The property of a request: %s', (_, framework) => {
  it('is only auth without an option', async () => {
    expect(await seenIn(framework, (app) => app.use(authenticateJwt(verifier)))).toEqual({ auth: 'alice', has: false })
  })

  it('has the token, if it is named', async () => {
    const seen = await seenIn(framework, (app) => app.use(authenticateJwt({ verifier, property: 'account' })))
    expect(seen).toEqual({ auth: 'alice', account: 'alice', has: false })
  })

  it('has the user, if the application finds one', async () => {
    const seen = await seenIn(framework, (app) => app.use(authenticateJwt({ verifier, onAuthenticated })))
    expect(seen).toEqual({ auth: 'alice', user: { name: 'alice' }, has: true })
  })

  it('loses what earlier middleware has put there, for an anonymous request', async () => {
    const seen = await seenIn(
      framework,
      (app) => {
        app.use((req, _res, next) => {
          Object.assign(req, { user: { name: 'admin' } })
          next()
        })
        app.use(authenticateJwt({ verifier, onAuthenticated, optional: true }))
      },
      {},
    )
    expect(seen).toEqual({ has: true })
  })

  it('decides nothing: neither a requirement nor getUser reads it', async () => {
    const auth = authenticateJwt({ verifier, onAuthenticated })
    const seen: unknown[] = []
    const status = await seenIn(framework, (app) => {
      app.use(auth, (req, _res, next) => {
        Object.assign(req, { user: { name: 'admin' }, auth: { scopes: new Set(['orders:admin']) } })
        seen.push(auth.getUser(req), getUser(req as ExpressRequest))
        next()
      })
      app.use(requireScope('orders:admin'))
    })
    expect([status, seen]).toEqual([403, [{ name: 'alice' }, { name: 'alice' }]])
  })

  it('is set past a setter of a prototype', async () => {
    const seen = await seenIn(framework, (app) => {
      Object.defineProperty(app.request, 'user', { set: unreachable, get: () => 'inherited' })
      app.use(authenticateJwt({ verifier, onAuthenticated }))
    })
    expect(seen).toMatchObject({ user: { name: 'alice' } })
  })
})

describe('53. getUser', () => {
  it('of Express has the type of the user', () => {
    const find = async ({ claims }: VerifiedToken) => (claims.sub === 'alice' ? { id: 1 } : undefined)
    const auth = authenticateJwt({ verifier, onAuthenticated: find })
    expectTypeOf(auth.getUser).returns.toEqualTypeOf<{ id: number }>()
  })

  it.each<[string, Parameters<typeof authenticateJwt>[0], object, number | string]>([
    ['an anonymous request', { verifier, onAuthenticated, optional: true }, {}, 401],
    [
      'a middleware without onAuthenticated',
      verifier,
      { headers },
      'Cannot get user: give authenticateJwt() the option "onAuthenticated"',
    ],
  ])('of Express fails for %s', async (_, options, request, expected) => {
    const thrown: unknown[] = []
    const status = await seenIn(
      express,
      (app) =>
        app.use(authenticateJwt(options as never), (req, _res, next) => {
          try {
            getUser(req)
            next()
          } catch (error) {
            thrown.push((error as Error).message)
            next(error)
          }
        }),
      request,
    )
    expect(expected === 401 ? status : thrown[0]).toBe(expected)
  })

  it('of fetch gives the user of an admitted request alone', async () => {
    const gate = createGate({ verifier, onAuthenticated })
    const [good, bad] = [headers, {}].map((fields) => new Request('https://api.example.com', { headers: fields }))
    await Promise.all([gate(good as Request), gate(bad as Request)])
    expect(getFetchUser(good as Request)).toEqual({ name: 'alice' })
    expect(() => getFetchUser(bad as Request)).toThrow('Cannot get user: no gate with "onAuthenticated" has admitted')
  })
})

describe('53. The property of a request: Fastify', () => {
  const seen = async (options: ClaimgateOptions, request: object = { headers }, rule?: object): Promise<unknown> => {
    const app = Fastify()
    await app.register(claimgate, options)
    app.get('/', { config: rule ?? {} }, async (incoming) => {
      const { user, account } = incoming as unknown as Record<string, { claims?: { sub?: string } } | null | undefined>
      return { auth: incoming.auth?.claims.sub ?? null, user, account: account && account.claims?.sub }
    })
    const response = await app.inject({ url: '/', ...request })
    await app.close()
    return response.statusCode === 200 ? response.json() : response.statusCode
  }

  it('is only auth without an option', async () => {
    expect(await seen({ verifier })).toEqual({ auth: 'alice' })
  })

  it('has the token, if it is named', async () => {
    expect(await seen({ verifier, property: 'account' })).toEqual({ auth: 'alice', account: 'alice' })
  })

  it('has the user, if the application finds one', async () => {
    expect(await seen({ verifier, onAuthenticated })).toEqual({ auth: 'alice', user: { name: 'alice' } })
  })

  it('has the user after a requirement that depends on the request', async () => {
    const rule = { auth: () => scope('orders:read') }
    expect(await seen({ verifier, onAuthenticated }, { headers }, rule)).toEqual({
      auth: 'alice',
      user: { name: 'alice' },
    })
  })

  it('is null for an anonymous request and on an open route', async () => {
    const options = { verifier, onAuthenticated, optional: true }
    const open = { auth: false }
    expect([await seen(options, {}), await seen(options, { headers }, open)]).toEqual([
      { auth: null, user: null },
      { auth: null, user: null },
    ])
  })

  it('may be the same in several scopes, and that of no other plugin', async () => {
    const app = Fastify()
    await app.register(claimgate, { verifier, onAuthenticated })
    await app.register(async (scoped) => scoped.register(claimgate, { verifier, onAuthenticated }))
    await app.close()
    const other = Fastify()
    other.decorateRequest('user', null)
    await expect(other.register(claimgate, { verifier, onAuthenticated })).rejects.toThrow(
      'Cannot register claimgate: another plugin has added this property to requests: give "property" another name',
    )
  })
})

describe.each<Platform>(['Express', 'Fastify'])('53. The user of a request: NestJS on %s', (platform) => {
  type Options = Parameters<typeof ClaimgateModule.forRoot>[0]
  type Members = Record<'auth' | 'user', { claims?: { sub?: string } } | undefined>

  const seen = async (
    options: Options,
    request: RequestInit = { headers },
    { rules = [], before = () => {} }: { rules?: readonly MethodDecorator[]; before?: (req: object) => void } = {},
  ): Promise<unknown> => {
    class Subject {
      get({ auth, user }: Members): object {
        return { auth: auth?.claims?.sub, user }
      }
    }
    Controller()(Subject)
    decorate(Subject, 'get', [Get(), ...rules], [Req()])
    const app = await startApp(platform, {
      imports: [ClaimgateModule.forRoot(options)],
      controllers: [Subject],
      prepare: (made) => made.use((req: object, _res: unknown, next: () => void) => (before(req), next())),
    })
    const { port, close } = await listen(createServer(listenerOf(app, platform)))
    closers.push(close)
    const response = await fetch(`http://127.0.0.1:${port}/`, request)
    return response.status === 200 ? response.json() : response.status
  }

  it('is there if the application finds one', async () => {
    expect(await seen({ verifier })).toEqual({ auth: 'alice' })
    expect(await seen({ verifier, onAuthenticated })).toEqual({ auth: 'alice', user: { name: 'alice' } })
  })

  it('is there after a requirement that depends on the request', async () => {
    const rules = [Require(() => scope('orders:read'))]
    expect(await seen({ verifier, onAuthenticated }, { headers }, { rules })).toMatchObject({ user: { name: 'alice' } })
  })

  it('is not what earlier middleware has put there', async () => {
    const before = (req: object): unknown => Object.assign(req, { user: { name: 'admin' } })
    expect(await seen({ verifier, onAuthenticated, optional: true }, {}, { before })).toEqual({})
  })
})

describe('53. The user of a request: Hono', () => {
  const seen = async (
    set: (app: Hono<OptionalAuthEnv>) => unknown,
    request: object = { headers },
  ): Promise<unknown> => {
    const app = new Hono<OptionalAuthEnv>()
    set(app)
    app.get('/', (c) => c.json({ auth: c.get('auth')?.claims.sub, user: (c.var as { user?: unknown }).user }))
    const response = await app.request('/', request)
    return response.status === 200 ? response.json() : response.status
  }
  const put = (app: Hono<OptionalAuthEnv>): unknown =>
    app.use((c, next) => {
      c.set('user' as 'auth', { name: 'admin' } as never)
      c.set('auth', { claims: { sub: 'admin' }, scopes: new Set(['orders:admin']) } as never)
      return next()
    })

  it('is the variable "user" if the application finds one', async () => {
    expect(await seen((app) => app.use(honoJwt(verifier)))).toEqual({ auth: 'alice' })
    expect(await seen((app) => app.use(honoJwt({ verifier, onAuthenticated })))).toEqual({
      auth: 'alice',
      user: { name: 'alice' },
    })
  })

  it('is not what earlier middleware has put there', async () => {
    const options = { verifier, onAuthenticated, optional: true }
    expect(await seen((app) => [put(app), app.use(honoJwt(options))], {})).toEqual({})
  })

  it('decides nothing', async () => {
    const options = { verifier, onAuthenticated }
    expect(await seen((app) => [app.use(honoJwt(options)), put(app), app.use(honoScope('orders:admin'))])).toBe(403)
  })
})

describe('53. The user of a request: Lambda', () => {
  const call = (options: Parameters<typeof protectLambda>[1], event: object): Promise<unknown> =>
    protectLambda(
      async (given: object) => ({ auth: getLambdaAuth(given)?.claims.sub, user: getLambdaUser(given) }),
      options,
    )(event)

  it('is what getUser returns, and not a member of the event', async () => {
    const options = { verifier, onAuthenticated } as const
    expect(await call(options, { headers, user: { name: 'admin' } })).toEqual({
      auth: 'alice',
      user: { name: 'alice' },
    })
  })

  it.each<[string, object, object]>([
    ['an anonymous request', { verifier, onAuthenticated, optional: true }, { user: { name: 'admin' } }],
    ['options without onAuthenticated', { verifier }, { headers, user: { name: 'admin' } }],
  ])('is not there for %s', async (_, options, event) => {
    await expect(call(options as never, event)).rejects.toThrow('Cannot get user: nothing with "onAuthenticated"')
  })
})

describe('53. The name of the property', () => {
  const taken = [
    'auth',
    'body',
    'headers',
    'url',
    'raw',
    'log',
    'next',
    'res',
    'socket',
    'session',
    'on',
    'method',
    'then',
  ]
  const impossible = [
    '',
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    '_user',
    'a b',
    '1a',
    'a.b',
  ]

  it.each([...taken, ...impossible])('is refused at start-up: %j', async (property) => {
    expect(() => authenticateJwt({ verifier, property })).toThrow('Cannot create middleware: "property" must be a name')
    const app = Fastify()
    await expect(app.register(claimgate, { verifier, property })).rejects.toThrow('"property" must be a name')
  })

  it('must not be lost on the way', () => {
    expect(() => authenticateJwt({ verifier, property: undefined } as never)).toThrow(
      '"property" must not be undefined',
    )
  })

  it('is no member of a request of Express 4, Express 5 or Fastify', async () => {
    const names = new Set<string>()
    const collect = (request: object): void => {
      for (let at: object = request; at !== Object.prototype; at = Object.getPrototypeOf(at) as object)
        for (const name of Object.getOwnPropertyNames(at)) names.add(name)
    }
    for (const framework of [express4, express])
      await seenIn(framework, (app) => app.use((req, _res, next) => (collect(req), next())), {})
    const app = Fastify()
    app.get('/', (request, reply) => {
      collect(request)
      return reply.send('ok')
    })
    await app.inject('/')
    await app.close()
    const free = [...names].filter((property) => {
      try {
        authenticateJwt({ verifier, property })
        return true
      } catch {
        return false
      }
    })
    expect(free).toEqual([])
    expect(names.size).toBeGreaterThan(100)
  })
})

describe('53. MCP', () => {
  it('gives handlers the user', async () => {
    const options = { resource: AUDIENCE, issuer: ISSUER, jwks, scopes: ['orders:read'] }
    const mcp = mcpResource({ ...options, onAuthenticated })
    const serve = mcp.fetch(async (_request, { authInfo }) => Response.json(authInfo.extra))
    const answer = await serve(new Request(AUDIENCE, { headers, method: 'DELETE' }))
    expect(await answer.json()).toMatchObject({ user: { name: 'alice' }, claims: { sub: 'alice' } })
    expect(() => mcpResource({ ...options, extractToken: () => 'x' } as never)).toThrow(
      'there is no option "extractToken"',
    )
  })
})
