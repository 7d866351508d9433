import { AuthError, createAuthenticator, createVerifier, type VerifiedToken } from '@claimgate/core'
import { claimgate } from '@claimgate/fastify'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createAuthority } from '../support/adapters/authority.ts'

const authority = await createAuthority()
const verifier = createVerifier(authority.options)

let app: FastifyInstance
let served: unknown[]
/** What decides about tokens, in the order in which they are verified. */
let decisions: { readonly admit: () => void; readonly refuse: () => void }[]

const slow = {
  ...verifier,
  verify: async (token: string): Promise<VerifiedToken> => {
    const verified = await verifier.verify(token)
    return new Promise((resolve, reject) => {
      decisions.push({ admit: () => resolve(verified), refuse: () => reject(new AuthError('token_expired')) })
    })
  },
} as typeof verifier

/** A mistake that lets Fastify skip the hooks that still wait. */
const goOnTwice = (_request: unknown, _reply: unknown, done: () => void): void => {
  done()
  done()
}

const serve = async ({ auth }: FastifyRequest): Promise<string> => {
  served.push(auth?.claims['sub'])
  return 'served'
}

beforeEach(() => {
  app = fastify()
  served = []
  decisions = []
})

afterEach(() => app.close())

const get = async (url = '/orders') => app.inject({ url, headers: await authority.authorization() })
const decided = (count: number) => expect.poll(() => decisions.length).toBe(count)
const turns = async (): Promise<void> => {
  for (let count = 0; count < 5; count += 1) await turn()
}

const DECISIONS = [
  ['admit', 200, ['alice']],
  ['refuse', 401, []],
] as const

describe('a request that another hook lets go on before the token is verified', () => {
  beforeEach(() => {
    app.addHook('onRequest', goOnTwice)
  })

  it.each(DECISIONS)('waits for the token: %s', async (decision, status, expected) => {
    await app.register(claimgate, { verifier: slow })
    app.get('/orders', serve)
    const answer = get()
    await decided(1)
    await turns()
    expect(served).toEqual([])
    decisions[0]?.[decision]()
    expect([(await answer).statusCode, served]).toEqual([status, expected])
  })

  it.each([
    ['both admit it', ['admit', 'admit'], [0, 1], 200],
    ['both admit it, the last one first', ['admit', 'admit'], [1, 0], 200],
    ['the first one refuses it', ['refuse', 'admit'], [1, 0], 401],
    ['the last one refuses it', ['admit', 'refuse'], [0, 1], 401],
  ] as const)('waits for both of two gates: %s', async (_, each, order, status) => {
    await app.register(claimgate, { verifier: slow })
    app.get('/orders', { onRequest: app.authenticateJwt() }, serve)
    const answer = get()
    await decided(2)
    for (const index of order) {
      expect(served).toEqual([])
      decisions[index]?.[each[index]]()
      await turns()
    }
    expect([(await answer).statusCode, served.length]).toEqual([status, status === 200 ? 1 : 0])
  })

  it('reaches no handler for unknown paths', async () => {
    await app.register(claimgate, { verifier: slow })
    app.setNotFoundHandler((_request, reply) => void reply.code(404).send('own'))
    const answer = get('/none')
    await decided(1)
    await turns()
    decisions[0]?.refuse()
    expect((await answer).statusCode).toBe(401)
  })

  it.each(DECISIONS)('waits for a hook of the scope, too: %s', async (decision, status, expected) => {
    app.addHook('onSend', turns)
    await app.register(claimgate, { verifier: slow, global: false })
    app.addHook('onRequest', app.authenticateJwt())
    app.get('/orders', serve)
    const answer = get()
    await decided(1)
    await turns()
    expect(served).toEqual([])
    decisions[0]?.[decision]()
    expect([(await answer).statusCode, served]).toEqual([status, expected])
    await turns()
    expect(served).toEqual(expected)
  })

  it('waits also where a plugin awaits the hooks of routes, and another hook goes on again', async () => {
    await app.register(claimgate, { verifier: slow })
    app.addHook('onRoute', (route) => {
      const hooks = [route.preHandler ?? []].flat() as readonly ((...args: unknown[]) => unknown)[]
      route.preHandler = hooks.map(
        (hook) => async (request: unknown, reply: unknown) => void (await hook(request, reply)),
      )
    })
    await app.register(async (child) => {
      child.addHook('preHandler', goOnTwice)
      child.get('/orders', serve)
    })
    const answer = get()
    await decided(1)
    await turns()
    decisions[0]?.refuse()
    expect([(await answer).statusCode, served]).toEqual([401, []])
  })
})

it.each([
  ['admit', 200, ['alice']],
  ['refuse', 401, []],
] as const)(
  'a hook of a route waits for the token, even if a hook before it goes on twice: %s',
  async (decision, status, expected) => {
    await app.register(claimgate, { verifier: slow, global: false })
    app.addHook('preHandler', goOnTwice)
    app.get('/orders', { preHandler: app.authenticateJwt() }, serve)
    const answer = get()
    await decided(1)
    await turns()
    expect(served).toEqual([])
    decisions[0]?.[decision]()
    expect([(await answer).statusCode, served]).toEqual([status, expected])
  },
)

it('a refused request may be answered by the handler for unknown paths', async () => {
  await app.register(claimgate, {
    verifier,
    onReject: (...[, , reply]: [unknown, unknown, FastifyReply]) => reply.callNotFound(),
  })
  app.setNotFoundHandler((_request, reply) => void reply.code(404).send('own'))
  app.get('/orders', serve)
  const refused = await app.inject('/orders')
  expect([refused.statusCode, refused.body, served]).toEqual([404, 'own', []])
})

describe('a request', () => {
  it('gets no other property than "auth" without an option', async () => {
    await app.register(claimgate, { verifier })
    app.get('/orders', (request) => Object.keys(request).filter((name) => name === 'undefined'))
    expect((await get()).json()).toEqual([])
  })

  it('loses what an earlier hook has put into the property, if it is refused', async () => {
    app.decorateRequest('user', null)
    const own = fastify()
    await own.register(claimgate, {
      verifier,
      property: 'user',
      onReject: async (_refusal, request) => [(request as { user?: unknown }).user ?? null],
    })
    own.addHook('onRequest', async (request) => void Object.assign(request, { user: 'mine' }))
    own.get('/orders', { onRequest: own.authenticateJwt() }, serve)
    expect((await own.inject('/orders')).json()).toEqual([null])
    await own.close()
  })
})

describe('an authenticator of the application', () => {
  const made = createAuthenticator(verifier)
  const failures: unknown[] = []
  const register = async (changes: object): Promise<void> => {
    failures.length = 0
    app.setErrorHandler((error, _request, reply) => {
      failures.push(error)
      return reply.send('error handler')
    })
    await app.register(claimgate, { ...made, ...changes } as never)
    app.get('/orders', serve)
    app.get('/rule', { config: { auth: () => ({ description: 'any', scopes: [], isMet: () => true }) } }, serve)
  }

  it('that takes a token for none admits no request', async () => {
    await register({ authorize: async () => ({ kind: 'anonymous' }) })
    const refused = await get('/rule')
    expect([refused.statusCode, refused.body, served]).toEqual([500, 'error handler', []])
    expect(failures).toEqual([new TypeError('Cannot authorize request: it is anonymous')])
  })

  it.each([
    ['that decides nothing', undefined],
    ['whose token cannot be read', { kind: 'authenticated' }],
  ])('%s admits no request', async (_, outcome) => {
    await register({ authenticate: async () => outcome })
    const refused = await get()
    expect([refused.statusCode, refused.body, served]).toEqual([500, 'error handler', []])
    expect(failures).toEqual([expect.any(TypeError)])
  })

  it.each(['/orders', '/rule'])('gives a request its user, also with a rule that is a function: %s', async (url) => {
    await register({})
    app.get('/user', async () => 'never')
    expect((await get(url)).statusCode).toBe(200)
    expect(served).toEqual(['alice'])
  })
})
