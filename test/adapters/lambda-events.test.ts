import { createAuthenticator, createVerifier, scope } from '@claimgate/core'
import { authenticateJwt, authorizer, type AuthorizerPolicy, getAuth, getUser, protect } from '@claimgate/lambda'
import { describe, expect, it } from 'vitest'
import { eventResponse, eventView, withHeaders } from '../../packages/lambda/src/event.ts'
import { createAuthority } from '../support/adapters/authority.ts'

const authority = await createAuthority()
const verifier = createVerifier(authority.options)
const token = await authority.token()

describe('the request in an event', () => {
  it.each<readonly [string, object, string, string]>([
    [
      'of an HTTP API',
      { rawPath: '/a', rawQueryString: 'b=1', requestContext: { http: { method: 'PUT' } } },
      'PUT',
      '/a?b=1',
    ],
    ['of an HTTP API without query', { rawPath: '/a', rawQueryString: '' }, 'GET', '/a'],
    ['with a query of another type', { rawPath: '/a', rawQueryString: 1 }, 'GET', '/a'],
    ['of a REST API', { httpMethod: 'POST', path: '/a', requestContext: { path: '/prod/a' } }, 'POST', '/prod/a'],
    ['without request context', { httpMethod: 'HEAD', path: '/a', requestContext: null }, 'HEAD', '/a'],
    ['without anything', {}, 'GET', '/'],
    ['with members of other types', { httpMethod: 1, path: {}, requestContext: 'x' }, 'GET', '/'],
    [
      'with a decoded query',
      { path: '/a', queryStringParameters: { b: '1', c: 'x y' }, multiValueQueryStringParameters: { b: ['1', '2'] } },
      'GET',
      '/a?b=1&b=2&c=x+y',
    ],
    [
      'with an empty query',
      { path: '/a', queryStringParameters: null, multiValueQueryStringParameters: {} },
      'GET',
      '/a',
    ],
    [
      'of a load balancer, which decodes nothing',
      { path: '/a', queryStringParameters: { b: 'x%20y', c: '1' }, requestContext: { elb: {} } },
      'GET',
      '/a?b=x%20y&c=1',
    ],
  ])('%s has its method and target', (_, event, method, target) => {
    const view = eventView(event)
    expect([view.method, view.target]).toEqual([method, target])
  })

  it.each<readonly [string, object, string, readonly unknown[]]>([
    ['in any case', { headers: { 'X-A': '1' } }, 'x-a', ['1']],
    ['that is not there', { headers: { 'X-A': '1' } }, 'x-b', []],
    ['without headers', { headers: null }, 'x-a', []],
    ['without a value', { headers: { 'x-a': null, 'X-A': undefined } }, 'x-a', []],
    ['that is there twice', { multiValueHeaders: { 'X-A': ['1', '2'] }, headers: { 'X-A': '2' } }, 'x-a', ['1', '2']],
    ['that was changed', { multiValueHeaders: { 'X-A': ['1'] }, headers: { 'X-A': '3' } }, 'x-a', ['1', '3']],
    ['that is no text', { headers: { 'x-a': 1 } }, 'x-a', [1]],
    ['in cookies', { cookies: ['a=1', 'b=2'], headers: { cookie: 'c=3' } }, 'cookie', ['a=1; b=2']],
    ['in no cookies', { cookies: [], headers: { cookie: 'c=3' } }, 'cookie', ['c=3']],
    ['in cookies of another type', { cookies: 'a=1', headers: { cookie: 'c=3' } }, 'cookie', ['c=3']],
    ['beside cookies', { cookies: ['a=1'], headers: { 'x-a': '1' } }, 'x-a', ['1']],
    ['of an authorizer', { type: 'TOKEN', authorizationToken: 'Bearer a' }, 'authorization', ['Bearer a']],
    ['of an authorizer without token', { type: 'TOKEN', headers: { authorization: 'b' } }, 'authorization', []],
    ['that an authorizer does not get', { type: 'TOKEN', authorizationToken: 'a', headers: { 'x-a': '1' } }, 'x-a', []],
    ['of a request with its type', { type: 'REQUEST', headers: { authorization: 'b' } }, 'authorization', ['b']],
  ])('has the values of a field %s', (_, event, name, values) => {
    expect(eventView(event).header(name)).toEqual(values)
  })

  it.each<readonly [string, object, readonly string[] | undefined]>([
    ['text', { body: 'a=1&b=2' }, ['1']],
    ['base64', { body: btoa('a=1&b=2'), isBase64Encoded: true }, ['1']],
    ['text that only looks like base64', { body: btoa('a=1'), isBase64Encoded: 'true' }, []],
    ['nothing', { body: null }, undefined],
  ])('has the fields of a form that is %s', async (_, event, values) => {
    const fields = await eventView(event).form?.('a')
    expect(fields).toEqual(values && { a: values })
  })

  const pem = '-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n'

  it.each<readonly [string, object, readonly number[] | undefined]>([
    ['of a REST API', { identity: { clientCert: { clientCertPem: pem } } }, [1, 2, 3]],
    ['of an HTTP API', { authentication: { clientCert: { clientCertPem: pem } } }, [1, 2, 3]],
    ['that is empty', { identity: { clientCert: { clientCertPem: '' } } }, undefined],
    ['that is not there', { identity: { clientCert: null } }, undefined],
    ['that is no text', { identity: { clientCert: { clientCertPem: 1 } } }, undefined],
  ])('has the client certificate %s', (_, requestContext, bytes) => {
    const der = eventView({ requestContext }).clientCertificate?.()
    expect(der && [...der]).toEqual(bytes)
  })

  it.each([undefined, null, 'event', 7])('cannot be read from %j', (event) => {
    expect(() => eventView(event)).toThrow(
      new TypeError('Cannot read event: it is not an object. Invoke the function with an HTTP event'),
    )
  })
})

describe('the response to an event', () => {
  const answer = { status: 401, headers: { a: 'b' }, body: 'text' }

  it.each<readonly [string, object, object]>([
    ['of GET', {}, { headers: { a: 'b' }, body: 'text' }],
    ['of HEAD, without a body', { httpMethod: 'HEAD' }, { headers: { a: 'b' }, body: '' }],
    ['with lists of values', { multiValueHeaders: {} }, { multiValueHeaders: { a: ['b'] }, body: 'text' }],
    ['without lists of values', { multiValueHeaders: null }, { headers: { a: 'b' }, body: 'text' }],
  ])('%s', (_, event, expected) => {
    expect(eventResponse(event, answer)).toEqual({ statusCode: 401, isBase64Encoded: false, ...expected })
  })

  const V2 = { version: '2.0' }
  const MULTI = { multiValueHeaders: {} }

  it.each<readonly [string, object, unknown, unknown]>([
    [
      'an object of an HTTP API',
      V2,
      { id: 7 },
      { statusCode: 200, headers: { 'content-type': 'application/json', n: '1' }, body: '{"id":7}' },
    ],
    [
      'a text of an HTTP API',
      V2,
      'text',
      { statusCode: 200, headers: { 'content-type': 'application/json', n: '1' }, body: 'text' },
    ],
    ['nothing of a REST API', MULTI, undefined, undefined],
    ['a text of a REST API', { version: '1.0' }, 'text', 'text'],
    ['an object without status of a REST API', {}, { id: 7 }, { id: 7 }],
    [
      'a response',
      {},
      { statusCode: 201, headers: { N: '0', b: '2' } },
      { statusCode: 201, headers: { b: '2', n: '1' } },
    ],
    ['a response without headers', V2, { statusCode: 204 }, { statusCode: 204, headers: { n: '1' } }],
    [
      'a response with lists of values',
      MULTI,
      { statusCode: 200, headers: { b: '2' }, multiValueHeaders: { N: ['0'], c: ['3'] } },
      { statusCode: 200, headers: { b: '2' }, multiValueHeaders: { c: ['3'], n: ['1'] } },
    ],
  ])('of a handler that returns %s gets more headers', (_, event, result, expected) => {
    expect(withHeaders(event, result, { n: '1' })).toEqual(expected)
    expect(withHeaders(event, result, {})).toBe(result)
  })

  it('of a handler is left alone if the event is no object', () => {
    for (const event of [undefined, null, 'event']) expect(withHeaders(event, 'text', { n: '1' })).toBe('text')
  })
})

describe('the user of an event', () => {
  const event = (): object => ({ headers: { authorization: `Bearer ${token}` } })

  it('is what onAuthenticated has returned', async () => {
    const given = event()
    const handler = protect(async (received: object) => getUser(received), { verifier, onAuthenticated: () => 'user' })
    expect(await handler(given)).toBe('user')
    expect(getUser(given)).toBe('user')
  })

  it.each<readonly [string, (given: object) => Promise<unknown>]>([
    ['without onAuthenticated', (given) => protect(async () => 1, verifier)(given)],
    ['of an anonymous event', () => protect(async () => 1, { verifier, optional: true })({ headers: {} })],
    ['of an event that nothing has admitted', async () => 1],
  ])('is an error %s', async (_, admit) => {
    const given = event()
    await admit(given)
    expect(() => getUser(given)).toThrow(
      new TypeError('Cannot get user: nothing with "onAuthenticated" has admitted this event with a token'),
    )
  })

  it('and its token are gone once it is refused', async () => {
    const given = event()
    await authenticateJwt(verifier).before({ event: given })
    expect(getAuth(given)?.claims.sub).toBe('alice')
    await authenticateJwt({ verifier, requirement: scope('x') }).before({ event: given })
    expect(() => getAuth(given)).toThrow(
      'Cannot get auth: nothing has let this event through. Use protect() or authenticateJwt(), and pass the same event',
    )
  })

  it('keeps its response if it was not admitted', () => {
    const request = { event: event(), response: 'text' }
    authenticateJwt(verifier).after(request)
    expect(request.response).toBe('text')
  })

  it('is not read with options that are wrong', () => {
    expect(() => protect('x' as never, verifier)).toThrow(
      'Cannot protect handler: write protect(handler, options), found "string"',
    )
    expect(() => authenticateJwt({ issuerr: 1 } as never)).toThrow('Cannot create middleware: ')
    expect(() => protect(async () => 1, { issuerr: 1 } as never)).toThrow('Cannot protect handler: ')
    expect(() => authorizer({ issuerr: 1 } as never)).toThrow('Cannot create authorizer: ')
  })
})

describe('the claims in an answer of an authorizer', () => {
  const methodArn = 'arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/prod/GET/orders'
  const eventOf = (credential: string): object => ({
    type: 'TOKEN',
    authorizationToken: `Bearer ${credential}`,
    methodArn,
  })
  const answerTo = async (claims: object, more: object = {}): Promise<AuthorizerPolicy> =>
    (await authorizer({ verifier, ...more })(eventOf(await authority.token(claims)))) as AuthorizerPolicy

  it.each<readonly [string, object]>([
    ['ada', { sub: 'ada', client_id: 'shop', azp: 'web' }],
    ['shop', { sub: undefined, client_id: 'shop', azp: 'web' }],
    ['web', { sub: undefined, azp: 'web' }],
    ['unknown', { sub: undefined }],
  ])('name the principal %s', async (name, claims) => {
    expect((await answerTo(claims)).principalId).toBe(name)
  })

  it('are the context, as far as they are there', async () => {
    expect((await answerTo({ sub: undefined, exp: 4_102_444_800, scope: 'a b' })).context).toEqual({
      exp: 4_102_444_800,
      scope: 'a b',
    })
  })

  it('end the policy in whole seconds', async () => {
    const { policyDocument } = await answerTo({ exp: 4_102_444_800.5 })
    expect(policyDocument.Statement).toEqual([
      {
        Action: 'execute-api:Invoke',
        Effect: 'Allow',
        Resource: ['arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/prod/*'],
        Condition: { DateLessThan: { 'aws:CurrentTime': '2100-01-01T00:00:00Z' } },
      },
    ])
  })

  it.each<readonly [string, unknown]>([
    ['another service', 'arn:aws:lambda:eu-west-1:123456789012:function/x/y'],
    ['no method', 'arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/prod'],
    ['a wildcard as stage', 'arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/*/GET'],
    ['a text in front', ` ${methodArn}`],
    ['no text', 1],
  ])('are in no policy for an ARN with %s', async (_, arn) => {
    await expect(authorizer(verifier)({ ...eventOf(token), methodArn: arn })).rejects.toThrow(
      'Cannot authorize event: it has no methodArn or routeArn of an API. Use it as an authorizer of API Gateway',
    )
  })

  it.each<readonly [string, object, string]>([
    ['optional', { optional: true }, '"optional" is not possible: leave the authorizer of open routes out'],
    [
      'no ttl',
      { format: 'simple' },
      'with "format: \'simple\'", give "ttl": the TTL of the authorizer, 0 if it caches nothing',
    ],
    [
      'routes',
      { format: 'simple', ttl: 1, routes: { '*': scope('a') } },
      'a simple response cannot name "routes": use the format "policy", or "requirement"',
    ],
    ['no route', { routes: {} }, '"routes" must name a route, or be left out'],
    [
      'a list of routes',
      { routes: 'GET/x' },
      '"routes" must be an object with a requirement for each route, found "GET/x"',
    ],
    [
      'a path',
      { routes: { '/x': scope('a') } },
      '"routes" must have names like "GET/orders/*" or "$connect", found "/x"',
    ],
    ['a space', { routes: { 'GET/a b': scope('a') } }, '"routes" must have names like'],
    ['lower case', { routes: { get: scope('a') } }, '"routes" must have names like'],
    ['text before a route', { routes: { ' GET/x': scope('a') } }, '"routes" must have names like'],
    [
      'a text as requirement',
      { routes: { GET: 'a' } },
      '"routes.GET" must be a requirement such as scope("orders:read"), found "a"',
    ],
    ['a negative ttl', { ttl: -1 }, '"ttl" must be a number of seconds from 0 to 3600, found -1'],
    [
      'bindings',
      { bindings: [] },
      '"bindings" are not possible, because a cached answer checks no proof: use protect()',
    ],
    ['no function', { context: {} }, '"context" must be a function'],
  ])('are in no answer of an authorizer with %s', (_, more, message) => {
    expect(() => authorizer({ verifier, ...more })).toThrow(`Cannot create authorizer: ${message}`)
  })

  it.each(['*', 'GET', '$connect', 'GET/orders/*', '*/x', '$my-route'])('may allow the route %s', async (route) => {
    const { policyDocument } = await answerTo({ scope: 'a' }, { routes: { [route]: scope('a') } })
    expect(policyDocument.Statement[0]?.Resource).toEqual([
      `arn:aws:execute-api:eu-west-1:123456789012:a1b2c3/prod/${route}`,
    ])
  })

  it('must be those of a token, also with an authenticator that admits anonymous requests', async () => {
    const authenticator = createAuthenticator({ verifier, optional: true })
    await expect(authorizer(authenticator)({ type: 'TOKEN', methodArn })).rejects.toThrow(/^Unauthorized$/)
  })
})
