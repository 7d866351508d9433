import { AuthError, createAuthenticator, type Outcome, scope } from '@claimgate/core'
import { fresh } from '@claimgate/core/introspection'
import { type ExecutionContext, type FactoryProvider, SetMetadata } from '@nestjs/common'
import { describe, expect, it } from 'vitest'
import {
  Auth,
  ClaimgateModule,
  Public,
  RefusedException,
  Require,
  Roles,
  Scopes,
} from '../../packages/nestjs/src/index.ts'
import {
  admissionOf,
  assertAdmitted,
  ClaimgateGuard,
  type Rules,
  rulesOf,
  RULES,
} from '../../packages/nestjs/src/guard.ts'
import { fieldsOf, RefusedFilter } from '../../packages/nestjs/src/refusal.ts'
import { fakeVerifier } from '../support/core/fake-verifier.ts'
import { responseLog } from '../support/core/response-log.ts'
import { decorate } from '../support/nestjs/nest.ts'

/** A reply of Fastify that logs what is sent. */
function fastifyReply(given: { readonly sent?: boolean; readonly headersSent?: boolean } = {}) {
  const log: unknown[] = []
  const reply = {
    raw: { headersSent: given.headersSent ?? false },
    sent: given.sent ?? false,
    code: (status: number) => (log.push(status), reply),
    header: (name: string, value: string) => (log.push(`${name}: ${value}`), reply),
    headers: (fields: object) => (log.push(fields), reply),
    getHeader: (name: string) => `value of ${name}`,
    send: (body: Uint8Array) => (log.push(String(body)), reply),
  }
  return { reply, log }
}

interface Situation {
  readonly request?: object
  readonly response?: object
  readonly rules?: readonly MethodDecorator[]
  readonly type?: string
}

function contextOf({
  request = {},
  response = responseLog().response,
  rules = [],
  type = 'http',
}: Situation): ExecutionContext {
  class Orders {
    list(): void {}
  }
  decorate(Orders, 'list', rules)
  return {
    getType: () => type,
    getClass: () => Orders,
    getHandler: () => Orders.prototype.list,
    switchToHttp: () => ({ getRequest: () => request, getResponse: () => response }),
  } as never
}

function requestWith(authorization?: string) {
  const request: { readonly method: string; headers: object; auth?: unknown; user?: unknown } = {
    method: 'GET',
    headers: authorization === undefined ? {} : { authorization },
  }
  return request
}
const guardOf = (options: object): ClaimgateGuard =>
  new ClaimgateGuard({ authenticator: createAuthenticator({ verifier: fakeVerifier(), ...options }) })
const causeOf = async (thrown: Promise<unknown>): Promise<unknown> =>
  thrown.then(
    () => 'admitted',
    ({ message, cause }: Error) => [message, String(cause)],
  )

describe('the guard of Nest', () => {
  it('admits a request, and keeps what it admitted', async () => {
    const request = requestWith('Bearer abc')
    const context = contextOf({ request })
    expect(() => admissionOf(context)).toThrow(
      'Cannot authorize request: no guard of Claimgate has let it through. Import ClaimgateModule.forRoot() into the root module',
    )
    expect(await guardOf({}).canActivate(context)).toBe(true)
    const admission = admissionOf(context)
    expect(admission).toMatchObject({ scheme: 'Bearer', token: { claims: { sub: 'ada' } } })
    expect(request.auth).toBe(admission.token)
    expect(assertAdmitted.canActivate(context)).toBe(true)
    expect(request).not.toHaveProperty('user')
  })

  it('refuses a request, forgets an earlier admission, and sets the challenge but no content type', async () => {
    const { response, log } = responseLog()
    const request = requestWith('Bearer abc')
    const context = contextOf({ request, response })
    await guardOf({}).canActivate(context)
    Object.assign(request, { headers: {} })
    const refused = guardOf({ onAuthenticated: () => 'ada' }).canActivate(context)
    await expect(refused).rejects.toBeInstanceOf(RefusedException)
    await expect(refused).rejects.toMatchObject({ refusal: { error: { code: 'credential_missing' } } })
    expect([request.auth, request.user]).toEqual([undefined, undefined])
    expect(() => admissionOf(context)).toThrow('no guard of Claimgate')
    expect(log).toEqual(['cache-control: no-store', 'www-authenticate: Bearer realm="api"'])
  })

  it('leaves no user of an earlier middleware on a request that it refuses', async () => {
    const request = { ...requestWith(), user: 'eve' }
    const refused = guardOf({ onAuthenticated: () => 'ada' }).canActivate(contextOf({ request }))
    await expect(refused).rejects.toBeInstanceOf(RefusedException)
    expect(request.user).toBeUndefined()
  })

  it('sets no header after the response has begun', async () => {
    const { response, log } = responseLog({ headersSent: true })
    const context = contextOf({ request: requestWith(), response })
    await expect(guardOf({}).canActivate(context)).rejects.toBeInstanceOf(RefusedException)
    expect(log).toEqual([])
    const authenticate = async (): Promise<Outcome> =>
      ({ kind: 'authenticated', token: { claims: {} }, scheme: 'DPoP', headers: { 'dpop-nonce': 'n' } }) as never
    const verified = new ClaimgateGuard({ authenticator: { authenticate } } as never)
    expect(await verified.canActivate(contextOf({ request: requestWith(), response }))).toBe(true)
    expect(log).toEqual([])
    const open = responseLog()
    await verified.canActivate(contextOf({ request: requestWith(), response: open.response }))
    expect(open.log).toEqual(['dpop-nonce: n'])
  })

  it('sets the user that onAuthenticated finds, and undefined for an anonymous request', async () => {
    const guard = guardOf({ onAuthenticated: () => 'ada', optional: true })
    const [known, anonymous] = [requestWith('Bearer abc'), { ...requestWith(), user: 'eve' }]
    for (const request of [known, anonymous]) expect(await guard.canActivate(contextOf({ request }))).toBe(true)
    expect([known.user, anonymous.user]).toEqual(['ada', undefined])
    expect(admissionOf(contextOf({ request: anonymous })).token).toBeUndefined()
  })

  it('takes the requirement of the module and those of the handler together', async () => {
    const authenticator = createAuthenticator({ verifier: fakeVerifier() })
    const answer = async (rules: readonly MethodDecorator[], requirement?: object): Promise<unknown> =>
      new ClaimgateGuard({ authenticator, requirement } as never)
        .canActivate(contextOf({ request: requestWith('Bearer abc'), rules }))
        .catch(({ refusal }: RefusedException) => refusal.error.expected)
    expect(await answer([Scopes('read')], scope('read'))).toBe(true)
    expect(await answer([], scope('a'))).toBe('"scope a"')
    expect(await answer([Scopes('b')])).toBe('"scope b"')
    expect(await answer([Scopes('b')], scope('read'))).toContain('scope b')
    expect(await answer([Scopes('read')], scope('a'))).toContain('scope a')
    expect(await answer([Require(() => scope('c'))], scope('read'))).toBe('"scope c"')
    expect(await answer([Require(() => scope('read')), Require(() => scope('d'))])).toBe('"scope d"')
  })

  it('gives a function the token of the rule before it', async () => {
    const seen: unknown[] = []
    const request = requestWith('Bearer abc')
    const second = { claims: { sub: 'second' } }
    const authenticator = {
      authenticate: async () => ({ kind: 'authenticated', token: { claims: { sub: 'first' } }, scheme: 'DPoP' }),
      authorize: async (...given: readonly unknown[]) => {
        seen.push([(request.auth as typeof second).claims.sub, given[0], given[2]])
        return { kind: 'authenticated', token: second, scheme: 'DPoP' }
      },
    }
    const rules = [Require(() => scope('b')), Require(() => scope('a'))]
    const context = contextOf({ request, rules })
    expect(await new ClaimgateGuard({ authenticator } as never).canActivate(context)).toBe(true)
    expect(seen).toEqual([
      ['first', { claims: { sub: 'first' } }, 'DPoP'],
      ['second', second, 'DPoP'],
    ])
    expect([request.auth, admissionOf(context).token]).toEqual([second, second])
  })

  it.each<readonly [string, object, readonly MethodDecorator[], readonly string[]]>([
    [
      'an authenticator that throws',
      { authenticate: () => Promise.reject(new RangeError('bug')) },
      [],
      ['Cannot authenticate request', 'RangeError: bug'],
    ],
    [
      'an authenticator that throws an HTTP status',
      { authenticate: () => Promise.reject(new AuthError('token_expired')) },
      [],
      ['Cannot authenticate request', 'AuthError: The token has expired'],
    ],
    [
      'an authenticator that answers nothing',
      { authenticate: async () => undefined },
      [],
      ['Cannot authenticate request', "TypeError: Cannot read properties of undefined (reading 'kind')"],
    ],
    [
      'an authenticator that authorizes no request',
      {
        authenticate: async () => ({ kind: 'authenticated', token: {} }),
        authorize: async () => ({ kind: 'anonymous' }),
      },
      [Require(() => scope('a'))],
      ['Cannot authenticate request', 'TypeError: Cannot authorize request: it is anonymous'],
    ],
  ])('refuses every request because of %s', async (_, authenticator, rules, expected) => {
    const context = contextOf({ request: requestWith('Bearer abc'), rules })
    const guard = new ClaimgateGuard({ authenticator } as never)
    expect(await causeOf(guard.canActivate(context))).toEqual(expected)
    expect(() => admissionOf(context)).toThrow('no guard of Claimgate')
  })

  it('throws for handlers other than HTTP, unless they are public', async () => {
    const guard = guardOf({})
    await expect(guard.canActivate(contextOf({ type: 'ws' }))).rejects.toThrow(
      'Cannot authenticate ws handler: Claimgate protects handlers of HTTP requests. Verify the token of a connection when it opens, and mark the handler @Public()',
    )
    expect(await guard.canActivate(contextOf({ type: 'ws', rules: [Public()] }))).toBe(true)
    expect(assertAdmitted.canActivate(contextOf({ rules: [Public()] }))).toBe(true)
    expect(() => assertAdmitted.canActivate(contextOf({ rules: [Scopes('a')] }))).toThrow('no guard of Claimgate')
  })
})

describe('the rules of a handler of Nest', () => {
  const [a, b] = [scope('a'), scope('b')]
  const marked = (rules?: Rules): object => {
    class Marked {}
    if (rules !== undefined) Reflect.defineMetadata(RULES, rules, Marked)
    return Marked
  }
  it.each<readonly [string, Rules | undefined, Rules | undefined, Rules]>([
    ['none', undefined, undefined, []],
    ['those of the controller', [a], undefined, [a]],
    ['those of the handler', undefined, [b], [b]],
    ['those of both', [a], [b], [a, b]],
    ['those of the handler of an open controller', 'public', [b], [b]],
    ['none of an open controller', 'public', undefined, 'public'],
    ['none of an open handler', [a], 'public', 'public'],
  ])('are %s', (_, controller, handler, expected) => {
    expect(rulesOf(marked(controller), marked(handler))).toEqual(expected)
  })

  it.each<readonly [string, () => unknown, string]>([
    [
      '@Public() on a property',
      () => Public()({}, 'me', { value: 1 }),
      'Cannot use @Public(): put it on a controller or a handler, found "number"',
    ],
    ['@Scopes() on a property', () => Scopes('a')({}, 'me', { value: 1 }), 'Cannot use @Scopes()'],
    ['@Roles() on a property', () => Roles('a')({}, 'me', { value: 1 }), 'Cannot use @Roles()'],
    ['@Require() on a property', () => Require(a)({}, 'me', { value: 1 }), 'Cannot use @Require()'],
    [
      'a text for @Require()',
      () => Require('a' as never),
      'Cannot create @Require(): give a requirement such as scope("orders:read"), found "a"',
    ],
    [
      'both kinds on one handler',
      () => contextOf({ rules: [Public(), Scopes('a')] }),
      'Cannot use @Public(): @Public() and a requirement contradict each other, found "list"',
    ],
    ['both kinds, the other way round', () => contextOf({ rules: [Scopes('a'), Public()] }), 'Cannot use @Scopes()'],
  ])('cannot be %s', (_, make, message) => {
    expect(make).toThrow(message)
  })

  it('need an admission, which is checked once, and also on handlers of an open controller', () => {
    class Orders {
      list(): void {}
    }
    decorate(Orders, 'list', [Scopes('a'), Scopes('b')])
    expect(Reflect.getMetadata('__guards__', Orders.prototype.list)).toEqual([assertAdmitted])
    class Open {}
    Public()(Open)
    class Closed extends Open {}
    Scopes('a')(Closed)
    expect(Reflect.getMetadata(RULES, Closed)).toMatchObject([{ scopes: ['a'] }])
    expect(Reflect.getMetadata(RULES, Open)).toBe('public')
  })

  it('are those of every decorator', () => {
    const context = contextOf({ rules: [Scopes('a'), Scopes('b')] })
    const rules = rulesOf(context.getClass(), context.getHandler()) as readonly { description: string }[]
    expect(rules.map(({ description }) => description)).toEqual(['scope b', 'scope a'])
  })
})

describe('a refusal in Nest', () => {
  const refusal = (body: string) => ({
    kind: 'refused' as const,
    error: new AuthError('token_expired'),
    response: { status: 401, headers: { 'content-type': 'text/plain', 'x-a': 'b' }, body },
  })

  it.each<readonly [string, object]>([
    ['{"title":"Unauthorized"}', { title: 'Unauthorized' }],
    ['expired', {}],
    ['null', {}],
    ['5', {}],
    ['', {}],
  ])('with the body %j is an exception that says as much', (body, problem) => {
    const refused = refusal(body)
    const exception = new RefusedException(refused)
    expect(exception.getStatus()).toBe(401)
    expect(exception.getResponse()).toEqual({ statusCode: 401, message: 'Request refused', ...problem })
    expect([exception.refusal, exception.cause]).toEqual([refused, refused.error])
  })

  const answer = (response: object): void =>
    new RefusedFilter().catch(new RefusedException(refusal('refused')), {
      switchToHttp: () => ({ getResponse: () => response }),
    } as never)

  it('is answered in Express, once', () => {
    const { response, log } = responseLog()
    answer(response)
    expect(log).toEqual(['content-type: text/plain', 'x-a: b', 'status 401: refused'])
    const sent = responseLog({ headersSent: true })
    answer(sent.response)
    expect(sent.log).toEqual([])
  })

  it('is answered in Fastify as bytes, once', () => {
    const { reply, log } = fastifyReply()
    answer(reply)
    expect(log).toEqual([401, { 'content-type': 'text/plain', 'x-a': 'b' }, 'refused'])
    const sent = fastifyReply({ sent: true })
    answer(sent.reply)
    expect(sent.log).toEqual([])
  })

  it('reads and sets the headers of either framework', () => {
    const { reply, log } = fastifyReply({ headersSent: true })
    const fields = fieldsOf(reply)
    fields.setHeader('a', 'b')
    expect([fields.headersSent, fields.getHeader('a'), log]).toEqual([true, 'value of a', ['a: b']])
    const { response } = responseLog()
    expect(fieldsOf(response as never)).toBe(response)
  })
})

describe('the module of Nest', () => {
  it('is global, and gives the authenticator to others', () => {
    const { global: isGlobal, exports: exported, imports, providers = [] } = ClaimgateModule.forRoot(fakeVerifier())
    expect([isGlobal, imports, exported?.length, providers.length]).toEqual([true, [], 1, 4])
    expect(() => ClaimgateModule.forRoot({ realms: 5 } as never)).toThrow(
      'Cannot create ClaimgateModule: there is no option',
    )
    class Settings {}
    const useFactory = () => fakeVerifier()
    const made = ClaimgateModule.forRootAsync({ imports: [Settings], inject: [Settings], useFactory })
    expect(made.imports).toEqual([Settings])
    expect(made.providers?.[0]).toMatchObject({ inject: [Settings] })
    expect(ClaimgateModule.forRootAsync({ useFactory })).toMatchObject({ imports: [] })
    const authenticator = createAuthenticator({ verifier: fakeVerifier() })
    const [, exportedProvider] = providers as FactoryProvider[]
    expect(exportedProvider?.useFactory({ authenticator })).toBe(authenticator)
  })

  /** Makes the guard for controllers, as Nest does at the start. */
  const started = (controllers: readonly unknown[], options: object = {}) => {
    const given = { verifier: fakeVerifier(), ...options }
    const [settings, , guard, filter] = (ClaimgateModule.forRoot(given).providers ?? []) as FactoryProvider[]
    const modules = [{ controllers: new Map(controllers.map((metatype, index) => [index, { metatype }])) }]
    const found: unknown = guard?.useFactory(settings?.useFactory(), new Map(modules.entries()))
    expect(filter?.useFactory()).toBeInstanceOf(RefusedFilter)
    return found
  }
  /** A controller with a handler that has these decorators, and members that are no handlers. */
  const controllerWith = (...decorators: readonly MethodDecorator[]) => {
    class Orders {
      get total(): never {
        throw new Error('nothing reads it')
      }
      list(): void {}
    }
    decorate(Orders, 'list', decorators)
    return Orders
  }
  const pattern = SetMetadata('microservices:pattern', ['orders'])

  it('makes its guard whatever the controllers of other modules are', () => {
    const bare = Object.assign(() => {}, { prototype: null })
    for (const controllers of [[], [undefined], [null], [{}], [bare], [controllerWith()], [class {}]])
      expect(started(controllers)).toBeInstanceOf(ClaimgateGuard)
  })

  it('stops for handlers of microservices that are not public, also inherited ones', () => {
    const Orders = controllerWith(pattern)
    class More extends Orders {}
    for (const one of [Orders, More])
      expect(() => started([controllerWith(), one])).toThrow(
        new TypeError(
          `Cannot create ClaimgateModule: handlers of microservices are not protected: mark them @Public(), and check their messages yourself, found "${one.name}.list"`,
        ),
      )
    expect(started([controllerWith(pattern, Public())])).toBeInstanceOf(ClaimgateGuard)
  })

  it('stops for requirements that the verifier cannot answer, also inherited ones', () => {
    const Orders = controllerWith(Scopes('a'), Require(fresh()))
    class More extends Orders {}
    for (const one of [Orders, More])
      expect(() => started([one])).toThrow('Cannot create ClaimgateModule: fresh() needs a verifier')
    expect(started([controllerWith(Require(() => fresh()))])).toBeInstanceOf(ClaimgateGuard)
  })

  it('tells a resource the scopes of requirements that are known at the start', () => {
    const learned: unknown[] = []
    const resource = { answer: () => undefined, learn: (given: unknown) => learned.push(given) }
    const authenticator = { ...createAuthenticator({ verifier: fakeVerifier() }), resource }
    const [, , guard] = (ClaimgateModule.forRoot(fakeVerifier()).providers ?? []) as FactoryProvider[]
    const controllers = new Map([
      [
        0,
        {
          metatype: controllerWith(
            Scopes('a', 'b'),
            Require(() => scope('c')),
          ),
        },
      ],
    ])
    guard?.useFactory({ authenticator }, new Map([[0, { controllers }]]))
    expect(learned).toEqual([{ scopes: ['a', 'b'] }])
  })

  it('gives no token to open handlers, and needs a guard for the others', () => {
    const parameters = (context: ExecutionContext): unknown => {
      class Orders {
        list(): void {}
      }
      decorate(Orders, 'list', [], [Auth()])
      const [one] = Object.values(Reflect.getMetadata('__routeArguments__', Orders, 'list') as object) as readonly {
        readonly factory: (data: unknown, context: ExecutionContext) => unknown
      }[]
      return one?.factory(undefined, context)
    }
    expect(parameters(contextOf({ rules: [Public()] }))).toBeUndefined()
    expect(() => parameters(contextOf({}))).toThrow('no guard of Claimgate has let it through')
  })

  it('has a decorator for the token of a request', () => {
    expect(Auth()).toBeTypeOf('function')
  })
})
