// Connections that outlive the request that opened them. The recipes test them with real WebSockets: test/recipes.
import { EventEmitter } from 'node:events'
import { inspect } from 'node:util'
import {
  AuthError,
  type Binding,
  createVerifier,
  type RequestView,
  scope,
  type TokenCheck,
  type Verifier,
} from '@claimgate/core'
import {
  type Connection,
  type ConnectionEnd,
  type Connections,
  type ConnectionsOptions,
  createConnections,
  subprotocolToken,
} from '@claimgate/core/connections'
import { createMemoryDenylist, denylist } from '@claimgate/core/denylist'
import { createTestClock, createTestKeys, type TestClock } from '@claimgate/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../../packages/core/src/model/runtime.ts'

const NOW = 1_700_000_000
const SECOND = 1000
const DAY = 86_400 * SECOND
const keys = await createTestKeys('ES256')
const attacker = await createTestKeys('ES256', { generation: 1 })
const policy = { issuer: 'https://auth.example', audience: 'orders-api', jwks: { keys: [keys.publicJwk] } }

const claims = (more: object = {}): object => ({
  iss: policy.issuer,
  aud: 'orders-api',
  sub: 'ada',
  iat: NOW,
  exp: NOW + 300,
  ...more,
})
const token = (more?: object): Promise<string> => keys.sign(claims(more))

const REQUEST: RequestView = { method: 'GET', target: '/', header: () => [] }
const withToken = (text: string): RequestView => ({
  ...REQUEST,
  header: (name) => (name === 'authorization' ? [`Bearer ${text}`] : []),
})

let time: TestClock
let lines: string[]
beforeEach(() => {
  time = createTestClock({ wall: NOW * SECOND })
  lines = []
})

const log = { warn: (line: string) => lines.push(line) }

function connections(options: object = {}): Connections {
  return createConnections({ ...policy, clock: time, log, ...options })
}

async function opened(all: Connections, text: string): Promise<Connection> {
  const { connection } = await all.open(REQUEST, text)
  if (connection === undefined) throw new Error('The connection was refused')
  return connection
}

/** A connection, and how it has ended. */
async function watched(all: Connections, text: string): Promise<{ connection: Connection; ends: ConnectionEnd[] }> {
  const connection = await opened(all, text)
  const ends: ConnectionEnd[] = []
  connection.onEnd((end) => ends.push(end))
  return { connection, ends }
}

/** A token check that the options may list. */
const checking = (check: () => unknown): readonly TokenCheck[] => [
  { name: 'test', check: check as TokenCheck['check'] },
]

const EXPIRED = { status: 401, code: 3000, reason: 'token_expired' }
const FAILED = { status: 500, code: 1011, reason: 'failed' }
const INVALID = { status: 401, code: 3000, reason: 'invalid_token' }

describe('55. A connection', () => {
  it('has the token of the request, or of a message, until it expires', async () => {
    const all = connections()
    const text = await token()
    for (const open of [all.open(withToken(text)), all.open(REQUEST, text)]) {
      const { connection } = await open
      expect(connection?.token?.claims.sub).toBe('ada')
      expect(connection?.expiresAt).toBe((NOW + 300) * SECOND)
    }
  })

  it('opens with a request of any kind, and is refused for anything else', async () => {
    const headers = { authorization: `Bearer ${await token()}` }
    const web = new Request('https://api.example/', { headers })
    const bareNode = { method: 'GET', url: '/', headers } as never
    for (const request of [web, bareNode]) expect((await connections().open(request)).kind).toBe('open')
    for (const request of [undefined, null, 1, {}]) {
      const { end, response } = (await connections().open(request as never, await token())) as never
      expect([end, response]).toEqual([FAILED, expect.objectContaining({ status: 500, body: '' })])
    }
    expect(lines[0]).toContain('give the request, or { method, target, header }')
  })

  it('ends at exp, and has no timer and no token then', async () => {
    const { connection, ends } = await watched(connections({ requirement: scope('a') }), await token({ scope: 'a' }))
    await time.advanceAsync(299_999)
    expect([ends.length, connection.token?.claims.sub]).toEqual([0, 'ada'])
    await time.advanceAsync(1)
    expect(ends).toEqual([EXPIRED])
    expect([connection.token, connection.user, time.pending()]).toEqual([undefined, undefined, 0])
  })

  it('is refused with a token that only the tolerance for clocks accepts', async () => {
    const { end, response } = (await connections().open(REQUEST, await token({ exp: NOW - 1 }))) as never
    expect([end, (response as { status: number }).status]).toEqual([EXPIRED, 401])
  })

  it('with a token that expires beyond the longest timer, stays open', async () => {
    const { connection, ends } = await watched(connections(), await token({ exp: NOW + 100 * 86_400 }))
    await time.advanceAsync(10 * 60 * SECOND)
    time.stepWall(99 * DAY)
    await time.advanceAsync(60 * SECOND)
    expect([ends.length, connection.token?.claims.sub]).toEqual([0, 'ada'])
    time.stepWall(DAY)
    await time.advanceAsync(60 * SECOND)
    expect(ends).toEqual([EXPIRED])
  })

  it('notices within a minute that the wall clock was set, however rarely its token is verified', async () => {
    const { ends } = await watched(connections({ verifyEvery: 3600 }), await token({ exp: NOW + 7200 }))
    time.stepWall(7200 * SECOND)
    await time.advanceAsync(60 * SECOND)
    expect(ends).toEqual([EXPIRED])
  })

  it('has no token after exp, even if the timer is late', async () => {
    const { connection, ends } = await watched(connections(), await token())
    time.stepWall(300 * SECOND)
    expect(ends).toEqual([])
    expect(connection.token).toBeUndefined()
    expect(ends).toEqual([EXPIRED])
    expect(await connection.authenticate(await token({ exp: NOW + 900 }))).toMatchObject({ status: 401 })
    expect(connection.token).toBeUndefined()
  })

  it('does not live longer because the wall clock is set back, or has stopped', async () => {
    const { ends } = await watched(connections(), await token({ iat: undefined }))
    time.stepWall(-DAY)
    await time.advanceAsync(299 * SECOND)
    expect(ends).toEqual([])
    await time.advanceAsync(SECOND)
    expect(ends).toEqual([EXPIRED])
  })

  it('leaves no timer before onEnd, or after close', async () => {
    const connection = await opened(connections(), await token())
    expect(time.pending()).toBe(0)
    const ends: ConnectionEnd[] = []
    connection.onEnd((end) => ends.push(end))
    expect(time.pending()).toBe(1)
    connection.close()
    connection.onEnd((end) => ends.push(end))
    await time.advanceAsync(DAY)
    expect([time.pending(), ends.length, connection.token]).toEqual([0, 0, undefined])
    expect((await connection.authenticate(await token({ iat: NOW + 86_400, exp: NOW + 90_000 }))).status).toBe(401)
    expect(time.pending()).toBe(0)
  })

  it('tells a listener that comes after the end', async () => {
    const connection = await opened(connections(), await token())
    time.stepWall(DAY)
    expect(connection.token).toBeUndefined()
    const ends: ConnectionEnd[] = []
    connection.onEnd((end) => ends.push(end))
    expect(ends).toEqual([EXPIRED])
  })

  it('goes on with another token of the same subject', async () => {
    const { connection, ends } = await watched(connections(), await token())
    await time.advanceAsync(200 * SECOND)
    const answer = await connection.authenticate(await token({ exp: NOW + 400, scope: 'more' }))
    expect(answer).toEqual({ status: 200, expiresAt: (NOW + 400) * SECOND })
    expect([...(connection.token?.scopes ?? [])]).toEqual(['more'])
    await time.advanceAsync(199 * SECOND)
    expect(ends).toEqual([])
    await time.advanceAsync(SECOND)
    expect(ends).toEqual([EXPIRED])
  })

  it.each<[string, () => unknown, ConnectionEnd]>([
    ['another subject', () => token({ sub: 'eve', scope: 'a' }), INVALID],
    ['no subject', () => token({ sub: undefined, scope: 'a' }), INVALID],
    ['a subject of null', () => token({ sub: null, scope: 'a' }), INVALID],
    ['a forged one', () => attacker.sign(claims()), INVALID],
    ['an expired one', () => token({ exp: NOW - 60 }), EXPIRED],
    ['one that only the tolerance accepts', () => token({ exp: NOW - 1, scope: 'a' }), EXPIRED],
    ['no scope', () => token({ scope: 'other' }), { status: 403, code: 3003, reason: 'insufficient_scope' }],
    ['an object', () => ({}), { status: 400, code: 1008, reason: 'invalid_request' }],
    ['nothing', () => undefined, { status: 401, code: 3000, reason: 'no_token' }],
  ])('ends with another token that is refused: %s', async (_, text, end) => {
    const { connection, ends } = await watched(connections({ requirement: scope('a') }), await token({ scope: 'a' }))
    const answer = await connection.authenticate(await text())
    expect(answer.status).toBe(end.status)
    expect(ends).toEqual([end])
    expect([connection.token, time.pending()]).toEqual([undefined, 0])
  })

  it('without a subject, goes on with a token of the same client only', async () => {
    const all = connections()
    const service = { sub: undefined, client_id: 'billing' }
    const first = await watched(all, await token(service))
    expect((await first.connection.authenticate(await token(service))).status).toBe(200)
    expect((await first.connection.authenticate(await token({ ...service, client_id: 'other' }))).status).toBe(401)
    const second = await watched(all, await token({ sub: undefined }))
    expect((await second.connection.authenticate(await token({ sub: undefined }))).status).toBe(401)
    expect(second.ends).toEqual([INVALID])
  })

  it('of one issuer does not go on with a token of another one', async () => {
    const issuers = [policy, { ...policy, issuer: 'https://other.example' }]
    const all = createConnections({ issuers, clock: time, log })
    const { connection, ends } = await watched(all, await token())
    await connection.authenticate(await token({ iss: 'https://other.example' }))
    expect(ends).toEqual([INVALID])
  })

  it('keeps its token if another one cannot be verified now', async () => {
    let fails = false
    const checks = checking(() => {
      if (fails) throw new AuthError('check_unavailable')
    })
    const { connection, ends } = await watched(connections({ checks }), await token())
    fails = true
    expect(await connection.authenticate(await token({ jti: '2' }))).toMatchObject({ status: 503 })
    expect([ends.length, connection.token?.claims.sub]).toEqual([0, 'ada'])
    const { end, response } = (await connections({ checks }).open(REQUEST, await token())) as never
    expect(end).toEqual({ status: 503, code: 1013, reason: 'unavailable' })
    expect(response).toMatchObject({ status: 503 })
  })

  it('ends with a second token while the first one is verified, and takes neither', async () => {
    const { connection, ends } = await watched(connections(), await token())
    const both = [
      connection.authenticate(await token({ jti: '1' })),
      connection.authenticate(await token({ jti: '2' })),
    ]
    expect((await Promise.all(both)).map(({ status }) => status)).toEqual([400, 400])
    expect(ends).toEqual([{ status: 400, code: 1008, reason: 'invalid_request' }])
    expect(connection.token).toBeUndefined()
  })

  it('that expires while another token is verified stays ended', async () => {
    let release = (): void => {}
    let waits = false
    const checks = checking(() => (waits ? new Promise<void>((resolve) => (release = resolve)) : undefined))
    const { connection, ends } = await watched(connections({ checks, tokenCache: false }), await token())
    waits = true
    const answer = connection.authenticate(await token({ exp: NOW + 900 }))
    time.stepWall(300 * SECOND)
    await time.advanceAsync(60 * SECOND)
    release()
    expect(await answer).toMatchObject({ status: 401 })
    expect([ends, connection.token]).toEqual([[EXPIRED], undefined])
  })
})

describe('55. The token of an open connection is verified again', () => {
  it('and the connection ends if it was revoked', async () => {
    const list = denylist({ store: createMemoryDenylist({ clock: time }), clock: time })
    const { connection, ends } = await watched(connections({ checks: [list] }), await token({ jti: 'a' }))
    await list.denyToken(connection.token ?? expect.fail())
    await time.advanceAsync(59 * SECOND)
    expect(ends).toEqual([])
    await time.advanceAsync(SECOND)
    await settled(() => ends.length > 0)
    expect([ends, connection.token, time.pending()]).toEqual([[INVALID], undefined, 0])
    expect(lines.join()).toContain('Connection ended (token_refused)')
  })

  it.each([1, 7, 3600])('every %s seconds, as configured', async (verifyEvery) => {
    let checked = 0
    const checks = checking(() => void (checked += 1))
    await watched(connections({ checks, verifyEvery }), await token({ exp: NOW + 90_000 }))
    await time.advanceAsync((verifyEvery - 0.5) * SECOND)
    expect(checked).toBe(1)
    await time.advanceAsync(SECOND)
    await settled(() => checked === 2)
  })

  it('and the connection stays open during an outage, until exp', async () => {
    let fails = false
    const checks = checking(() => {
      if (fails) throw new AuthError('check_unavailable')
    })
    const { ends } = await watched(connections({ checks, tokenCache: false }), await token())
    fails = true
    await time.advanceAsync(299 * SECOND)
    const unavailable = ends.length
    await time.advanceAsync(SECOND)
    expect([unavailable, ends]).toEqual([0, [EXPIRED]])
  })

  it('and the connection ends if a function of the application fails in another way', async () => {
    let fails = false
    const verifier = customVerifier(async () => {
      if (fails) throw new TypeError('a bug')
      return { claims: claims(), scopes: new Set(), token: 'x' }
    })
    const { ends } = await watched(ofRuntime(verifier), 'x')
    fails = true
    await time.advanceAsync(60 * SECOND)
    expect([ends, lines.join()]).toEqual([[FAILED], expect.stringContaining('a bug')])
  })

  it.each([[undefined], [{}], [{ sub: 'ada' }]])('and the connection ends if a verifier returns %j', async (answer) => {
    let isBroken = false
    const verified = { claims: claims(), scopes: new Set(), token: 'x' }
    const { ends } = await watched(ofRuntime(customVerifier(async () => (isBroken ? answer : verified))), 'x')
    isBroken = true
    await time.advanceAsync(60 * SECOND)
    expect(ends).toEqual([FAILED])
  })

  it('and the connection stays open if a verifier hangs, until exp', async () => {
    let hangs = false
    const answer = { claims: claims(), scopes: new Set(), token: 'x' }
    const verifier = customVerifier(() => (hangs ? new Promise(() => {}) : Promise.resolve(answer)))
    const { ends } = await watched(ofRuntime(verifier), 'x')
    hangs = true
    await time.advanceAsync(299 * SECOND)
    const late = ends.length
    await time.advanceAsync(SECOND)
    expect([late, ends]).toEqual([0, [EXPIRED]])
  })

  it('as one that was bound to a key when the connection opened', async () => {
    const binding: Binding = { confirmation: 'jkt', confirm: () => Promise.resolve() }
    const { ends } = await watched(connections({ bindings: [binding] }), await token({ cnf: { jkt: 'key' } }))
    await time.advanceAsync(299 * SECOND)
    expect(ends).toEqual([])
  })

  it('and without exp, must be verified at least once an hour', async () => {
    let fails = false
    const verifier = customVerifier(async () => {
      if (fails) throw new AuthError('check_unavailable')
      return { claims: { sub: 'ada' }, scopes: new Set(), token: 'opaque' }
    })
    const { connection, ends } = await watched(ofRuntime(verifier, { verifyEvery: 1800 }), 'opaque')
    expect(connection.expiresAt).toBe(Infinity)
    await time.advanceAsync(7200 * SECOND)
    expect([ends.length, connection.token?.claims.sub]).toEqual([0, 'ada'])
    fails = true
    await time.advanceAsync(3600 * SECOND)
    expect(ends).toEqual([EXPIRED])
  })
})

/** Connections of an application's own verifier. Its clock is that of the runtime, which is replaced. */
function ofRuntime(verifier: Verifier, options: object = {}): Connections {
  vi.spyOn(systemClock, 'setTimeout').mockImplementation((run, ms) => time.setTimeout(run, ms))
  vi.spyOn(systemClock, 'monotonic').mockImplementation(() => time.monotonic())
  return createConnections({ verifier, log, ...options })
}
afterEach(() => vi.restoreAllMocks())

function customVerifier(verify: (token: string) => Promise<unknown>, more: object = {}): Verifier {
  const base = createVerifier({ ...policy, clock: time })
  return { ...base, verify: verify as Verifier['verify'], now: () => time.now(), ...more }
}

describe('55. Functions of the application that fail', () => {
  const THROWN = [new Error('the database is down'), undefined, 'text']

  it.each(THROWN)('never make open or authenticate reject: %s', async (thrown) => {
    const verifier = customVerifier(async () => {
      // oxlint-disable-next-line typescript/only-throw-error
      throw thrown
    })
    const { end, response } = (await createConnections({ verifier, log }).open(REQUEST, 'x')) as never
    expect(end).toEqual(FAILED)
    expect(response).toMatchObject({ status: 500, body: '' })
    expect(lines.join()).toContain('Connection ended (')
  })

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['claims alone', { sub: 'ada' }],
  ])('open nothing if a verifier returns %s', async (_, answer) => {
    const verifier = customVerifier(async () => answer)
    expect((await createConnections({ verifier, log }).open(REQUEST, 'x')).kind).toBe('refused')
  })

  it.each<[string, () => unknown]>([
    ['throws', () => expect.fail('listener')],
    ['rejects', () => Promise.reject(new Error('listener'))],
  ])('as a listener that %s, are logged, and keep no other listener from running', async (_, listener) => {
    const connection = await opened(connections(), await token())
    const ends: ConnectionEnd[] = []
    connection.onEnd(listener)
    connection.onEnd((end) => ends.push(end))
    await time.advanceAsync(300 * SECOND)
    expect(ends).toEqual([EXPIRED])
    expect(lines.join()).toContain('listener')
  })

  it.each<[string, unknown]>([
    ['throws', { warn: () => expect.fail('log') }],
    ['rejects', { warn: () => Promise.reject(new Error('log')) }],
  ])('as a log that %s, change nothing', async (_, failing) => {
    const verifier = customVerifier(() => Promise.reject(new Error('down')))
    const all = createConnections({ verifier, log: failing } as ConnectionsOptions)
    expect((await all.open(REQUEST, 'x')).kind).toBe('refused')
  })

  it('as a clock, end the connection', async () => {
    let fails = false
    const verify = async (): Promise<unknown> => ({ claims: claims(), scopes: new Set(), token: 'x' })
    const now = (): number => (fails ? expect.fail('clock') : time.now())
    const { connection, ends } = await watched(
      createConnections({ verifier: customVerifier(verify, { now }), log }),
      'x',
    )
    fails = true
    expect([connection.token, ends]).toEqual([undefined, [EXPIRED]])
  })

  it('make JSON and logs of a connection empty', async () => {
    const text = await token()
    const connection = await opened(connections(), text)
    expect(JSON.stringify(connection)).toBe('{}')
    expect(inspect(connection, { depth: 9 })).not.toContain(text)
  })
})

/** Waits until something has happened that real cryptography delays. */
const settled = (isDone: () => boolean): Promise<void> =>
  vi.waitFor(() => expect(isDone()).toBe(true), { interval: 1, timeout: 5000 })

class FakeSocket extends EventEmitter {
  destroyed = false
  sent = ''
  end(text: string): void {
    this.sent += text
    this.emit('finish')
  }
  destroy(): void {
    this.destroyed = true
  }
}

describe('55. An upgrade', () => {
  const requestWith = (authorization?: string): Parameters<Connections['upgrade']>[0] => ({
    method: 'GET',
    url: '/',
    headers: authorization === undefined ? {} : { authorization },
    rawHeaders: authorization === undefined ? [] : ['authorization', authorization],
    socket: undefined,
  })

  async function upgraded(all: Connections, authorization: string | undefined, accept: (c: Connection) => unknown) {
    const socket = new FakeSocket()
    let accepted = 0
    all.upgrade(requestWith(authorization), socket, (connection) => {
      const result = accept(connection)
      accepted += 1
      return result
    })
    await settled(() => socket.sent !== '' || socket.destroyed || accepted > 0)
    return socket
  }

  it('that is accepted goes to the WebSocket server', async () => {
    const accepted: Connection[] = []
    const socket = await upgraded(connections(), `Bearer ${await token()}`, (one) => accepted.push(one))
    expect([accepted.length, socket.sent, socket.destroyed]).toEqual([1, '', false])
  })

  it('that is refused gets the response of the refusal, and its socket is closed', async () => {
    const socket = await upgraded(connections(), undefined, () => expect.fail('accepted'))
    const [head = '', body = ''] = socket.sent.split('\r\n\r\n')
    expect(head.split('\r\n')).toEqual(
      expect.arrayContaining([
        'HTTP/1.1 401 Unauthorized',
        'www-authenticate: Bearer realm="api"',
        'connection: close',
        `content-length: ${Buffer.byteLength(body)}`,
      ]),
    )
    expect(JSON.parse(body)).toMatchObject({ status: 401 })
    expect(socket.destroyed).toBe(true)
  })

  it.each<[string, () => unknown]>([
    ['throws', () => expect.fail('the server')],
    ['rejects', () => Promise.reject(new Error('the server'))],
  ])('destroys the socket if the WebSocket server %s', async (_, accept) => {
    const socket = await upgraded(connections(), `Bearer ${await token()}`, accept)
    expect([socket.destroyed, lines.join()]).toEqual([true, expect.stringContaining('the server')])
  })

  it('of a client that has reset the connection accepts nothing', async () => {
    const socket = new FakeSocket()
    connections().upgrade(requestWith(`Bearer ${await token()}`), socket, () => expect.fail('accepted'))
    socket.emit('error', new Error('ECONNRESET'))
    // Takes longer, because it is verified after the other one.
    await opened(connections(), await token())
    expect([socket.destroyed, socket.sent, lines]).toEqual([true, '', []])
  })

  it('is 503 if an application’s verifier has not answered in 30 s', async () => {
    const socket = new FakeSocket()
    let isAsked = false
    const checks = checking(() => {
      isAsked = true
      return new Promise<void>(() => {})
    })
    const hanging = { ...policy, clock: time, log, checks }
    createConnections(hanging).upgrade(requestWith(`Bearer ${await token()}`), socket, () => expect.fail('accepted'))
    await settled(() => time.pending() > 0 && isAsked)
    await time.advanceAsync(30 * SECOND)
    await settled(() => socket.sent !== '')
    expect(socket.sent).toMatch(/^HTTP\/1\.1 503 Service Unavailable\r\n/)
    expect(time.pending()).toBe(0)
  })
})

describe('subprotocolToken', () => {
  const offered = (...fields: string[]): RequestView => ({ ...REQUEST, header: () => fields })
  const read = subprotocolToken('bearer')

  it.each([
    [['orders.v1, bearer.abc'], 'abc'],
    [['orders.v1', ' bearer.abc '], 'abc'],
    [['orders.v1'], undefined],
    [['xbearer.abc', 'bearer'], undefined],
    [[], undefined],
  ])('reads %j', (fields, expected) => {
    expect(read(offered(...fields))).toBe(expected)
  })

  it.each([[['bearer.a, bearer.b']], [['bearer.a', 'bearer.a']]])('refuses two tokens: %j', (fields) => {
    expect(() => read(offered(...fields))).toThrow(AuthError)
  })

  it.each(['', 'a b', 'a,b', undefined])('needs a prefix: %s', (prefix) => {
    expect(() => subprotocolToken(prefix as string)).toThrow('Cannot read subprotocol: give the prefix of the token')
  })
})

describe('options of connections', () => {
  it.each<[object, string]>([
    [{ optional: true }, 'leave out "optional", because every connection needs a token'],
    [{ verifyEvery: 0 }, '"verifyEvery" must be a number of seconds from 1 to 3600, found 0'],
    [{ requirement: undefined }, '"requirement" must not be undefined'],
    [{ requirement: 'orders:read' }, '"requirement" must be a requirement such as scope("orders:read")'],
    [{ verifyevery: 1 }, 'there is no option "verifyevery"'],
  ])('%j is an error at start-up', (options, message) => {
    expect(() => connections(options)).toThrow(message)
  })
})
