import { createMemoryDenylist, denylist } from '@claimgate/core/denylist'
import * as expressAdapter from '@claimgate/express'
import * as fastifyAdapter from '@claimgate/fastify'
import * as fetchAdapter from '@claimgate/fetch'
import { createTestClock } from '@claimgate/testing'
import express from 'express'
import fastify from 'fastify'
import { setImmediate as turn } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ISSUER, NOW } from '../support/core/refusal.ts'
import { FAILURES, THROWN_VALUES } from '../support/adapters/thrown-values.ts'
import { type Received, upload } from '../support/revocation/client.ts'
import { type Endpoints, REVOCATION_SERVERS } from '../support/revocation/servers.ts'
import {
  CLIENT,
  createRevocationWorld,
  eventToken,
  FORM,
  keys,
  logoutToken,
  RECEIVER,
} from '../support/revocation/world.ts'

const uncaught: unknown[] = []
const remember = (error: unknown): void => void uncaught.push(error ?? 'nothing')
beforeAll(() => {
  process.on('uncaughtException', remember)
  process.on('unhandledRejection', remember)
})
afterAll(() => {
  process.off('uncaughtException', remember)
  process.off('unhandledRejection', remember)
})
afterEach(async () => {
  await turn()
  if (uncaught.length > 0) throw new Error(`Uncaught: ${String(uncaught.splice(0))}`)
})

const clock = createTestClock({ wall: NOW * 1000 })
const METHODS = ['check', 'denyToken', 'denySession', 'denySubject'] as const
let fail: ((method: string) => unknown) | undefined
const revoked = denylist({ store: createMemoryDenylist(), clock })
/** A denylist whose methods fail as the test says. */
const failing = {
  ...revoked,
  ...Object.fromEntries(
    METHODS.map((method) => [
      method,
      (...given: never[]) => {
        const answer = fail?.(method)
        return answer === undefined ? (revoked[method] as (...all: never[]) => unknown)(...given) : answer
      },
    ]),
  ),
} as typeof revoked

const SOME_VALUES = THROWN_VALUES.filter(([name]) => ['undefined', "'route'", 'an error'].includes(name))
const common = { denylist: failing, issuer: ISSUER, jwks: { keys: [keys.publicJwk] }, clock }
const endpoints: Endpoints = {
  logout: { ...common, clientId: CLIENT },
  events: { ...common, audience: RECEIVER, authenticate: null },
}
const formOf = async (changes: object = {}): Promise<string> =>
  new URLSearchParams({ logout_token: await logoutToken({ ...changes }) }).toString()

/** Makes the denylist hang. Resolves, once it is asked, to a function that lets it go on. */
async function hang(): Promise<() => void> {
  return new Promise((asked) => {
    fail = () => new Promise<void>((resolve) => asked(resolve))
  })
}

/** Lets the server read until it waits for more, or for the application. */
async function waiting(): Promise<void> {
  while (clock.pending() === 0) await turn()
}

describe.each(REVOCATION_SERVERS)('44. Revocations from outside: $name', ({ start, protocol }) => {
  let server: Awaited<ReturnType<typeof start>>
  beforeAll(async () => {
    server = await start(endpoints)
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
  })
  afterEach(() => {
    fail = undefined
  })

  const post = async (path: string, body: string, type: string): Promise<Received> => {
    const sent = upload(protocol, server.port, path, { 'content-type': type })
    sent.end(body)
    return sent.answer
  }

  it('logout: 200, then 400 for the same token, and nothing may be stored by a cache', async () => {
    const form = await formOf()
    const first = await post('/logout', form, FORM)
    expect([first.status, first.body, first.headers['cache-control']]).toEqual([200, '', 'no-store'])
    const second = await post('/logout', form, FORM)
    expect([second.status, second.headers['content-type'], second.headers['cache-control']]).toEqual([
      400,
      'application/json',
      'no-store',
    ])
    expect(JSON.parse(second.body)).toMatchObject({ error: 'invalid_request' })
  })

  it('events: 202, and 400 with err', async () => {
    const good = await post('/events', await eventToken(), 'application/secevent+jwt')
    expect([good.status, good.body, good.headers['cache-control']]).toEqual([202, '', 'no-store'])
    const bad = await post('/events', await eventToken({ aud: 'other' }), 'application/secevent+jwt')
    expect([bad.status, bad.headers['content-type'], bad.headers['content-language'], JSON.parse(bad.body)]).toEqual([
      400,
      'application/json',
      'en',
      { err: 'invalid_audience', description: expect.any(String) },
    ])
  })

  it('an empty body is refused', async () => {
    expect((await post('/logout', '', FORM)).status).toBe(400)
    expect((await post('/events', '', 'application/secevent+jwt')).status).toBe(400)
    const none = upload(protocol, server.port, '/logout', {})
    none.end()
    expect((await none.answer).status).toBe(400)
  })

  it('a body in many pieces is read', async () => {
    const sent = upload(protocol, server.port, '/logout', { 'content-type': FORM })
    for (const character of (await formOf()).match(/.{1,7}/g) ?? []) {
      sent.write(character)
      await turn()
    }
    sent.end()
    expect((await sent.answer).status).toBe(200)
  })

  it('a body without end is refused after 5 s, and its connection closed', async () => {
    const sent = upload(protocol, server.port, '/logout', { 'content-type': FORM })
    sent.write('logout_token=')
    await waiting()
    clock.advance(5001)
    const answer = await sent.answer
    expect([answer.status, answer.body]).toEqual([408, ''])
    if (protocol === 'http/1.1') {
      sent.write('more')
      await sent.closed
    } else sent.reset()
  })

  it('a body of more than 64 KiB is refused, also if its length is not told', async () => {
    const sent = upload(protocol, server.port, '/logout', { 'content-type': FORM })
    sent.write('a'.repeat(65_537))
    const answer = await sent.answer.catch(() => undefined)
    // The connection may be closed before a client that still writes reads the answer.
    expect(answer?.status ?? 413).toBe(413)
    sent.write('a'.repeat(65_537))
    if (protocol === 'http/1.1') await sent.closed
    else sent.reset()
    expect((await post('/logout', await formOf(), FORM)).status).toBe(200)
  })

  it('clients that disconnect during the body, or while the denylist is asked, change nothing', async () => {
    const during = upload(protocol, server.port, '/logout', { 'content-type': FORM })
    during.write('logout_token=abc')
    await waiting()
    during.reset()
    await during.closed
    while (clock.pending() > 0) await turn()

    const hanging = hang()
    const later = upload(protocol, server.port, '/logout', { 'content-type': FORM })
    later.end(await formOf())
    const release = await hanging
    later.reset()
    await later.closed
    fail = undefined
    release()
    while (clock.pending() > 0) await turn()
    expect((await post('/logout', await formOf(), FORM)).status).toBe(200)
  })

  it('a denylist that hangs: 503', async () => {
    const hanging = hang()
    const sent = upload(protocol, server.port, '/logout', { 'content-type': FORM })
    sent.end(await formOf())
    await hanging
    await turn()
    clock.advance(5001)
    const answer = await sent.answer
    expect([answer.status, answer.headers['retry-after'], answer.body]).toEqual([503, '1', ''])
  })

  it.each(METHODS)('a denylist whose "%s" fails in any way: 503, and the same token may come again', async (method) => {
    const changes = method === 'denySubject' ? { sid: undefined } : {}
    const form = await formOf(changes)
    for (const [, failWith] of FAILURES)
      for (const [name, value] of SOME_VALUES) {
        fail = (called) => (called === method ? failWith(value) : undefined)
        expect((await post('/logout', form, FORM)).status, name).toBe(503)
      }
    fail = undefined
    expect((await post('/logout', form, FORM)).status).toBe(200)
  })
})

describe('44. Any failure of the application is 503', () => {
  const wrong: readonly (readonly [string, unknown])[] = [
    ['true', true],
    ['a promise of false', Promise.resolve(false)],
    ['a promise of text', Promise.resolve('ok')],
    ['an object', {}],
  ]

  it.each(METHODS)('of "%s", whatever it throws or answers', async (method) => {
    const token = await logoutToken(method === 'denySubject' ? { sid: undefined } : {})
    const world = createRevocationWorld({ logout: { denylist: failing, clock } })
    for (const [name, value] of THROWN_VALUES)
      for (const [how, failWith] of FAILURES) {
        fail = (called) => (called === method ? failWith(value) : undefined)
        expect((await world.logOut(token)).status, `${how} ${name}`).toBe(503)
      }
    for (const [name, answer] of wrong) {
      fail = (called) => (called === method ? answer : undefined)
      expect((await world.logOut(token)).status, name).toBe(503)
    }
    fail = undefined
    expect((await world.logOut(token)).status).toBe(200)
  })

  it('of "authenticate", whatever it throws', async () => {
    for (const [name, value] of THROWN_VALUES)
      for (const [how, failWith] of FAILURES) {
        const authenticate = (): Promise<boolean> => failWith(value) as Promise<boolean>
        const world = createRevocationWorld({ events: { authenticate } })
        expect((await world.push(await eventToken())).status, `${how} ${name}`).toBe(503)
      }
  })

  it('of a full store', async () => {
    const store = createMemoryDenylist({ maxEntries: 1, clock })
    await store.add('other', { issuedUpTo: NOW, expiresAt: NOW + 1000 })
    const world = createRevocationWorld({ store })
    expect([(await world.logOut(await logoutToken())).status, (await world.push(await eventToken())).status]).toEqual([
      503, 503,
    ])
  })

  it('of the log, which changes nothing', async () => {
    const log = {
      warn: () => {
        throw new Error('full')
      },
    }
    const world = createRevocationWorld({ logout: { log } })
    expect([(await world.form('')).status, (await world.logOut(await logoutToken())).status]).toEqual([400, 200])
  })
})

describe('44. The log tells why a request was refused', () => {
  it('without the token', async () => {
    const lines: string[] = []
    const log = { warn: (line: string) => lines.push(line) }
    const world = createRevocationWorld({ logout: { log }, events: { log } })
    await world.logOut(await logoutToken({ aud: 'other' }))
    await world.push(await eventToken({ iss: 'https://other.example' }))
    await world.form('')
    expect(lines).toEqual([
      expect.stringMatching(/^Request refused \(audience_mismatch\): .*shop.*other/),
      expect.stringMatching(/^Request refused \(issuer_mismatch\): .*other\.example/),
      expect.stringMatching(/^Request refused \(credential_malformed\): .*exactly one .*logout_token/),
    ])
  })
})

describe('44. A body that Express has parsed before', () => {
  it.each([
    ['urlencoded', express.urlencoded({ extended: false })],
    ['urlencoded, extended', express.urlencoded({ extended: true })],
    ['text', express.text({ type: '*/*' })],
    ['raw', express.raw({ type: '*/*' })],
    ['json, which ignores it', express.json()],
  ])('by %s is used', async (_, parser) => {
    const [, express5Server] = REVOCATION_SERVERS
    if (express5Server === undefined) throw new Error('no server')
    await using server = await express5Server.start({ ...endpoints, before: [parser] })
    const send = async (body: string): Promise<number> => {
      const sent = upload('http/1.1', server.port, '/logout', { 'content-type': FORM })
      sent.end(body)
      return (await sent.answer).status
    }
    const form = await formOf()
    expect(await send(`${form}&${form}`)).toBe(400)
    expect(await send(form.replace('logout_token', 'logout_token[]'))).toBe(400)
    expect(await send('')).toBe(400)
    expect(await send(form)).toBe(200)
  })

  it('and thrown away: 503, because no answer is true', async () => {
    const [, express5Server] = REVOCATION_SERVERS
    if (express5Server === undefined) throw new Error('no server')
    const lines: string[] = []
    const before: express.RequestHandler = (req, _res, next) => void req.on('end', next).resume()
    const log = { warn: (line: string) => lines.push(line) }
    const logout = { ...endpoints.logout, log }
    await using server = await express5Server.start({ ...endpoints, logout, before: [before] })
    const sent = upload('http/1.1', server.port, '/logout', { 'content-type': FORM })
    sent.end(await formOf())
    expect((await sent.answer).status).toBe(503)
    expect(lines[0]).toContain('check_unavailable')
  })
})

describe('44. A request of `fetch` whose body is being read elsewhere', () => {
  it('gets 503, because no answer is true', async () => {
    const { receiveLogout, receiveEvent } = createRevocationWorld()
    for (const receive of [receiveLogout, receiveEvent]) {
      const headers = { 'content-type': receive === receiveLogout ? FORM : 'application/secevent+jwt' }
      const request = new Request('https://api.example/', { method: 'POST', headers, body: 'a=b' })
      request.body?.getReader()
      expect((await receive(request)).status).toBe(503)
    }
  })
})

describe('44. A handler that was passed uncalled', () => {
  it('says what to write', async () => {
    const request = { headers: {}, method: 'POST' } as never
    expect(() => expressAdapter.backchannelLogout(request)).toThrow('was passed uncalled: write app.post(')
    expect(() => expressAdapter.securityEvents(request)).toThrow('was passed uncalled: write app.post(')
    await expect(fastify().register(fastifyAdapter.backchannelLogout as never)).rejects.toThrow('was passed uncalled')
    await expect(fastify().register(fastifyAdapter.securityEvents as never)).rejects.toThrow('was passed uncalled')
  })
})

describe('44. A request of the Fetch API', () => {
  const sent = async (body?: BodyInit): Promise<Request> =>
    new Request('https://api.example/', { method: 'POST', headers: { 'content-type': FORM }, ...(body && { body }) })
  const logOut = fetchAdapter.backchannelLogout(endpoints.logout)

  it('without a body is refused', async () => {
    expect((await logOut(await sent())).status).toBe(400)
  })

  it.each<readonly [string, (request: Request) => unknown]>([
    ['was read', (request) => request.text()],
    ['is being read', (request) => request.body?.getReader()],
  ])('whose body %s has status 503, because the revocation is not known', async (_, read) => {
    const request = await sent(`logout_token=${await logoutToken()}`)
    await read(request)
    expect((await logOut(request)).status).toBe(503)
  })

  it('is read only as far as needed', async () => {
    let cancelled = false
    const body = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
      cancel: () => {
        cancelled = true
      },
    })
    const init = { method: 'POST', headers: { 'content-type': FORM }, body, duplex: 'half' } as RequestInit
    expect((await logOut(new Request('https://api.example/', init))).status).toBe(413)
    expect(cancelled).toBe(true)
  })

  it.each([
    ['backchannelLogout', fetchAdapter.backchannelLogout, 'backchannelLogout({ denylist, issuer, clientId })'],
    ['securityEvents', fetchAdapter.securityEvents, 'securityEvents({ denylist, issuer, audience, authenticate })'],
    ['resourceMetadata', fetchAdapter.resourceMetadata, 'const metadata = resourceMetadata(resource)'],
  ] as const)('needs options for %s', (name, make, call) => {
    expect(() => make(new Request('https://api.example/') as never)).toThrow(
      new TypeError(`${name} was passed uncalled: write ${call}`),
    )
  })
})
