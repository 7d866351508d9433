import { createVerifier, scope, stepUp } from '@claimgate/core'
import { clientSecretBasic, createIntrospectionVerifier, fresh } from '@claimgate/core/introspection'
import { createMemoryReplayStore, dpop } from '@claimgate/core/dpop'
import { claimgate } from '@claimgate/fastify'
import swagger from '@fastify/swagger'
import fastify, { type FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createAuthority } from '../support/adapters/authority.ts'

const authority = await createAuthority()
const verifier = createVerifier(authority.options)
const handler = (): string => 'served'

let app: FastifyInstance
beforeEach(() => {
  app = fastify()
})
afterEach(() => app.close())

describe('the rule of a route in Fastify is refused, and the error says why', () => {
  const RULE =
    'Cannot protect route: "config.auth" must be true, false or a requirement such as scope("orders:read"), found'

  it.each<readonly [unknown, string]>([
    ['orders:read', `${RULE} "orders:read"`],
    [null, `${RULE} null`],
    [0, `${RULE} 0`],
    [
      undefined,
      'Cannot protect route: "config.auth" must not be undefined: leave it out, or check the name of what it is set to',
    ],
  ])('config.auth: %j', async (auth, message) => {
    await app.register(claimgate, { verifier })
    expect(() => app.get('/', { config: { auth: auth as never } }, handler)).toThrow(new TypeError(message))
  })

  it.each([
    [null, 'null'],
    [true, 'true'],
    ['orders:read', '"orders:read"'],
    [{}, 'an object'],
  ])('authenticateJwt(%j)', async (given, found) => {
    await app.register(claimgate, { verifier, global: false })
    expect(() => app.authenticateJwt(given as never)).toThrow(
      new TypeError(`Cannot protect route: give a requirement such as scope("orders:read"), found ${found}`),
    )
  })

  it('a requirement that the verifier cannot check', async () => {
    const message = /^Cannot protect route: .*fresh/
    await app.register(claimgate, { verifier })
    expect(() => app.get('/', { config: { auth: fresh() } }, handler)).toThrow(message)
    expect(() => app.authenticateJwt(fresh())).toThrow(message)
    expect(() => app.authenticateJwt(() => fresh())).not.toThrow()
  })
})

it('a requirement that only the inner verifier can check is that of the inner scope in Fastify', async () => {
  await app.register(claimgate, { verifier })
  const opaque = createIntrospectionVerifier({
    issuer: authority.options.issuer,
    audience: authority.options.audience,
    client: clientSecretBasic('api', 'secret'),
    endpoint: 'https://auth.example.com/introspect',
  })
  await app.register(async (child) => {
    await child.register(claimgate, { verifier: opaque })
    child.get('/inner', { config: { auth: fresh() } }, handler)
  })
  await app.ready()
  expect((await app.inject('/inner')).statusCode).toBe(401)
})

describe('the schema of a route in Fastify', () => {
  const declare = async (options: object, route: object): Promise<Readonly<Record<string, unknown>> | undefined> => {
    const found: unknown[] = []
    await app.register(claimgate, { verifier, ...options })
    app.addHook('onRoute', (declared) => void found.push(declared.schema))
    app.get('/', route, handler)
    return found[0] as never
  }
  const RECENT = 'Requires an authentication with acr mfa in the last 300 s.'
  const recent = stepUp({ acr: ['mfa'], maxAge: 300 })

  it.each<readonly [string, object, object, unknown]>([
    ['a function', {}, { config: { auth: () => scope('a') } }, { security: [{ bearerAuth: [] }] }],
    [
      'a function, beside anonymous requests',
      { optional: true },
      { config: { auth: () => scope('a') } },
      { security: [{ bearerAuth: [] }] },
    ],
    ['a token', {}, { config: { auth: true } }, { security: [{ bearerAuth: [] }] }],
    ['an empty description', {}, { schema: { description: '' } }, { description: '', security: [{ bearerAuth: [] }] }],
    ['a recent login', {}, { config: { auth: recent } }, { security: [{ bearerAuth: [] }], description: RECENT }],
    [
      'a recent login, with an empty description',
      {},
      { config: { auth: recent }, schema: { description: '' } },
      { security: [{ bearerAuth: [] }], description: RECENT },
    ],
    ['a recent login, without a scheme', { securityScheme: false }, { config: { auth: recent } }, undefined],
  ])('says that it needs %s', async (_, options, route, expected) => {
    expect(await declare(options, route)).toEqual(expected)
  })

  it('has no description, if there is nothing to describe', async () => {
    expect(Object.keys((await declare({}, {})) ?? {})).toEqual(['security'])
  })
})

describe('the document of an API in Fastify', () => {
  const documented = async (options: object, declared: Record<string, never> = {}) => {
    const lines: string[] = []
    const stream = { write: (line: string) => void lines.push((JSON.parse(line) as { msg: string }).msg) }
    const logging = fastify({ logger: { level: 'warn', stream } })
    await logging.register(swagger, { openapi: { components: { securitySchemes: declared } } })
    await logging.register(claimgate, { verifier, ...options } as never)
    logging.get('/', handler)
    await logging.ready()
    const { paths } = logging.swagger() as unknown as { readonly paths: Record<string, { readonly get: object }> }
    await logging.close()
    return { get: paths['/']?.get as { readonly security?: unknown }, lines }
  }

  it('does not show that a token is optional, if it cannot show the token', async () => {
    expect((await documented({ optional: true })).get.security).toBeUndefined()
  })

  it('names each scheme that is not declared', async () => {
    const bindings = [dpop({ origin: 'https://api.example.com', replay: createMemoryReplayStore() })]
    const { lines } = await documented({ bindings })
    expect(lines).toEqual([expect.stringContaining('declares no scheme "bearerAuth", "dpopAuth". Write')])
  })

  it('may be something else that is called "swagger"', async () => {
    app.decorate('swagger', { title: 'mine' } as never)
    await app.register(claimgate, { verifier })
    app.get('/', handler)
    await app.ready()
    expect(app.swagger).toEqual({ title: 'mine' })
  })
})

describe('a request in Fastify', () => {
  it('has null as "auth" on open routes, and for unknown paths outside of the scope', async () => {
    await app.register(claimgate, { verifier, global: false })
    app.get('/open', (request) => ({ auth: request.auth }))
    app.setNotFoundHandler((request) => ({ auth: request.auth }))
    const headers = await authority.authorization()
    for (const url of ['/open', '/none']) expect((await app.inject({ url, headers })).json()).toEqual({ auth: null })
  })

  it('may be verified by the verifier of the registration, which can be made ready', async () => {
    await app.register(claimgate, { verifier, global: false })
    await expect(app.authenticateJwt.verifier.ready()).resolves.toBeUndefined()
    const { claims } = await app.authenticateJwt.verifier.verify(await authority.token())
    expect(claims.sub).toBe('alice')
  })
})

describe('the registration in Fastify is refused', () => {
  it.each<readonly [object, string]>([
    [{ securityScheme: true }, '"securityScheme" must be the name of an OpenAPI security scheme, or false, found true'],
    [{ securityScheme: 5 }, '"securityScheme" must be the name of an OpenAPI security scheme, or false, found 5'],
    [{ securityScheme: '' }, '"securityScheme" must be the name of an OpenAPI security scheme, or false, found ""'],
    [{ notFound: 'protected' }, '"notFound" must be'],
    [{ global: 'false' }, '"global" must be'],
    [{ onReject: 'send' }, '"onReject" must be'],
    [{ property: '' }, '"property" must be'],
    [{ log: 1 }, '"log" must be'],
  ])('with %o', async (options, message) => {
    await expect(async () => app.register(claimgate, { verifier, ...options } as never)).rejects.toThrow(
      `Cannot register claimgate: ${message}`,
    )
  })

  it('with a property of another plugin, but not with that of another registration', async () => {
    app.decorateRequest('mine', null)
    await expect(async () => app.register(claimgate, { verifier, property: 'mine' })).rejects.toThrow(
      'Cannot register claimgate: another plugin has added this property to requests: give "property" another name, found "mine"',
    )
    const other = fastify()
    await other.register(claimgate, { verifier, property: 'caller' })
    await other.register(async (child) => {
      await child.register(claimgate, { verifier, property: 'caller' })
    })
    await other.ready()
    await other.close()
  })
})
