import { authenticateJwt, protect } from '@claimgate/lambda'
// oxlint-disable-next-line import/no-named-as-default -- its types have only the default export
import middy from '@middy/core'
import { isNativeError } from 'node:util/types'
import { describe, expect, it } from 'vitest'
import { THROWN_VALUES } from '../support/adapters/thrown-values.ts'
import { httpApi, restApi } from '../support/lambda/events.ts'
import { authority, BAD, GOOD, KEYS_TAKE, later, type Served, verifier } from '../support/refused/surroundings.ts'

describe('37. Nothing fails open: in Lambda, a request is refused', () => {
  const event = (headers: object = {}): object =>
    httpApi({ method: 'GET', path: '/orders', query: '', fields: Object.entries(headers), body: Buffer.of() })
  const served: Served = { count: 0 }
  const serve = async (): Promise<object> => {
    served.count += 1
    return { statusCode: 200 }
  }
  const statusFrom = async (invoke: (given: never, context: never) => unknown, given: object): Promise<unknown> =>
    ((await invoke(given as never, {} as never)) as { readonly statusCode?: number } | undefined)?.statusCode

  it.each<readonly [string, object]>([
    [
      'an earlier middleware that replaces the event',
      { before: (request: { event: object }) => void (request.event = { ...request.event }) },
    ],
    [
      'one that changes the event',
      {
        before: (request: { event: object }) =>
          void Object.assign(request.event, {
            auth: { claims: {} },
            requestContext: { authorizer: { jwt: { claims: { sub: 'x' } } } },
          }),
      },
    ],
    ['one that waits', { before: () => later(KEYS_TAKE) }],
    [
      'an after that fails',
      {
        after: () => Promise.reject(new Error('a bug')),
        onError: (request: { response: unknown; event: object }) => void (request.response ??= { statusCode: 401 }),
      },
    ],
  ])('by the middleware for middy, beside %s', async (_name, around) => {
    served.count = 0
    const handler = middy()
      .use(around)
      .use(authenticateJwt({ verifier }))
      .handler(serve as never)
    expect(await statusFrom(handler as never, event(BAD))).toBe(401)
    expect(await statusFrom(handler as never, event())).toBe(401)
    expect(served.count).toBe(0)
  })

  it.each(THROWN_VALUES)('by the middleware for middy, if an authenticator throws %s', async (_name, value) => {
    served.count = 0
    const fails = async (): Promise<never> => {
      throw value
    }
    const authenticator = { verifier, readsBody: false, authenticate: fails, authorize: fails, explain: fails }
    const handler = middy()
      .use(authenticateJwt({ authenticator }))
      .handler(serve as never)
    await expect(statusFrom(handler as never, event(GOOD))).rejects.toSatisfy(isNativeError)
    await expect(statusFrom(protect(serve, { authenticator }), event(GOOD))).rejects.toSatisfy(isNativeError)
    expect(served.count).toBe(0)
  })

  it.each<readonly [string, (event: object) => object]>([
    ['a proxy of the event', (given) => new Proxy(given, {})],
    ['a frozen event', (given) => Object.freeze(given)],
    ['an event without a prototype', (given) => Object.assign(Object.create(null) as object, given)],
    [
      'headers that are inherited',
      (given) => Object.assign(Object.create({ headers: GOOD }) as object, given, { headers: {} }),
    ],
    ['headers in an array', (given) => ({ ...given, headers: [GOOD] })],
    ['headers that are text', (given) => ({ ...given, headers: GOOD.authorization })],
    ['an authorization in a list', (given) => ({ ...given, headers: { authorization: [[GOOD.authorization]] } })],
    [
      'an authorization in two cases',
      (given) => ({ ...given, headers: { authorization: BAD.authorization, Authorization: GOOD.authorization } }),
    ],
    [
      'claims of another authorizer',
      (given) => ({
        ...given,
        requestContext: { authorizer: { lambda: { sub: 'x' }, jwt: { claims: { sub: 'x' } } } },
      }),
    ],
  ])('by protect, for %s', async (_name, change) => {
    served.count = 0
    const status = await statusFrom(protect(serve, { verifier }), change(event(BAD)))
    expect([400, 401]).toContain(status)
    expect(served.count).toBe(0)
  })

  it('for both forms of the headers of a REST API, and two values in one of them', async () => {
    served.count = 0
    const fields = [BAD, GOOD].flatMap(({ authorization }) => [['Authorization', authorization] as const])
    const given = restApi({ method: 'GET', path: '/orders', query: '', fields, body: Buffer.of() })
    expect(await statusFrom(protect(serve, { verifier }), given)).toBe(400)
    expect(
      await statusFrom(protect(serve, { verifier }), {
        ...given,
        multiValueHeaders: { Authorization: [BAD.authorization] },
      }),
    ).toBe(400)
    expect(served.count).toBe(0)
  })

  it('once, though warm invocations share its decision function', async () => {
    served.count = 0
    const handler = protect(serve, authority.options)
    const all = await Promise.all([BAD, GOOD, {}, GOOD, BAD].map((headers) => statusFrom(handler, event(headers))))
    expect(all).toEqual([401, 200, 401, 200, 401])
    expect(served.count).toBe(2)
  })
})
