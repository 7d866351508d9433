import { createVerifier, signedClaims } from '@claimgate/core'
import { createIntrospectionVerifier, clientSecretBasic } from '@claimgate/core/introspection'
import { staticKeySet } from '@claimgate/core/extend'
import { statusList } from '@claimgate/core/status-list'
import { createTestKeys, startFaultyJwksServer } from '@claimgate/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { FAILURES, THROWN_VALUES } from '../../support/adapters/thrown-values.ts'
import { accessClaims, ISSUER, NOW } from '../../support/core/refusal.ts'
import {
  createStatusApi,
  keys,
  type ListServer,
  lstOf,
  packed,
  startListServer,
  statusToken,
} from '../../support/status-list/world.ts'

const DOWN = '503 check_unavailable'
let server: ListServer
beforeAll(async () => {
  server = await startListServer()
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
})
beforeEach(async () => {
  await server.publish()
})

describe('45. A token with a status list', () => {
  it('is accepted if its status is 0, and refused with any other', async () => {
    const { answer } = createStatusApi()
    const answers = await Promise.all([0, 1, 2, 3, 4].map(async (idx) => answer(await statusToken(server.uri, idx))))
    expect(answers).toEqual(['200', '401 token_refused', '401 token_refused', '401 token_refused', '200'])
  })

  it('is accepted with another status if "accept" names it', async () => {
    const { answer } = createStatusApi({ accept: [0, 3] })
    const answers = await Promise.all([0, 1, 2, 3].map(async (idx) => answer(await statusToken(server.uri, idx))))
    expect(answers).toEqual(['200', '401 token_refused', '401 token_refused', '200'])
  })

  it('is refused if its index is beyond the list', async () => {
    const { answer } = createStatusApi()
    expect([await answer(await statusToken(server.uri, 7)), await answer(await statusToken(server.uri, 8))]).toEqual([
      '401 token_refused',
      '401 token_refused',
    ])
    await server.publish({ status_list: { bits: 1, lst: lstOf(new Uint8Array()) } })
    expect(await createStatusApi().answer(await statusToken(server.uri, 0))).toBe('401 token_refused')
  })

  it('is explained: which step refuses it, and why', async () => {
    const { verifier } = createStatusApi()
    const { steps, summary } = await verifier.explain(await statusToken(server.uri, 1))
    expect(steps.at(-1)).toMatchObject({ step: 'checks', result: 'failed', code: 'token_refused' })
    expect(summary).toContain('a revoked token')
    const suspended = await verifier.explain(await statusToken(server.uri, 2))
    expect(suspended.summary).toContain('a suspended token')
  })

  it.each<[string, unknown]>([
    ['no status_list', {}],
    ['another kind of status', { identifier_list: { id: 'a', uri: 'https://example.com' } }],
    ['text', 'valid'],
    ['a list', []],
    ['null', null],
    ['a status_list that is text', { status_list: 'x' }],
    ['no index', { status_list: { uri: 'http://127.0.0.1/' } }],
    ['a negative index', { status_list: { uri: 'http://127.0.0.1/', idx: -1 } }],
    ['an index with a fraction', { status_list: { uri: 'http://127.0.0.1/', idx: 0.5 } }],
    ['an index as text', { status_list: { uri: 'http://127.0.0.1/', idx: '0' } }],
    ['a huge index', { status_list: { uri: 'http://127.0.0.1/', idx: 1e300 } }],
    ['no address', { status_list: { idx: 0 } }],
    ['an address that is no URL', { status_list: { uri: 'lists/1', idx: 0 } }],
  ])('is refused, without a request, with %s', async (_, status) => {
    const before = server.requests()
    const { answer } = createStatusApi()
    expect(await answer(await keys.sign(accessClaims({ status })))).toBe('401 claim_malformed')
    expect(server.requests()).toBe(before)
  })

  it('without a status is accepted, unless it is required', async () => {
    const plain = await keys.sign(accessClaims())
    expect(await createStatusApi().answer(plain)).toBe('200')
    const required = createStatusApi({}, { requiredClaims: [['status', 'status_list', 'uri']] })
    expect([await required.answer(plain), await required.answer(await statusToken(server.uri, 0))]).toEqual([
      '401 claim_missing',
      '200',
    ])
  })

  it('is checked after everything else: a refused token causes no request', async () => {
    const before = server.requests()
    const { answer } = createStatusApi()
    expect(await answer(await statusToken(server.uri, 0, { exp: NOW - 60 }))).toBe('401 token_expired')
    const token = await statusToken(server.uri, 0)
    expect(await answer(`${token.slice(0, token.lastIndexOf('.'))}.${'A'.repeat(86)}`)).toBe('401 signature_invalid')
    expect(server.requests()).toBe(before)
  })

  it('is checked by its claims as signed', async () => {
    const schema = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (claims: unknown) => ({ value: { ...(claims as object), status: undefined } }),
      },
    } as const
    const { answer, verifier } = createStatusApi({}, { claims: schema })
    expect(await answer(await statusToken(server.uri, 1))).toBe('401 token_refused')
    const good = await verifier.verify(await statusToken(server.uri, 0))
    expect(signedClaims(good)['status']).toBeDefined()
  })
})

describe('45. A list is fetched only from a host of "hosts"', () => {
  it.each<[string, (uri: string) => string]>([
    ['another host', () => 'https://other.example/lists/1'],
    ['a host that ends alike', (uri) => uri.replace('127.0.0.1', '127.0.0.1.example')],
    ['userinfo', (uri) => uri.replace('127', 'user:pw@127')],
    ['a fragment', (uri) => `${uri}#0`],
    ['ftp', (uri) => uri.replace('http', 'ftp')],
    ['data', () => 'data:text/plain,x'],
    ['localhost', (uri) => uri.replace('127.0.0.1', 'localhost')],
  ])('not %s', async (_, change) => {
    const before = server.requests()
    expect(await createStatusApi().answer(await statusToken(change(server.uri), 0))).toBe('401 claim_mismatch')
    expect(server.requests()).toBe(before)
  })

  it('of one of several hosts, with the default port or without', async () => {
    const asked: string[] = []
    const fetch = async (url: string): Promise<never> => {
      asked.push(url)
      throw new Error('down')
    }
    const { answer } = createStatusApi({ hosts: ['a.example:443', 'b.example', '127.0.0.1:4430'], fetch })
    for (const uri of ['https://a.example/1', 'https://b.example/1', 'https://127.0.0.1:4430/1']) {
      expect(await answer(await statusToken(uri, 0))).toBe(DOWN)
      expect(asked.at(-1)).toBe(uri)
    }
  })

  it('with the port, if the option has one', async () => {
    const { host } = new URL(server.uri)
    expect(await createStatusApi({ hosts: [host] }).answer(await statusToken(server.uri, 0))).toBe('200')
    expect(await createStatusApi({ hosts: ['127.0.0.1:1'] }).answer(await statusToken(server.uri, 0))).toBe(
      '401 claim_mismatch',
    )
  })

  it('and over plain http only from loopback or "allowHttpHosts"', async () => {
    const asked: string[] = []
    const fetch = async (url: string): Promise<never> => {
      asked.push(url)
      throw new Error('down')
    }
    const plain = await statusToken('http://lists.internal/1', 0)
    expect(await createStatusApi({ hosts: ['lists.internal'], fetch }).answer(plain)).toBe('401 claim_mismatch')
    const allowing = createStatusApi({ hosts: ['lists.internal'], allowHttpHosts: ['lists.internal'], fetch })
    expect(await allowing.answer(plain)).toBe(DOWN)
    expect(asked).toEqual(['http://lists.internal/1'])
  })
})

describe('45. A list that must not be used: 503', () => {
  const wide = { bits: 2, lst: lstOf(packed(2, [0, 1])) }
  const cases: readonly (readonly [name: string, claims: object, header?: object])[] = [
    ['another sub', { sub: 'https://example.com/lists/1' }],
    ['no sub', { sub: undefined }],
    ['a sub with a slash more', { sub: 'http://127.0.0.1/' }],
    ['typ JWT', {}, { typ: 'JWT' }],
    ['no typ', {}, { typ: undefined }],
    ['typ at+jwt', {}, { typ: 'at+jwt' }],
    ['an exp that has passed', { exp: NOW - 6 }],
    ['an exp that is text', { exp: '1' }],
    ['no iat', { iat: undefined }],
    ['an iat in the future', { iat: NOW + 61 }],
    ['another issuer', { iss: 'https://other.example' }],
    ['a ttl of 0', { ttl: 0 }],
    ['a ttl that is text', { ttl: '60' }],
    ['no status_list', { status_list: undefined }],
    ['a status_list that is text', { status_list: 'x' }],
    ['3 bits', { status_list: { ...wide, bits: 3 } }],
    ['16 bits', { status_list: { ...wide, bits: 16 } }],
    ['bits as text', { status_list: { ...wide, bits: '2' } }],
    ['no lst', { status_list: { bits: 2 } }],
    ['an lst that is not base64url', { status_list: { bits: 2, lst: 'eNo=' } }],
    ['an lst that is not compressed', { status_list: { bits: 2, lst: 'AAAA' } }],
    ['an lst that is cut off', { status_list: { bits: 2, lst: lstOf(new Uint8Array(5000)).slice(0, 12) } }],
    ['an unknown kid', {}, { kid: 'other' }],
    ['alg none', {}, { alg: 'none' }],
  ]

  it.each(cases.map(([name, claims, header = {}]) => ({ name, claims, header })))(
    '$name',
    async ({ claims, header }) => {
      await server.publish({ ...claims }, header)
      const { answer } = createStatusApi()
      expect(await answer(await statusToken(server.uri, 0))).toBe(DOWN)
    },
  )

  it('the signature of another key', async () => {
    await server.publish({}, {}, await createTestKeys('ES256', { kid: 'key-1', generation: 5 }))
    expect(await createStatusApi().answer(await statusToken(server.uri, 0))).toBe(DOWN)
  })

  it.each<[string, Parameters<ListServer['respond']>[0]]>([
    ['404', (_request, response) => void response.writeHead(404).end()],
    ['a redirect', (_request, response) => void response.writeHead(302, { location: server.uri }).end()],
    ['a page', (_request, response) => void response.end('<html>')],
    ['nothing', (_request, response) => void response.end()],
    ['a broken connection', (request) => void request.socket.destroy()],
    [
      'a body without end',
      (_request, response) => {
        const write = (): void => {
          while (!response.destroyed && response.write('a'.repeat(65_536)));
        }
        response.on('drain', write)
        write()
      },
    ],
  ])('%s', async (_, respond) => {
    server.respond(respond)
    expect(await createStatusApi({ maxBytes: 1000 }).answer(await statusToken(server.uri, 0))).toBe(DOWN)
  })

  it('no answer in time', async () => {
    server.respond(() => {})
    const { answer, clock } = createStatusApi()
    const answered = answer(await statusToken(server.uri, 0))
    while (clock.pending() === 0) await new Promise(setImmediate)
    clock.advance(5001)
    expect(await answered).toBe(DOWN)
  })

  it('more bytes than "maxBytes", of which no more are decompressed', async () => {
    const bomb = lstOf(new Uint8Array(100_000_000))
    await server.publish({ status_list: { bits: 1, lst: bomb } })
    const token = await statusToken(server.uri, 0)
    const before = process.memoryUsage().arrayBuffers
    expect(await createStatusApi().answer(token)).toBe(DOWN)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50_000_000)
    await server.publish({ status_list: { bits: 1, lst: lstOf(new Uint8Array(1000)) } })
    expect(await createStatusApi({ maxBytes: 1000 }).answer(token)).toBe('200')
    expect(await createStatusApi({ maxBytes: 999 }).answer(token)).toBe(DOWN)
  })

  it('and the log can tell why', async () => {
    await server.publish({ sub: 'https://example.com/lists/1' })
    const { verifier } = createStatusApi()
    const error: unknown = await verifier.verify(await statusToken(server.uri, 0)).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      code: 'check_unavailable',
      retryAfter: expect.any(Number),
      cause: { message: 'The status list must not be used: its "sub" is not the address in the token' },
    })
  })

  it.each<[string, number, string, string]>([
    ['status 403', 403, '', 'The status list was answered with status 403, not 200'],
    ['a web page', 200, '<!doctype html>', 'The answer is a web page, not a status list'],
  ])('also for %s, in terms of lists', async (_, status, body, message) => {
    server.respond((_request, response) => void response.writeHead(status, { 'content-type': 'text/html' }).end(body))
    const { verifier } = createStatusApi()
    const error: unknown = await verifier.verify(await statusToken(server.uri, 0)).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'check_unavailable', cause: { message } })
  })
})

describe('45. A list', () => {
  it('is asked for by its media type, needs no iss, and may end with a line break', async () => {
    await server.publish({ iss: undefined })
    const accepted: unknown[] = []
    const fetch = async (url: string, { headers }: { readonly headers: unknown }): Promise<Response> => {
      accepted.push(new Headers(headers as HeadersInit).get('accept'))
      return new Response(`${await (await globalThis.fetch(url)).text()}\n`)
    }
    const { answer } = createStatusApi({ fetch })
    expect(await answer(await statusToken(server.uri, 0))).toBe('200')
    expect(accepted).toEqual(['application/statuslist+jwt'])
    expect(statusList({ hosts: ['a.example'] }).name).toBe('status list')
  })

  it('of one issuer says nothing about the tokens of another one', async () => {
    const other = 'https://other.example'
    const jwks = { keys: [keys.publicJwk] }
    const issuers = [ISSUER, other].map((issuer) => ({ issuer, audience: 'https://api.example', jwks }))
    const { clock } = createStatusApi()
    const verifier = createVerifier({ issuers, clock, checks: [statusList({ hosts: ['127.0.0.1'], clock })] })
    const aud = 'https://api.example'
    await verifier.verify(await statusToken(server.uri, 0, { aud }))
    const foreign = verifier.verify(await statusToken(server.uri, 0, { aud, iss: other }))
    await expect(foreign).rejects.toMatchObject({ cause: { message: expect.stringContaining('another issuer') } })
  })

  it('that does not compress may be as large as "maxBytes"', async () => {
    const bytes = new Uint8Array(1_000_000)
    for (let at = 0; at < bytes.length; at += 50_000) crypto.getRandomValues(bytes.subarray(at, at + 50_000))
    bytes[0] = 0
    await server.publish({ status_list: { bits: 8, lst: lstOf(bytes) } })
    expect(await createStatusApi({ maxBytes: 1_000_000 }).answer(await statusToken(server.uri, 0))).toBe('200')
  })
})

describe('45. A list is cached', () => {
  it('up to its ttl exactly, whenever it was fetched, and used without a fetch in a pause after a failure', async () => {
    const { answer, clock } = createStatusApi({ staleOnError: 100 })
    clock.advance(500_000)
    const token = await statusToken(server.uri, 0)
    const before = server.requests()
    await answer(token)
    clock.advance(59_999)
    expect([await answer(token), server.requests() - before]).toEqual(['200', 1])
    server.respond((_request, response) => void response.writeHead(500, { 'retry-after': '30' }).end())
    clock.advance(1)
    expect([await answer(token), server.requests() - before]).toEqual(['200', 2])
    expect([await answer(token), server.requests() - before]).toEqual(['200', 2])
    clock.advance(99_999)
    expect(await answer(token)).toBe('200')
    clock.advance(1)
    expect(await answer(token)).toBe(DOWN)
  })

  it('within the clock tolerance of its exp, also if it cannot be fetched', async () => {
    await server.publish({ exp: NOW + 30, ttl: 3600 })
    const { answer, clock } = createStatusApi()
    const token = await statusToken(server.uri, 0)
    await answer(token)
    server.respond((_request, response) => void response.writeHead(500).end())
    clock.advance(34_000)
    expect(await answer(token)).toBe('200')
  })

  it('for at most a day, whatever its ttl', async () => {
    await server.publish({ ttl: 1e9, exp: undefined })
    const { answer, clock } = createStatusApi()
    const token = await statusToken(server.uri, 0)
    expect(await answer(token)).toBe('200')
    await server.publish({ status_list: { bits: 1, lst: lstOf(packed(1, [1])) } })
    clock.advance(86_399_000)
    expect(await answer(token)).toBe('200')
    clock.advance(2000)
    expect(await answer(token)).toBe('401 token_refused')
  })

  it('for its ttl, and then fetched again', async () => {
    const { answer, clock } = createStatusApi()
    const token = await statusToken(server.uri, 0)
    const before = server.requests()
    expect([await answer(token), await answer(token)]).toEqual(['200', '200'])
    await server.publish({ status_list: { bits: 1, lst: lstOf(packed(1, [1])) } })
    clock.advance(59_000)
    expect([await answer(token), server.requests() - before]).toEqual(['200', 1])
    clock.advance(2000)
    expect([await answer(token), server.requests() - before]).toEqual(['401 token_refused', 2])
  })

  it('without ttl for "maxAge"', async () => {
    await server.publish({ ttl: undefined })
    const { answer, clock } = createStatusApi({ maxAge: 10 })
    const token = await statusToken(server.uri, 0)
    const before = server.requests()
    await answer(token)
    clock.advance(9000)
    await answer(token)
    expect(server.requests() - before).toBe(1)
    clock.advance(2000)
    await answer(token)
    expect(server.requests() - before).toBe(2)
  })

  it('after its ttl while it cannot be fetched, and then not: 503', async () => {
    const { answer, clock } = createStatusApi({ staleOnError: 100 })
    const token = await statusToken(server.uri, 0)
    await answer(token)
    server.respond((_request, response) => void response.writeHead(500).end())
    clock.advance(159_000)
    expect(await answer(token)).toBe('200')
    clock.advance(2000)
    expect(await answer(token)).toBe(DOWN)
  })

  it('never past its exp', async () => {
    await server.publish({ exp: NOW + 30, ttl: 3600 })
    const { answer, clock } = createStatusApi()
    const token = await statusToken(server.uri, 0)
    expect(await answer(token)).toBe('200')
    clock.advance(34_000)
    expect(await answer(token)).toBe('200')
    clock.advance(2000)
    expect(await answer(token)).toBe(DOWN)
  })

  it('without exp, too', async () => {
    await server.publish({ exp: undefined })
    expect(await createStatusApi().answer(await statusToken(server.uri, 0))).toBe('200')
  })

  it('after a slow answer, requests wait a second for the newer list and use the old one', async () => {
    const { answer, clock } = createStatusApi()
    const token = await statusToken(server.uri, 0)
    await answer(token)
    server.respond(() => {})
    clock.advance(61_000)
    const answered = answer(token)
    while (clock.pending() < 2) await new Promise(setImmediate)
    clock.advance(1001)
    expect(await answered).toBe('200')
    clock.advance(5000)
  })

  it('in one fetch for requests at once', async () => {
    const { answer } = createStatusApi()
    const before = server.requests()
    const answers = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => answer(await statusToken(server.uri, index % 2))),
    )
    expect(answers.filter((each) => each === '200')).toHaveLength(25)
    expect(server.requests() - before).toBe(1)
  })

  it('with a back-off while the endpoint fails', async () => {
    server.respond((_request, response) => void response.writeHead(500).end())
    const { answer, clock } = createStatusApi()
    const token = await statusToken(server.uri, 0)
    const before = server.requests()
    for (let second = 0; second < 60; second += 1) {
      expect(await answer(token)).toBe(DOWN)
      clock.advance(1000)
    }
    const attempts = server.requests() - before
    expect(attempts).toBeGreaterThan(2)
    expect(attempts).toBeLessThanOrEqual(8)
  })

  it('and at most "maxLists" of them', async () => {
    const { answer } = createStatusApi({ maxLists: 1 })
    const other = `${server.uri}?2`
    const before = server.requests()
    const first = await statusToken(server.uri, 0)
    expect([await answer(first), await answer(await statusToken(other, 0)), await answer(first)]).toEqual([
      '200',
      DOWN,
      '200',
    ])
    expect(server.requests() - before).toBe(3)
  })
})

describe('45. The keys of a list', () => {
  it('are those of the issuer of the token, and rotate with them', async () => {
    const next = await createTestKeys('ES256', { kid: 'key-2' })
    const jwks = await startFaultyJwksServer({ jwks: { keys: [keys.publicJwk] } })
    const { answer, clock } = createStatusApi({}, { jwksUri: jwks.url })
    expect(await answer(await statusToken(server.uri, 0))).toBe('200')
    jwks.publish(next.publicJwk, keys.publicJwk)
    await server.publish({}, { kid: 'key-2' }, next)
    clock.advance(61_000)
    expect(await answer(await statusToken(server.uri, 0))).toBe('200')
    await jwks.close()
  })

  it('may be given, if lists have another signer', async () => {
    const signer = await createTestKeys('ES256', { kid: 'lists' })
    await server.publish({}, { kid: 'lists' }, signer)
    const token = await statusToken(server.uri, 0)
    expect(await createStatusApi().answer(token)).toBe(DOWN)
    const given = { keys: staticKeySet({ keys: [signer.publicJwk] }), algorithms: ['ES256'] } as const
    expect(await createStatusApi(given).answer(token)).toBe('200')
    expect(() => statusList({ hosts: ['a.example'], keys: given.keys })).toThrow(
      '"keys" and "algorithms" belong together',
    )
  })

  it('are needed for tokens without a signature', async () => {
    const active = {
      active: true,
      iss: ISSUER,
      aud: 'api',
      exp: NOW + 600,
      status: { status_list: { uri: server.uri, idx: 0 } },
    }
    const verifierWith = (more: object): ReturnType<typeof createIntrospectionVerifier> =>
      createIntrospectionVerifier({
        issuer: ISSUER,
        audience: 'api',
        endpoint: 'https://issuer.example/introspect',
        client: clientSecretBasic('api', 'secret'),
        fetch: async () => Response.json(active),
        clock: { now: () => NOW * 1000 },
        checks: [statusList({ hosts: ['127.0.0.1'], clock: { now: () => NOW * 1000 }, ...more })],
      })
    await expect(verifierWith({}).verify('opaque')).rejects.toMatchObject({ code: 'check_unavailable', status: 503 })
    const given = { keys: staticKeySet({ keys: [keys.publicJwk] }), algorithms: ['ES256'] }
    expect((await verifierWith(given).verify('opaque')).claims['active']).toBe(true)
  })

  it('are needed if an application calls the check itself', async () => {
    const check = statusList({ hosts: ['127.0.0.1'] })
    const { verifier } = createStatusApi()
    await expect(check.check(await verifier.verify(await statusToken(server.uri, 0)))).rejects.toThrow(
      'give "keys" and "algorithms"',
    )
  })
})

describe('45. Whatever the application does wrong: 503', () => {
  const wrong: readonly (readonly [string, unknown])[] = [
    ['nothing', undefined],
    ['text', 'ok'],
    ['an object', {}],
    ['a promise of nothing', Promise.resolve()],
  ]

  it('in "fetch"', async () => {
    const token = await statusToken(server.uri, 0)
    for (const [how, failWith] of FAILURES)
      for (const [name, value] of THROWN_VALUES)
        expect(await createStatusApi({ fetch: () => failWith(value) as never }).answer(token), `${how} ${name}`).toBe(
          DOWN,
        )
    for (const [name, answer] of wrong)
      expect(await createStatusApi({ fetch: () => answer as never }).answer(token), name).toBe(DOWN)
  })

  it('in "keys"', async () => {
    const token = await statusToken(server.uri, 0)
    const withKeys = (resolve: () => unknown): ReturnType<typeof createStatusApi> =>
      createStatusApi({ keys: { resolve: resolve as never }, algorithms: ['ES256'] })
    for (const [how, failWith] of FAILURES)
      for (const [name, value] of THROWN_VALUES)
        expect(await withKeys(() => failWith(value)).answer(token), `${how} ${name}`).toBe(DOWN)
    for (const [name, answer] of wrong) expect(await withKeys(() => answer).answer(token), name).toBe(DOWN)
    // The timeout of the request is over once keys are asked for.
    const hanging = (): ReturnType<typeof createStatusApi> & { readonly asked: Promise<void> } => {
      const { promise: asked, resolve } = Promise.withResolvers<void>()
      return { ...withKeys(() => (resolve(), new Promise(() => {}))), asked }
    }
    const first = hanging()
    const answered = first.answer(token)
    await first.asked
    while (first.clock.pending() === 0) await new Promise(setImmediate)
    first.clock.advance(5001)
    expect(await answered).toBe(DOWN)
    const second = hanging()
    const refused = second.verifier.verify(token).catch(({ cause }: { readonly cause?: Error }) => cause?.message)
    await second.asked
    while (second.clock.pending() === 0) await new Promise(setImmediate)
    second.clock.advance(5001)
    expect(await refused).toBe('The status list was not verified in time')
  })
})
