import { createAuthenticator, createVerifier, type Requirement, scope, type VerifiedToken } from '@claimgate/core'
import { fresh } from '@claimgate/core/introspection'
import { createGate, getUser, type OptionalGate, protect, withFields } from '@claimgate/fetch'
import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { createAuthority } from '../support/adapters/authority.ts'
import { toyDpop } from '../support/adapters/toy-dpop.ts'

const authority = await createAuthority()
const good = await authority.authorization({ scope: 'orders:read' })
const BARE = 'Bearer realm="api"'
const URL = 'https://api.example.com/orders'

const request = (headers: Record<string, string> = {}, init: RequestInit = {}): Request =>
  new Request(URL, { ...init, headers })

/** The status and challenge of a response, the subject of a token, or `anonymous`. */
function shown(result: VerifiedToken | Response | undefined): unknown {
  if (result instanceof Response) return [result.status, result.headers.get('www-authenticate')]
  return result === undefined ? 'anonymous' : result.claims.sub
}

describe('createGate', () => {
  it.each([
    ['options', createGate(authority.options)],
    ['a verifier', createGate(createVerifier(authority.options))],
    ['options around a verifier', createGate({ verifier: createVerifier(authority.options) })],
    ['an authenticator', createGate(createAuthenticator(authority.options))],
  ])('takes %s', async (_name, gate) => {
    expect(shown(await gate(request(good)))).toBe('alice')
    expect(shown(await gate(request()))).toEqual([401, BARE])
  })

  it.each([
    ['undefined', undefined],
    ['null', null],
    ['no options', {}],
    ['an unknown option', { ...authority.options, audiences: 'a' }],
  ])('rejects %s', (_name, options) => {
    expect(() => createGate(options as never)).toThrow(TypeError)
  })

  it('requires what a requirement says', async () => {
    const gate = createGate(authority.options)
    expect(shown(await gate(request(good), scope('orders:read')))).toBe('alice')
    expect(shown(await gate(request(), scope('orders:write')))).toEqual([401, `${BARE}, scope="orders:write"`])
    expect((await gate(request(good), scope('orders:write'))) as Response).toHaveProperty('status', 403)
  })

  it.each([
    ['text', 'orders:read'],
    ['null', null],
    ['an object without scopes', { isMet: () => true }],
  ])('rejects, before it reads the token, if the requirement is %s', async (_name, requirement) => {
    for (const headers of [{}, good])
      await expect(createGate(authority.options)(request(headers), requirement as never)).rejects.toThrow(
        /^Cannot authorize request: give a requirement such as scope\("orders:read"\), found/,
      )
  })

  it('returns undefined for anonymous requests if they are allowed', async () => {
    const gate = createGate({ ...authority.options, optional: true })
    expect(shown(await gate(request()))).toBe('anonymous')
    expect(shown(await gate(request(good)))).toBe('alice')
    expect((await gate(request({ authorization: 'Bearer nonsense' }))) as Response).toHaveProperty('status', 401)
    expect(shown(await gate(request(), scope('a')))).toEqual([401, `${BARE}, scope="a"`])
  })

  it('answers HEAD without a body', async () => {
    const response = (await createGate(authority.options)(request({}, { method: 'HEAD' }))) as Response
    expect([response.status, response.body]).toEqual([401, null])
  })

  it('rejects with bugs', async () => {
    const bug = new RangeError('a bug')
    const requirement = {
      description: 'a bug',
      scopes: [],
      isMet: () => {
        throw bug
      },
    }
    await expect(createGate(authority.options)(request(good), requirement)).rejects.toBe(bug)
  })

  describe('for tokens in a form', async () => {
    const gate = createGate({ ...authority.options, credentials: [{ from: 'form' }] })
    const token = await authority.token()
    const post = (body: string | ReadableStream): Request =>
      request({ 'content-type': 'application/x-www-form-urlencoded' }, {
        method: 'POST',
        body,
        duplex: 'half',
      } as RequestInit)

    it('leaves the body readable', async () => {
      const form = post(`access_token=${token}&note=%C3%A9`)
      expect(shown(await gate(form))).toBe('alice')
      expect((await form.formData()).get('note')).toBe('é')
    })

    it('accepts a body in chunks, also split within characters', async () => {
      const bytes = new TextEncoder().encode(`note=é&access_token=${token}`)
      const pieces = new ReadableStream({
        start: (controller) => {
          for (const byte of bytes) controller.enqueue(Uint8Array.of(byte))
          controller.close()
        },
      })
      const form = post(pieces)
      expect(shown(await gate(form))).toBe('alice')
      expect((await form.formData()).get('note')).toBe('é')
    })

    it('treats no body as a form without a token', async () => {
      const empty = request({ 'content-type': 'application/x-www-form-urlencoded' }, { method: 'POST' })
      expect(shown(await gate(empty))).toEqual([401, BARE])
    })

    it('accepts field names of prototypes as ordinary names', async () => {
      expect(shown(await gate(post('__proto__=a&constructor=b')))).toEqual([401, BARE])
    })

    it('rejects if the body has already been read', async () => {
      const form = post(`access_token=${token}`)
      await form.text()
      await expect(gate(form)).rejects.toThrow(TypeError)
    })
  })
})

describe('protect', () => {
  it('calls the handler with the request, the token and further arguments of the runtime', async () => {
    const handler = protect(authority.options, (received, auth, env: object, context: string) =>
      Response.json({ url: received.url, sub: auth.claims.sub, env, context }),
    )
    const response = await handler(request(good), { KV: 1 }, 'context')
    expect(await response.json()).toEqual({ url: URL, sub: 'alice', env: { KV: 1 }, context: 'context' })
  })

  it('returns the response of the handler itself if nothing is to be added', async () => {
    for (const response of [new Response('text'), new Response(null, { status: 204 })])
      expect(await protect(authority.options, () => response)(request(good))).toBe(response)
  })

  it('does not call the handler for refused requests', async () => {
    let calls = 0
    const handler = protect(authority.options, () => {
      calls += 1
      return new Response()
    })
    expect([(await handler(request())).status, calls]).toEqual([401, 0])
  })

  it('requires what its requirement says', async () => {
    const gate = createGate(authority.options)
    const handlers = [
      protect(gate, () => new Response(), scope('orders:read')),
      protect(gate, () => new Response(), scope('a')),
    ]
    expect(await Promise.all(handlers.map(async (handler) => (await handler(request(good))).status))).toEqual([
      200, 403,
    ])
  })

  it('calls the handler without a token for anonymous requests', async () => {
    const handler = protect({ ...authority.options, optional: true }, (_request, auth) =>
      Response.json({ auth: typeof auth }),
    )
    expect(await (await handler(request())).json()).toEqual({ auth: 'undefined' })
  })

  it.each([
    [
      'throws',
      () => {
        throw new RangeError('a bug')
      },
    ],
    ['rejects', () => Promise.reject(new RangeError('a bug'))],
  ])('rejects if the handler %s', async (_name, handler) => {
    await expect(protect(authority.options, handler)(request(good))).rejects.toThrow(new RangeError('a bug'))
  })

  describe('with a custom gate', () => {
    class OtherResponse {
      readonly status = 403
      readonly headers = new Headers()
    }
    const served = async (result: unknown, ...requirement: readonly [Requirement?]): Promise<unknown> =>
      protect(
        (async () => result) as unknown as OptionalGate,
        () => new Response('served'),
        ...requirement,
      )(request(good))

    it('accepts responses of another class', async () => {
      const refusal = new OtherResponse()
      expect(await served(refusal)).toBe(refusal)
    })

    it('serves requests with tokens, and anonymous ones', async () => {
      const token = await createVerifier(authority.options).verify(await authority.token())
      expect(await served(token)).toHaveProperty('status', 200)
      expect(await served(undefined)).toHaveProperty('status', 200)
    })

    it.each([
      ['true', true],
      ['null', null],
      ['text', 'alice'],
      ['an empty object', {}],
      ['claims alone', { claims: { sub: 'alice' } }],
      ['claims of null', { claims: null, scopes: new Set() }],
      ['scopes of null', { claims: { sub: 'alice' }, scopes: null }],
      ['only a status', { status: 403 }],
    ])('rejects if it returns %s', async (_name, result) => {
      await expect(served(result)).rejects.toThrow(/^Cannot call handler: /)
    })

    it('rejects if it ignores the requirement', async () => {
      await expect(served(undefined, scope('a'))).rejects.toThrow(/^Cannot call handler: /)
    })
  })

  it('rejects an undefined requirement at start-up, such as a misspelled rule', async () => {
    const rules: Readonly<Record<string, Requirement>> = {}
    expect(() => protect(authority.options, () => new Response(), rules['admn'])).toThrow(
      /^Cannot authorize request: the requirement must not be undefined: leave it out, or check the name/,
    )
    const gate = createGate({ ...authority.options, optional: true })
    await expect(gate(request(good), rules['admn'])).rejects.toThrow(
      /^Cannot authorize request: the requirement must not/,
    )
    await expect(gate(request({}), undefined)).rejects.toThrow(TypeError)
  })

  it('fails with a message if it, or createGate, is passed uncalled', () => {
    const uncalled = protect as unknown as (request: Request) => unknown
    expect(() => uncalled(request(good))).toThrow('protect was passed uncalled: write protect(gate, handler)')
    const gate = createGate as unknown as (request: Request) => unknown
    expect(() => gate(request(good))).toThrow(
      'createGate was passed uncalled: write const gate = createGate({ issuer, audience })',
    )
  })

  it('fails at start-up without a handler', () => {
    expect(() => protect(authority.options, undefined as never)).toThrow('Cannot protect handler: give a handler')
  })

  it.each([
    ['nothing', undefined],
    ['text', 'authenticated'],
    ['an empty object', {}],
    ['another kind', { kind: 'open' }],
    ['an undefined token', { kind: 'authenticated', token: undefined }],
    ['a refusal without a response', { kind: 'refused' }],
  ])('serves no request if a custom authenticator returns %s', async (_name, outcome) => {
    let served = 0
    const authenticator = { ...createAuthenticator(authority.options), authenticate: async () => outcome as never }
    const handler = protect(authenticator, () => Response.json((served += 1)))
    await expect(handler(request(good))).rejects.toThrow(Error)
    expect(served).toBe(0)
  })

  it('rejects with an error if a custom gate rejects with undefined', async () => {
    const handler = protect(
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the subject of the test
      () => Promise.reject(undefined),
      () => new Response('served'),
    )
    await expect(handler(request(good))).rejects.toThrow(/threw a value that is not an Error, of type undefined$/)
  })

  it('rejects text as a requirement at start-up', () => {
    expect(() => protect(authority.options, () => new Response(), 'orders:read' as never)).toThrow(
      /^Cannot authorize request: give a requirement such as scope\("orders:read"\), found "orders:read"/,
    )
  })

  it('rejects wrong options at start-up', () => {
    expect(() => protect({} as never, () => new Response())).toThrow(TypeError)
  })

  it('protects a route of Hono', async () => {
    const app = new Hono()
    const orders = protect(authority.options, (_request, auth, id: string) =>
      Response.json({ sub: auth.claims.sub, id }),
    )
    app.get('/orders/:id', (context) => orders(context.req.raw, context.req.param('id')))
    expect((await app.request('/orders/7')).status).toBe(401)
    expect(await (await app.request('/orders/7', { headers: good })).json()).toEqual({ sub: 'alice', id: '7' })
  })
})

describe('the headers that a binding adds to a response', () => {
  const NONCE = 'dpop-nonce'
  const gate = createGate({ ...authority.options, bindings: [toyDpop], exposeChallenge: true })
  const bound = async (): Promise<Request> => {
    const token = await authority.token({ cnf: { jkt: 'thumbprint' } })
    return request({ authorization: `DPoP ${token}`, dpop: 'thumbprint' })
  }

  it.each<readonly [string, () => Response, boolean]>([
    ['with a body are in the same response', () => new Response('text', { headers: { 'x-a': 'b' } }), true],
    ['without a body are in a copy', () => new Response(null, { status: 204, headers: { 'x-a': 'b' } }), false],
    ['that cannot be changed are in a copy', () => frozen('text'), false],
  ])('%s', async (_, make, isSame) => {
    const admitted = await bound()
    await gate(admitted)
    const response = make()
    const text = response.clone().text()
    const answer = withFields(admitted, response)
    expect([answer.headers.get(NONCE), answer === response, answer.status]).toEqual([
      'nonce-2',
      isSame,
      response.status,
    ])
    expect(await answer.text()).toBe(await text)
    expect(response.headers.has(NONCE)).toBe(isSame)
  })

  const frozen = (body: string): Response => {
    const response = new Response(body)
    response.headers.set = () => {
      throw new TypeError('immutable')
    }
    return response
  }

  it('are in the same response without a body if it cannot be copied', async () => {
    const admitted = await bound()
    await gate(admitted)
    const response = Response.error()
    expect(withFields(admitted, response)).toBe(response)
  })

  it('are in no response to another request, and in nothing that is no response', async () => {
    const admitted = await bound()
    await gate(admitted)
    const response = new Response('text')
    expect([withFields(await bound(), response), response.headers.has(NONCE)]).toEqual([response, false])
    expect(withFields(admitted, 'text' as never)).toBe('text')
  })

  it('are those of each gate that the request has passed', async () => {
    const other = createGate({
      ...authority.options,
      bindings: [{ ...toyDpop, confirm: async () => ({ headers: { 'x-other': '1' } }) }],
    })
    const admitted = await bound()
    await gate(admitted)
    await other(admitted)
    const { headers } = withFields(admitted, new Response('text'))
    expect([headers.get(NONCE), headers.get('x-other')]).toEqual(['nonce-2', '1'])
  })

  it('are added by protect, also to the answer of a promise', async () => {
    for (const answer of [() => new Response('a'), async () => new Response('a')])
      expect((await protect(gate, answer)(await bound())).headers.get(NONCE)).toBe('nonce-2')
  })
})

describe('the user of a request', () => {
  it('is what onAuthenticated has returned, and for no other request', async () => {
    const gate = createGate({ ...authority.options, optional: true, onAuthenticated: () => 'user' })
    const [admitted, anonymous, refused] = [request(good), request(), request({ authorization: 'Bearer x' })]
    for (const one of [admitted, anonymous, refused]) await gate(one)
    expect(getUser(admitted)).toBe('user')
    for (const one of [anonymous, refused, request(good)])
      expect(() => getUser(one)).toThrow(
        new TypeError('Cannot get user: no gate with "onAuthenticated" has admitted this request with a token'),
      )
  })
})

it('protect stops at start-up for a requirement that its verifier cannot answer', () => {
  const handler = (): Response => new Response()
  expect(() => protect(createGate(authority.options), handler, fresh())).toThrow(/fresh\(\) needs/)
  // A gate of the application has no verifier to ask.
  expect(() => protect(async () => undefined as never, handler, fresh())).not.toThrow()
})
