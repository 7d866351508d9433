import { allOf, anyOf, authorizationDetails, claim, createAuthenticator, not, scope, stepUp } from '@claimgate/core'
import { own } from '@claimgate/core/adapter'
import { claimgate, type ClaimgateOptions } from '@claimgate/fastify'
import { createMemoryReplayStore, dpop } from '@claimgate/core/dpop'
import swagger, { type FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import fastify, { type FastifyInstance } from 'fastify'
import { describe, expect, it } from 'vitest'
import { createAuthority } from '../support/adapters/authority.ts'

const authority = await createAuthority()
const good = await authority.authorization()

type Document = Readonly<Record<string, unknown>> & {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly security?: unknown }>>>>
}

const BEARER = { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } as const
const HEADER = { type: 'apiKey', name: 'authorization', in: 'header' } as const

const declared = {
  'OpenAPI 3': { openapi: { components: { securitySchemes: { bearerAuth: BEARER } } } },
  'OpenAPI 3.1': { openapi: { openapi: '3.1.0', components: { securitySchemes: { bearerAuth: BEARER } } } },
  'Swagger 2': { swagger: { securityDefinitions: { bearerAuth: HEADER } } },
} satisfies Record<string, FastifyDynamicSwaggerOptions>

const undeclared = {
  'OpenAPI 3': { openapi: {} },
  'OpenAPI 3 with other components': { openapi: { components: { schemas: {} } } },
  'OpenAPI 3 with another scheme': { openapi: { components: { securitySchemes: { cookieAuth: HEADER } } } },
  'Swagger 2': { swagger: {} },
  'Swagger 2 with another scheme': { swagger: { securityDefinitions: { cookieAuth: HEADER } } },
} satisfies Record<string, FastifyDynamicSwaggerOptions>

const rows = <T>(table: Readonly<Record<string, T>>) => Object.entries(table)

interface Started {
  readonly app: FastifyInstance
  readonly lines: readonly string[]
  /** The document that the browser gets, and the same as YAML. */
  document(): Promise<{ readonly status: number; readonly json: Document; readonly yaml: string }>
}

async function start(
  options: FastifyDynamicSwaggerOptions,
  gate: Partial<ClaimgateOptions> = {},
  order: 'claimgate last' | 'claimgate first' = 'claimgate last',
): Promise<Started> {
  const lines: string[] = []
  const stream = { write: (line: string) => void lines.push((JSON.parse(line) as { msg: string }).msg) }
  const app = fastify({ logger: { level: 'warn', stream } })
  const plugin = () => app.register(claimgate, { ...authority.options, ...gate } as ClaimgateOptions)
  if (order === 'claimgate first') await plugin()
  await app.register(swagger, options)
  await app.register(swaggerUi, { routePrefix: '/docs' })
  if (order === 'claimgate last') await plugin()
  app.get('/me', () => 'me')
  app.post(
    '/orders',
    { config: { auth: scope('orders:write') }, schema: { body: { type: 'object' } } },
    () => 'ordered',
  )
  app.get('/open', { config: { auth: false } }, () => 'open')
  app.get(
    '/items/:id',
    { schema: { headers: { type: 'object', properties: { 'x-a': { type: 'string' } } } } },
    () => 'item',
  )
  return {
    app,
    lines,
    document: async () => {
      const [json, yaml] = await Promise.all(
        ['json', 'yaml'].map((kind) => app.inject({ url: `/docs/${kind}`, headers: good })),
      )
      return { status: json?.statusCode ?? 0, json: json?.json<Document>() as Document, yaml: yaml?.payload ?? '' }
    },
  }
}

const securityOf = ({ paths }: Document) => ({
  me: paths['/me']?.['get']?.security,
  orders: paths['/orders']?.['post']?.security,
  open: paths['/open']?.['get']?.security,
})

describe.each(['claimgate last', 'claimgate first'] as const)('with @fastify/swagger and its page, %s', (order) => {
  it.each(rows(declared))(
    'the document of %s shows the security of routes if the scheme is declared',
    async (_name, options) => {
      const { app, document, lines } = await start(options, {}, order)
      const { status, json, yaml } = await document()
      expect(status).toBe(200)
      expect(securityOf(json)).toEqual({
        me: [{ bearerAuth: [] }],
        orders: [{ bearerAuth: ['orders:write'] }],
        open: undefined,
      })
      expect(yaml).toMatch(/security:\n +- bearerAuth:/)
      expect((await app.inject({ url: '/docs/', headers: good })).statusCode).toBe(200)
      expect(lines).toEqual([])
    },
  )

  it.each(rows(undeclared))(
    'the document of %s omits it if the scheme is not declared, and the log says why',
    async (_name, options) => {
      const { app, document, lines } = await start(options, {}, order)
      const { status, json, yaml } = await document()
      expect(status).toBe(200)
      expect(Object.keys(json.paths)).toEqual(expect.arrayContaining(['/me', '/orders', '/open', '/items/{id}']))
      expect(securityOf(json)).toEqual({ me: undefined, orders: undefined, open: undefined })
      expect(yaml).toContain('/orders:')
      expect(yaml).not.toContain('bearerAuth')
      expect(new Set(lines)).toEqual(
        new Set([
          'The API document does not show all security of protected routes, because @fastify/swagger declares no scheme "bearerAuth". Write openapi: ' +
            "{ components: { securitySchemes: { bearerAuth: { type: 'http', scheme: 'bearer' } } } } into its options, or securityScheme: " +
            'false into those of claimgate',
        ]),
      )
      // The contents of a document do not affect access.
      const statuses = ['/me', '/open', '/docs/json'].map(async (url) => (await app.inject(url)).statusCode)
      expect(await Promise.all(statuses)).toEqual([401, 200, 401])
    },
  )

  it.each(rows({ ...declared, ...undeclared }))(
    'schemas of %s are not changed with securityScheme: false',
    async (_name, options) => {
      const { document, lines } = await start(options, { securityScheme: false }, order)
      const { status, json } = await document()
      expect([status, securityOf(json)]).toEqual([200, { me: undefined, orders: undefined, open: undefined }])
      expect(lines).toEqual([])
    },
  )
})

describe('with @fastify/swagger', () => {
  it('the description of a route says what it demands besides scopes', async () => {
    const app = fastify()
    await app.register(swagger, declared['OpenAPI 3.1'])
    await app.register(claimgate, authority.options)
    const recent = stepUp({ acr: ['mfa'], maxAge: 300 })
    const payment = authorizationDetails({ type: 'payment', actions: ['initiate'] })
    const routes = {
      '/recent': recent,
      '/both': allOf(scope('a'), recent, payment),
      '/either': anyOf(recent, payment),
      '/partly': anyOf(scope('a'), recent),
      '/scope': scope('a'),
      '/not': not(recent),
      '/claim': claim('tenant', 'acme'),
    }
    for (const [url, auth] of Object.entries(routes)) app.get(url, { config: { auth } }, () => url)
    app.get('/described', { config: { auth: recent }, schema: { description: 'Transfers money.' } }, () => '')
    await app.ready()
    const { paths } = app.swagger() as { readonly paths: Readonly<Record<string, { readonly get: object }>> }
    const stepped = 'an authentication with acr mfa in the last 300 s'
    const paid = 'authorization details of type payment, actions initiate'
    const described = Object.entries(paths).map(([url, { get }]) => [url, own(get, 'description')])
    expect(Object.fromEntries(described)).toEqual({
      '/recent': `Requires ${stepped}.`,
      '/both': `Requires ${stepped} and ${paid}.`,
      '/either': `Requires ${stepped} or ${paid}.`,
      '/partly': undefined,
      '/scope': undefined,
      '/not': undefined,
      '/claim': undefined,
      '/described': `Transfers money.\n\nRequires ${stepped}.`,
    })
    await app.close()
  })

  it('the scheme has the configured name', async () => {
    const options = { openapi: { components: { securitySchemes: { jwt: BEARER } } } } as const
    const { document } = await start(options, { securityScheme: 'jwt', optional: true })
    expect(securityOf((await document()).json)).toEqual({
      me: [{ jwt: [] }, {}],
      orders: [{ jwt: ['orders:write'] }],
      open: undefined,
    })
  })

  describe('and DPoP', () => {
    const bindings = [dpop({ origin: 'https://api.example.com', replay: createMemoryReplayStore() })]
    const DPOP = { type: 'http', scheme: 'dpop' } as const
    const components = (securitySchemes: Record<string, typeof BEARER | typeof DPOP | typeof HEADER>) =>
      ({ openapi: { components: { securitySchemes } } }) as FastifyDynamicSwaggerOptions

    it('the document names both schemes', async () => {
      const declares = components({ bearerAuth: BEARER, dpopAuth: DPOP })
      const { document, lines } = await start(declares, { bindings, optional: true })
      expect(securityOf((await document()).json)).toEqual({
        me: [{ bearerAuth: [] }, { dpopAuth: [] }, {}],
        orders: [{ bearerAuth: ['orders:write'] }, { dpopAuth: ['orders:write'] }],
        open: undefined,
      })
      expect(lines).toEqual([])
    })

    it.each<[string, object, unknown, RegExp]>([
      ['DPoP', { bearerAuth: BEARER }, [{ bearerAuth: [] }], /\{ dpopAuth: \{ type: 'http', scheme: 'dpop' \} \}/],
      ['Bearer', { dpopAuth: DPOP }, [{ dpopAuth: [] }], /\{ bearerAuth: \{ type: 'http', scheme: 'bearer' \} \}/],
      [
        'both',
        { cookieAuth: HEADER },
        undefined,
        /scheme: 'bearer' \}, dpopAuth: \{ type: 'http', scheme: 'dpop' \} \}/,
      ],
    ])('without a declaration of %s, it shows what is declared', async (_, schemes, me, line) => {
      const { document, lines } = await start(components(schemes as never), { bindings })
      const { status, json } = await document()
      expect([status, securityOf(json).me]).toEqual([200, me])
      expect(lines[0]).toMatch(line)
    })

    it('an authenticator of the application that names no schemes has Bearer', async () => {
      const { schemes, ...authenticator } = createAuthenticator({ ...authority.options, bindings })
      const app = fastify()
      await app.register(swagger, components({ bearerAuth: BEARER }))
      await app.register(claimgate, authenticator as ClaimgateOptions & typeof authenticator)
      app.get('/me', () => 'me')
      await app.ready()
      expect(schemes).toEqual(['Bearer', 'DPoP'])
      expect((app.swagger() as unknown as Document).paths['/me']?.['get']?.security).toEqual([{ bearerAuth: [] }])
    })
  })

  it("a route's own security is kept", async () => {
    const options = { openapi: { components: { securitySchemes: { cookieAuth: HEADER } } } } as const
    const { app, document } = await start(options)
    app.get('/own', { schema: { security: [{ cookieAuth: [] }] } }, () => 'own')
    const { json } = await document()
    expect([json.paths['/own']?.['get']?.security, securityOf(json).me]).toEqual([[{ cookieAuth: [] }], undefined])
  })

  it('a transform of the application still receives every route', async () => {
    const seen: string[] = []
    const { document } = await start({
      openapi: {},
      transform: ({ schema, url }) => {
        seen.push(url)
        return { schema, url: `/v1${url}` }
      },
    })
    const { status, json } = await document()
    expect([status, Object.keys(json.paths)]).toEqual([200, expect.arrayContaining(['/v1/me', '/v1/orders'])])
    expect(seen).toContain('/me')
  })

  it('other errors in a document are not hidden', async () => {
    const { app } = await start({
      ...declared['OpenAPI 3'],
      transformObject: () => {
        throw new Error('a bug of the application')
      },
    })
    await app.ready()
    expect(() => app.swagger()).toThrow('a bug of the application')
  })

  it('each scope has its own scheme, and only the undeclared one is omitted', async () => {
    const app = fastify()
    await app.register(swagger, declared['OpenAPI 3'])
    for (const [name, securityScheme] of [
      ['a', 'bearerAuth'],
      ['b', 'other'],
    ] as const)
      await app.register(async (child) => {
        await child.register(claimgate, { ...authority.options, securityScheme })
        child.get(`/${name}`, () => name)
        child.get(`/${name}/claim`, { config: { auth: claim('a', 'b') } }, () => name)
      })
    await app.ready()
    const { paths } = app.swagger() as unknown as Document
    const security = ['/a', '/a/claim', '/b', '/b/claim'].map((path) => paths[path]?.['get']?.security)
    expect(security).toEqual([[{ bearerAuth: [] }], [{ bearerAuth: [] }], undefined, undefined])
  })

  it('a document of a nested scope does not need the scheme, nor do HEAD routes', async () => {
    const app = fastify({ exposeHeadRoutes: true })
    await app.register(claimgate, authority.options)
    await app.register(async (child) => {
      await child.register(swagger, { openapi: {}, exposeHeadRoutes: true } as FastifyDynamicSwaggerOptions)
      child.get('/a', { schema: { operationId: 'a' } }, () => 'a')
      child.get('/document', { config: { auth: false } }, () => child.swagger())
    })
    const response = await app.inject('/document')
    expect(response.statusCode).toBe(200)
    expect(Object.keys(response.json<Document>().paths['/a'] ?? {})).toEqual(['get', 'head'])
  })
})
