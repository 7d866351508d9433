import { anyRole, anyScope, type Authenticator, createVerifier, scope, type VerifiedToken } from '@claimgate/core'
import { fresh } from '@claimgate/core/introspection'
import { protectedResource } from '@claimgate/core/metadata'
import {
  Auth,
  AUTHENTICATOR,
  ClaimgateModule,
  Public,
  RefusedException,
  Require,
  Roles,
  Scopes,
} from '@claimgate/nestjs'
import {
  type ArgumentsHost,
  Catch,
  Controller,
  type ExecutionContext,
  Get,
  Inject,
  Module,
  type Provider,
  SetMetadata,
  type Type,
} from '@nestjs/common'
import { APP_GUARD, ExternalContextCreator } from '@nestjs/core'
import { createServer } from 'node:http'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createAuthority } from '../support/adapters/authority.ts'
import { startNest } from '../support/contract/nestjs-adapter.ts'
import { testContract } from '../support/contract/suite.ts'
import { listen } from '../support/contract/started-adapter.ts'
import { type AppParts, decorate, listenerOf, type Platform, startApp } from '../support/nestjs/nest.ts'
import { NEST_SITUATIONS, startNest as startRefusing } from '../support/refused/nestjs-server.ts'
import { SOME_VALUES, testRefusals, usual } from '../support/refused/suite.ts'

const PLATFORMS: readonly Platform[] = ['Express', 'Fastify']
const authority = await createAuthority()
const { options } = authority
const verifier = createVerifier(options)
const headers = await authority.authorization({ scope: 'orders:read' })

/** Sends GET requests to an application. */
async function serving(
  platform: Platform,
  parts: AppParts,
): Promise<(path: string, init?: RequestInit) => Promise<Response>> {
  const app = await startApp(platform, parts)
  const { port, close } = await listen(createServer(listenerOf(app, platform)))
  onTestFinished(close)
  return (path, init) => fetch(`http://127.0.0.1:${port}${path}`, init)
}

const protection = { imports: [ClaimgateModule.forRoot(verifier)] }

/** A controller with a handler for each path, and the decorators of each. */
function controller(
  handlers: Readonly<Record<string, readonly MethodDecorator[]>>,
  on: readonly ClassDecorator[] = [],
): Type {
  class Handlers {}
  for (const [path, decorators] of Object.entries(handlers)) {
    const value = (auth: VerifiedToken | undefined): string => `${path} for ${auth?.claims.sub ?? 'anyone'}`
    Object.defineProperty(Handlers.prototype, path, { value, configurable: true, writable: true })
    decorate(Handlers, path, [Get(path), ...decorators], [Auth()])
  }
  for (const decorator of [...on, Controller()]) decorator(Handlers)
  return Handlers
}

describe.each(PLATFORMS)('ClaimgateModule on %s', (platform) => {
  const statuses = async (parts: AppParts, ...paths: readonly string[]): Promise<object> => {
    const send = await serving(platform, parts)
    const answers = paths.map(async (path) => [
      path,
      [(await send(`/${path}`)).status, (await send(`/${path}`, { headers })).status],
    ])
    return Object.fromEntries(await Promise.all(answers)) as object
  }

  it('protects every handler that is not public', async () => {
    const handlers = { plain: [], open: [Public()], read: [Scopes('orders:read')], write: [Scopes('orders:write')] }
    expect(
      await statuses({ ...protection, controllers: [controller(handlers)] }, 'plain', 'open', 'read', 'write', 'none'),
    ).toEqual({ plain: [401, 200], open: [200, 200], read: [401, 200], write: [401, 403], none: [404, 404] })
  })

  it('restricts handlers to roles, of which each is needed', async () => {
    const parts = { imports: [ClaimgateModule.forRoot({ ...options, roleSource: ['roles'] })] }
    const handlers = {
      one: [Roles('buyer')],
      both: [Roles('buyer', 'editor')],
      other: [Roles('buyer', 'admin')],
      any: [Require(anyRole('admin', 'editor'))],
      scoped: [Roles('buyer'), Scopes('orders:write')],
    }
    const send = await serving(platform, { ...parts, controllers: [controller(handlers)] })
    const init = { headers: await authority.authorization({ scope: 'orders:read', roles: ['buyer', 'editor'] }) }
    const answers = Object.keys(handlers).map(async (path) => [path, (await send(`/${path}`, init)).status])
    expect(Object.fromEntries(await Promise.all(answers))).toEqual({
      one: 200,
      both: 200,
      other: 403,
      any: 200,
      scoped: 403,
    })
  })

  it('lets a handler decide whether it is open, and adds its requirements to those of the controller', async () => {
    const byHandler = { open: [Public()], both: [Scopes('orders:read')], outer: [] }
    const open = controller({ 'open-outer': [], 'open-read': [Scopes('orders:write')] }, [Public()])
    const controllers = [controller(byHandler, [Require(scope('orders:write'))]), open]
    expect(await statuses({ ...protection, controllers }, 'open', 'both', 'outer', 'open-outer', 'open-read')).toEqual({
      open: [200, 200],
      both: [401, 403],
      outer: [401, 403],
      'open-outer': [200, 200],
      'open-read': [401, 403],
    })
  })

  it('inherits the requirements of a base class, but not that it is open', async () => {
    const [open, closed] = [controller({ open: [] }, [Public()]), controller({ closed: [] }, [Scopes('orders:write')])]
    class Inner extends open {}
    class Strict extends closed {}
    class Reopened extends open {}
    Controller('inner')(Inner)
    Controller('strict')(Strict)
    for (const decorator of [Public(), Controller('reopened')]) decorator(Reopened)
    const controllers = [open, Inner, Strict, Reopened]
    const paths = ['open', 'inner/open', 'strict/closed', 'reopened/open']
    expect(await statuses({ ...protection, controllers }, ...paths)).toEqual({
      open: [200, 200],
      'inner/open': [401, 200],
      'strict/closed': [401, 403],
      'reopened/open': [200, 200],
    })
  })

  it('runs before the guards of modules that are imported after it', async () => {
    const seen: unknown[] = []
    const guardOf = (name: string): Provider => ({
      provide: APP_GUARD,
      useValue: {
        canActivate: (context: ExecutionContext) =>
          seen.push([name, context.switchToHttp().getRequest<{ readonly auth?: VerifiedToken }>().auth?.claims.sub]) >
          0,
      },
    })
    class Later {}
    const imports = [...protection.imports, { module: Later, providers: [guardOf('later')] }]
    const parts = { imports, controllers: [controller({ me: [] })], providers: [guardOf('root')] }
    expect(await statuses(parts, 'me')).toEqual({ me: [401, 200] })
    expect(seen).toEqual([
      ['root', undefined],
      ['root', undefined],
      ['later', 'alice'],
    ])
  })

  it('takes a function of the request, which sees the verified token', async () => {
    const seen: unknown[] = []
    const ofRequest = (context: ExecutionContext): ReturnType<typeof scope> => {
      const request = context.switchToHttp().getRequest<{ readonly auth?: VerifiedToken; readonly url: string }>()
      seen.push(request.auth?.claims.sub)
      return scope(`${request.url.slice(1)}:read`)
    }
    const controllers = [controller({ orders: [Require(ofRequest)], invoices: [Require(ofRequest)] })]
    expect(await statuses({ ...protection, controllers }, 'orders', 'invoices')).toEqual({
      orders: [401, 200],
      invoices: [401, 403],
    })
    expect(seen).toEqual(['alice', 'alice'])
  })

  it('gives handlers the token, and undefined to open ones and for anonymous requests', async () => {
    const controllers = [controller({ me: [], open: [Public()] })]
    const optional = ClaimgateModule.forRoot({ verifier, optional: true })
    const send = await serving(platform, { imports: [optional], controllers })
    expect(await (await send('/me', { headers })).text()).toBe('me for alice')
    expect(await (await send('/me')).text()).toBe('me for anyone')
    expect(await (await send('/open', { headers })).text()).toBe('open for anyone')
  })

  it('takes options from a factory and its providers', async () => {
    class Settings {
      readonly issuer = options.issuer
    }
    class SettingsModule {}
    Module({ providers: [Settings], exports: [Settings] })(SettingsModule)
    const imports = [
      ClaimgateModule.forRootAsync({
        imports: [SettingsModule],
        inject: [Settings],
        useFactory: async ({ issuer }: Settings) => ({ ...options, issuer, realm: 'orders' }),
      }),
    ]
    const send = await serving(platform, { imports, controllers: [controller({ me: [] })] })
    expect((await send('/me')).headers.get('www-authenticate')).toBe('Bearer realm="orders"')
    expect((await send('/me', { headers })).status).toBe(200)
  })

  it('gives other providers the authenticator', async () => {
    class Gateway {
      readonly authenticator: Authenticator
      constructor(authenticator: Authenticator) {
        this.authenticator = authenticator
      }
    }
    Inject(AUTHENTICATOR)(Gateway, undefined, 0)
    const app = await startApp(platform, { ...protection, controllers: [], providers: [Gateway] })
    expect(app.get(Gateway).authenticator.verifier).toBe(verifier)
  })

  it('leaves status and challenge to a filter of the application that answers everything', async () => {
    class Everything {
      catch(error: { getStatus(): number; getResponse(): unknown }, host: ArgumentsHost): void {
        const response = host.switchToHttp().getResponse<{ status(code: number): { send(body: unknown): void } }>()
        response.status(error.getStatus()).send({ mine: error.getResponse() })
      }
    }
    Catch()(Everything)
    const prepare: AppParts['prepare'] = (app) => app.useGlobalFilters(new Everything())
    const send = await serving(platform, { ...protection, controllers: [controller({ me: [] })], prepare })
    const refused = await send('/me')
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="api"'])
    expect(await refused.json()).toEqual({
      mine: {
        statusCode: 401,
        message: 'Request refused',
        type: 'about:blank',
        title: 'Unauthorized',
        status: 401,
        detail: 'This resource needs an access token',
      },
    })
  })

  it('gives a filter for refusals their reason', async () => {
    class Refusals {
      catch({ refusal }: RefusedException, host: ArgumentsHost): void {
        const response = host.switchToHttp().getResponse<{ status(code: number): { send(body: unknown): void } }>()
        response.status(418).send(refusal.error.code)
      }
    }
    Catch(RefusedException)(Refusals)
    const prepare: AppParts['prepare'] = (app) => app.useGlobalFilters(new Refusals())
    const send = await serving(platform, { ...protection, controllers: [controller({ me: [] })], prepare })
    const refused = await send('/me')
    expect([refused.status, await refused.text()]).toEqual([418, 'credential_missing'])
  })

  it('fails requests to decorated handlers if it is missing', async () => {
    const controllers = [controller({ read: [Scopes('orders:read')], open: [Public()] })]
    const bare = controller({ me: [] })
    expect(await statuses({ imports: [], controllers: [...controllers, bare] }, 'read', 'open', 'me')).toEqual({
      read: [500, 500],
      open: [200, 200],
      // It has a parameter with @Auth().
      me: [500, 500],
    })
  })

  it('fails handlers of GraphQL and the like, unless they are public', async () => {
    class Resolver {
      orders(): string {
        return 'orders'
      }
      open(): string {
        return 'open'
      }
    }
    decorate(Resolver, 'open', [Public()])
    const app = await startApp(platform, { ...protection, controllers: [], providers: [Resolver] })
    const resolver = app.get(Resolver)
    // As @nestjs/graphql calls resolvers.
    const call = (name: 'orders' | 'open'): Promise<unknown> => {
      const creator = app.get(ExternalContextCreator, { strict: false })
      const made = creator.create(
        resolver,
        resolver[name],
        name,
        undefined,
        undefined,
        undefined,
        undefined,
        undefined,
        'graphql',
      )
      return Promise.resolve(made({}, {}, { req: { headers } }, {}))
    }
    await expect(call('orders')).rejects.toThrow(
      'Cannot authenticate graphql handler: Claimgate protects handlers of HTTP requests',
    )
    expect(await call('open')).toBe('open')
  })
})

describe('the start of an application with ClaimgateModule', () => {
  it.each([
    [{ issuer: options.issuer }, /Cannot create verifier: .*audience/],
    [{ ...options, requirement: undefined as never }, /Cannot create ClaimgateModule: "requirement"/],
    [{ ...verifier, realm: 'orders' }, /Cannot create ClaimgateModule: "realm" is not a member of the verifier/],
    [{}, /JWT_ISSUER/],
  ])('stops for wrong options: %o', async (given, message) => {
    expect(() => ClaimgateModule.forRoot(given as never)).toThrow(message)
    const imports = [ClaimgateModule.forRootAsync({ useFactory: () => given as never })]
    await expect(startApp('Express', { imports, controllers: [] })).rejects.toThrow(message)
  })

  it('stops for a requirement that the verifier cannot answer', async () => {
    const controllers = [controller({ pay: [Require(fresh())] })]
    await expect(startApp('Express', { ...protection, controllers })).rejects.toThrow(/fresh\(\) needs a verifier/)
  })

  it('stops for a handler of microservices, because a hybrid application would run no guard for it', async () => {
    // As @MessagePattern() of @nestjs/microservices.
    const pattern = SetMetadata('microservices:pattern', ['orders'])
    const controllers = [controller({ plain: [], orders: [pattern] })]
    await expect(startApp('Express', { ...protection, controllers })).rejects.toThrow(
      /^Cannot create ClaimgateModule: handlers of microservices are not protected: mark them @Public\(\).*Handlers/,
    )
    await startApp('Express', { ...protection, controllers: [controller({ orders: [pattern, Public()] })] })
  })

  it('tells the resource which scopes handlers require', async () => {
    const resource = protectedResource({ resource: options.audience })
    const { issuer, jwks } = options
    const imports = [ClaimgateModule.forRoot({ issuer, jwks, resource, requirement: scope('orders:read') })]
    const controllers = [controller({ write: [Scopes('orders:write')], either: [Require(anyScope('a', 'b'))] })]
    await startApp('Express', { imports, controllers })
    const answer = await resource.answer({ method: 'GET', target: resource.paths[0] ?? '', header: () => [] })
    expect(JSON.parse(answer?.body ?? '')).toMatchObject({
      scopes_supported: ['orders:read', 'orders:write', 'a', 'b'],
    })
  })

  it.each([
    ['a requirement and @Public()', () => controller({ me: [Public(), Scopes('orders:read')] }), /contradict/],
    ['@Public() and a requirement', () => controller({ me: [Scopes('orders:read'), Public()] }), /contradict/],
    ['no requirement', () => controller({ me: [Require(undefined as never)] }), /must not be undefined/],
    ['a scope as a requirement', () => controller({ me: [Require('orders:read' as never)] }), /give a requirement/],
    ['no scope', () => controller({ me: [Scopes()] }), /scope/],
    ['no role', () => controller({ me: [Roles()] }), /role/],
    ['a role that is empty', () => controller({ me: [Roles('')] }), /role/],
    ['a property', () => Public()({}, 'me', { value: 1 }), /put it on a controller or a handler/],
  ])('stops for a decorator with %s', (_, decorated, message) => {
    expect(decorated).toThrow(TypeError)
    expect(decorated).toThrow(message)
  })

  it('adds the requirements of a controller to those of the controller it extends', async () => {
    const Base = controller({ me: [] }, [Scopes('orders:write')])
    class Extended extends (Base as new () => object) {}
    for (const one of [Scopes('orders:read'), Controller('extended')]) one(Extended)
    const send = await serving('Express', { ...protection, controllers: [Extended] })
    expect((await send('/extended/me', { headers })).status).toBe(403)
  })
})

for (const platform of PLATFORMS) testContract(`NestJS on ${platform}`, startNest(platform))

testRefusals(
  PLATFORMS.map((platform) => ({
    ...usual,
    name: `NestJS on ${platform}`,
    start: startRefusing(platform),
    situations: NEST_SITUATIONS,
    values: SOME_VALUES,
  })),
)
