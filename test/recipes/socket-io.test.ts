import { once } from 'node:events'
import type { Server } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { glueLines, INSTALLED, recipeCode } from '../support/recipes/page.ts'
import { type RecipeWorld, startRecipe, withShortLife } from '../support/recipes/world.ts'

interface Client {
  readonly connected: boolean
  readonly recovered: boolean
  readonly io: { readonly engine: { close(): void; readonly transport: { readonly name: string; close(): void } } }
  once(event: string, listener: (...values: unknown[]) => void): unknown
  emit(event: string, ...values: unknown[]): unknown
  disconnect(): void
}
const { io: connectIo } = createRequire(join(INSTALLED, 'package.json'))('socket.io-client') as {
  readonly io: (url: string, options: object) => Client
}

/** The recipe with sockets that recover without middleware, the default of Socket.IO. */
const RECOVERING = `
import { createServer } from 'node:http'
import { Server } from 'socket.io'
import { authenticate } from './auth.mjs'
export const server = createServer()
export const io = new Server(server, { connectionStateRecovery: {}, cleanupEmptyChildNamespaces: true })
authenticate(io.of('/'))
io.on('new_namespace', authenticate)
io.of(/^\\/shop-\\d+$/)
io.on('connection', (socket) => socket.join('orders'))
server.listen(0, '127.0.0.1')
`
interface SocketIo {
  readonly _nsps: ReadonlyMap<string, unknown>
  close(): Promise<void>
  to(room: string): { emit(event: string, ...values: unknown[]): void }
  of(name: string): {
    on(event: 'connection', listener: (socket: { on(event: string, run: () => void): void }) => void): void
  }
}
interface Loaded {
  readonly server: Server
  readonly io: SocketIo
}

let world: RecipeWorld
let main: Loaded & { readonly url: string; readonly seen: string[] }

beforeAll(async () => {
  vi.spyOn(console, 'warn').mockReturnValue()
  process.env['PORT'] = '0'
  world = await startRecipe(
    'socket-io',
    { 'auth.mjs': 'auth', 'server.mjs': 'server', 'client.mjs': 'client' },
    { 'recovering.mjs': RECOVERING },
  )
  main = await start()
}, 60_000)
afterAll(async () => {
  await main.io.close()
  await world.close()
})

async function start(file = 'server.mjs'): Promise<typeof main> {
  const { server, io } = await world.load<Loaded>(file)
  if (!server.listening) await once(server, 'listening')
  const seen: string[] = []
  for (const name of ['/', '/admin'])
    io.of(name).on('connection', (socket) => {
      seen.push(`connection ${name}`)
      socket.on('order', () => seen.push(`order ${name}`))
    })
  return { server, io, seen, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

function open(url: string, token: unknown, options: object = {}): Client {
  return connectIo(url, { forceNew: true, reconnection: false, transports: ['websocket'], auth: { token }, ...options })
}

const event = (client: Client, name: string): Promise<unknown[]> =>
  new Promise((resolve) => client.once(name, (...values) => resolve(values)))

async function refused(client: Client): Promise<unknown> {
  const [error] = (await event(client, 'connect_error')) as [Error & { readonly data: { readonly status: number } }]
  client.disconnect()
  return `${error.data.status} ${error.message}`
}

async function ended(client: Client): Promise<string> {
  const gone = event(client, 'disconnect')
  const [end] = (await event(client, 'ended')) as [
    { readonly status: number; readonly code: number; readonly reason: string },
  ]
  await gone
  return `${end.status} ${end.code} ${end.reason}`
}

it('needs at most 15 lines', () => {
  expect(glueLines(recipeCode('socket-io', 'auth'))).toBe(15)
})

describe('the recipe for Socket.IO', () => {
  it.each([
    ['WebSockets', async () => open(main.url, await world.token())],
    ['polling', async () => open(main.url, await world.token(), { transports: ['polling'] })],
    ['another namespace', async () => open(`${main.url}/admin`, await world.token())],
    [
      'a header field',
      async () => open(main.url, undefined, { extraHeaders: { authorization: `Bearer ${await world.token()}` } }),
    ],
  ])('opens with a good token: %s', async (name, connect) => {
    const client = await connect()
    await event(client, 'connect')
    client.emit('order', 'tea')
    if (name !== 'another namespace') expect(await event(client, 'order')).toEqual(['ada: tea'])
    expect(client.connected).toBe(true)
    client.disconnect()
  })

  it('gives a client the token of the moment when it connects, and a way to renew', async () => {
    const page = await world.load<{
      connect(url: string, getToken: () => Promise<string>): Client
      renew(socket: Client, getToken: () => Promise<string>): Promise<void>
    }>('client.mjs')
    const client = page.connect(main.url, () => world.token())
    await event(client, 'connect')
    const exp = Math.floor(Date.now() / 1000) + 900
    await page.renew(client, () => world.token({ exp }))
    expect(await event(client, 'authenticated')).toEqual([{ status: 200, expiresAt: exp * 1000 }])
    client.disconnect()
  })

  it.each([
    ['no token', () => undefined, '401 no_token'],
    ['a forged token', () => world.forgedToken(), '401 invalid_token'],
    ['an expired token', () => world.token({ exp: 1_700_000_000 }), '401 token_expired'],
    ['a missing scope', () => world.token({ scope: '' }), '403 insufficient_scope'],
    ['a token that is no text', () => ({ toString: 'x' }), '400 invalid_request'],
    ['a token of 900 KB', () => 'x'.repeat(900_000), '401 invalid_token'],
  ])('refuses, in every namespace: %s', async (_, token, expected) => {
    main.seen.length = 0
    expect(await refused(open(main.url, await token()))).toBe(expected)
    expect(await refused(open(`${main.url}/admin`, await token(), { transports: ['polling'] }))).toBe(expected)
    expect(main.seen).toEqual([])
  })

  it('says that keys are unavailable, and opens afterwards', async () => {
    const cold = await start()
    await world.keys.behave({ kind: 'status', status: 500 })
    expect(await refused(open(cold.url, await world.token()))).toBe('503 unavailable')
    await world.keys.behave({ kind: 'ok' })
    expect(cold.seen).toEqual([])
    await cold.io.close()
  })

  it.each(['websocket', 'polling'])('disconnects at exp, and says so: %s', async (transport) => {
    const end = await withShortLife(async (seconds) => {
      const client = open(main.url, await world.token({ exp: Date.now() / 1000 + seconds }), {
        transports: [transport],
      })
      return Promise.race([ended(client), event(client, 'connect_error').then(() => undefined)])
    })
    expect(end).toBe('401 3000 token_expired')
  })

  it('stays connected with another token of the same subject, until that expires', async () => {
    const end = await withShortLife(async (seconds) => {
      const exp = Date.now() / 1000 + seconds
      const client = open(main.url, await world.token({ exp }))
      const over = Promise.race([ended(client), event(client, 'connect_error')])
      const next = await world.token({ exp: exp + seconds })
      client.once('connect', () => client.emit('authenticate', next))
      const renewed = await Promise.race([over, event(client, 'authenticated')])
      if (JSON.stringify(renewed) !== JSON.stringify([{ status: 200, expiresAt: (exp + seconds) * 1000 }]))
        return undefined
      const reason = await over
      expect(Date.now() / 1000).toBeGreaterThanOrEqual(exp + seconds)
      return reason
    })
    expect(end).toBe('401 3000 token_expired')
  })

  it.each([
    ['of another subject', () => world.token({ sub: 'eve' }), '401 3000 invalid_token'],
    ['that is forged', () => world.forgedToken(), '401 3000 invalid_token'],
    ['without the scope', () => world.token({ scope: '' }), '403 3003 insufficient_scope'],
    ['that is null', () => null, '400 1008 invalid_request'],
    ['that is missing', () => undefined, '401 3000 no_token'],
  ])('disconnects for a token %s', async (_, token, expected) => {
    const client = open(main.url, await world.token())
    await event(client, 'connect')
    const end = ended(client)
    client.emit('authenticate', ...[await token()].filter((value) => value !== undefined))
    expect(await end).toBe(expected)
  })
})

// Vitest fails on unhandled rejections and exceptions.
describe('an attack on the recipe for Socket.IO', () => {
  it('cannot send events before it is authenticated', async () => {
    const cold = await start()
    world.keys.forget()
    world.keys.once({ kind: 'ok', delay: 100 })
    const { WebSocket } = globalThis
    const raw = new WebSocket(`${cold.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`)
    await new Promise((resolve) => raw.addEventListener('message', resolve, { once: true }))
    raw.send(`40${JSON.stringify({ token: await world.forgedToken() })}`)
    for (const packet of ['42["order","x"]', '42/admin,["order","x"]', '421["authenticate",{}]', '40/admin,{}'])
      raw.send(packet)
    await new Promise((resolve) => raw.addEventListener('close', resolve, { once: true }))
    await world.keys.idle()
    expect(cold.seen).toEqual([])
    await cold.io.close()
  })

  it.each([
    '40',
    '40{}',
    '40[]',
    '40null',
    '40{"token":{"__proto__":{}}}',
    '40{"token":[1]}',
    '40/admin,{"token":null}',
  ])('cannot end the process with a malformed packet: %s', async (packet) => {
    main.seen.length = 0
    const raw = new globalThis.WebSocket(`${main.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`)
    const received: string[] = []
    const answered = new Promise<void>((resolve) => {
      raw.addEventListener('message', ({ data }) => {
        received.push(String(data))
        if (received.length === 1) raw.send(packet)
        else resolve()
      })
      raw.addEventListener('close', () => resolve())
    })
    await answered
    raw.close()
    expect(received.slice(1).filter((text) => !text.startsWith('44'))).toEqual([])
    expect(main.seen).toEqual([])
  })

  it('cannot end the process by leaving while keys are fetched', async () => {
    const cold = await start()
    world.keys.forget()
    world.keys.once({ kind: 'ok', delay: 400 })
    const client = open(cold.url, await world.token())
    await world.keys.received(1)
    client.io.engine.transport.close()
    client.disconnect()
    await world.keys.idle()
    const next = open(cold.url, await world.token())
    await event(next, 'connect')
    next.disconnect()
    expect(cold.seen).toEqual(['connection /'])
    await cold.io.close()
  })

  it('cannot have two tokens verified at a time', async () => {
    const client = open(main.url, await world.token())
    await event(client, 'connect')
    const end = ended(client)
    const tokens = await Promise.all(['1', '2', '3'].map((jti) => world.token({ jti })))
    for (const token of tokens) client.emit('authenticate', token, () => {})
    expect(await end).toBe('400 1008 invalid_request')
  })

  it('cannot recover a socket without another check, or leave dynamic namespaces behind', async () => {
    const recovering = await start('recovering.mjs')
    expect(await refused(open(`${recovering.url}/shop-1`, undefined))).toBe('401 no_token')
    expect([...recovering.io._nsps.keys()]).toEqual(['/', '/admin'])
    const client = open(recovering.url, await world.token(), { reconnection: true, reconnectionDelay: 1 })
    await event(client, 'connect')
    const received = event(client, 'news')
    recovering.io.to('orders').emit('news', 'the offset that recovery needs')
    await received
    const lost = event(client, 'disconnect')
    client.io.engine.close()
    await lost
    const recovered = event(client, 'connect').then(() => client.recovered)
    const [reason] = await event(client, 'disconnect')
    expect([await recovered, reason]).toEqual([true, 'io server disconnect'])
    await recovering.io.close()
  })

  it('leaves nothing open if the server closes meanwhile', async () => {
    const cold = await start()
    world.keys.forget()
    world.keys.once({ kind: 'ok', delay: 50 })
    const client = open(cold.url, await world.token())
    await world.keys.received(1)
    await cold.io.close()
    await world.keys.idle()
    expect(client.connected).toBe(false)
    expect(cold.seen).toEqual([])
    client.disconnect()
  })
})
