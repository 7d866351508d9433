import { once } from 'node:events'
import type { Server } from 'node:http'
import { createRequire } from 'node:module'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { glueLines, INSTALLED, recipeCode } from '../support/recipes/page.ts'
import { type RecipeWorld, startRecipe, withShortLife } from '../support/recipes/world.ts'

/** The client of `ws`. */
interface Client {
  readonly protocol: string
  on(event: string, listener: (...values: unknown[]) => void): unknown
  once(event: string, listener: (...values: unknown[]) => void): unknown
  send(data: string | Buffer): void
  close(): void
  terminate(): void
}
const { WebSocket: WsClient } = createRequire(join(INSTALLED, 'package.json'))('ws') as {
  readonly WebSocket: new (url: string, protocols: readonly string[], options: object) => Client
}

/** The recipe with handlers that count. */
const COUNTING = `
import { createServer } from 'node:http'
import { acceptSockets } from './auth.mjs'
export const seen = []
export const server = createServer()
server.on('upgrade', acceptSockets((ws, text, token) => {
  seen.push(text)
  ws.send(text + ' ' + token.claims.sub + ' ' + [...token.scopes].join(' '))
}))
server.listen(0, '127.0.0.1')
`
interface Loaded {
  readonly server: Server
  readonly seen: string[]
}

let world: RecipeWorld
let main: Loaded & { readonly url: string; readonly port: number }
/** A handshake while the endpoint for keys hangs. It takes five seconds, so it begins first. */
let hanging: ReturnType<typeof refused>

beforeAll(async () => {
  vi.spyOn(console, 'warn').mockReturnValue()
  process.env['PORT'] = '0'
  const files = { 'auth.mjs': 'auth', 'server.mjs': 'server', 'browser.mjs': 'browser' }
  world = await startRecipe('ws', files, { 'counting.mjs': COUNTING })
  world.keys.at('/hang.json').behave({ kind: 'hang' })
  process.env['JWT_JWKS_URI'] = world.keys.urlOf('/hang.json')
  const hung = await start('counting.mjs')
  hanging = refused(open(hung.url, await world.token())).finally(() => hung.server.close())
  process.env['JWT_JWKS_URI'] = world.keys.url
  main = await start('counting.mjs')
}, 60_000)
afterAll(async () => {
  await stop(main.server)
  await world.close()
})

async function start(file: string): Promise<typeof main> {
  const loaded = await world.load<Loaded>(file)
  if (!loaded.server.listening) await once(loaded.server, 'listening')
  const { port } = loaded.server.address() as AddressInfo
  return { server: loaded.server, seen: loaded.seen, port, url: `ws://127.0.0.1:${port}/` }
}

async function stop(server: Server): Promise<void> {
  const stopped = once(server, 'close')
  server.close()
  await stopped
}

function open(url: string, token?: string, protocols: readonly string[] = []): Client {
  return new WsClient(url, protocols, { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } })
}

/** Waits for an event, with its values. */
const event = (client: Client, name: string): Promise<unknown[]> =>
  new Promise((resolve) => client.once(name, (...values) => resolve(values)))

async function message(client: Client): Promise<string> {
  return String((await event(client, 'message'))[0])
}

async function closed(client: Client): Promise<string> {
  const [code, reason] = await event(client, 'close')
  return `${String(code)} ${String(reason)}`
}

/** The status and header fields of a refused handshake. */
async function refused(client: Client): Promise<{ readonly status: number; readonly headers: NodeJS.Dict<string> }> {
  client.on('error', () => {})
  const [, response] = (await event(client, 'unexpected-response')) as [
    unknown,
    { statusCode: number; headers: NodeJS.Dict<string>; resume(): void },
  ]
  response.resume()
  client.terminate()
  return { status: response.statusCode, headers: response.headers }
}

async function echo(client: Client, text: string): Promise<string> {
  client.send(text)
  return message(client)
}

it('needs at most 15 lines', () => {
  expect(glueLines(recipeCode('ws', 'auth'))).toBe(15)
})

describe('the recipe for ws', () => {
  it('opens with a token in the header, for programs', async () => {
    const client = open(main.url, await world.token())
    await event(client, 'open')
    expect(await echo(client, 'hello')).toBe('hello ada orders:read')
    client.close()
    expect(await closed(client)).toMatch(/^1005/)
  })

  it('opens with a token in a subprotocol, for browsers, and does not send it back', async () => {
    const page = await world.load<{
      connect(url: string, token: string): WebSocket
      renew(socket: WebSocket, token: string): void
    }>('browser.mjs')
    const { server } = await world.load<Loaded>('server.mjs')
    if (!server.listening) await once(server, 'listening')
    const socket = page.connect(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`, await world.token())
    const next = (): Promise<string> =>
      new Promise((resolve) => socket.addEventListener('message', ({ data }) => resolve(String(data)), { once: true }))
    await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }))
    expect(socket.protocol).toBe('orders.v1')
    socket.send('hello')
    expect(await next()).toBe('ada: hello')
    const exp = Math.floor(Date.now() / 1000) + 900
    page.renew(socket, await world.token({ exp }))
    expect(JSON.parse(await next())).toEqual({ status: 200, expiresAt: exp * 1000 })
    socket.close()
    await stop(server)
  })

  it.each([
    ['no token', () => [], 401],
    ['a forged token', async () => ['orders.v1', `bearer.${await world.forgedToken()}`], 401],
    ['an expired token', async () => [`bearer.${await world.token({ exp: 1_700_000_000 })}`], 401],
    [
      'a token within the tolerance for clocks',
      async () => [`bearer.${await world.token({ exp: Date.now() / 1000 - 1 })}`],
      401,
    ],
    ['a missing scope', async () => [`bearer.${await world.token({ scope: 'other' })}`], 403],
    ['two tokens', async () => [`bearer.${await world.token()}`, `bearer.${await world.token({ jti: '2' })}`], 400],
  ])('refuses the handshake: %s', async (_, protocols, status) => {
    const response = await refused(open(main.url, undefined, await protocols()))
    expect(response.status).toBe(status)
    expect(response.headers['www-authenticate']).toMatch(/^Bearer realm="api"/)
    expect(JSON.stringify(response.headers)).not.toContain('eyJ')
  })

  it('answers 503 while keys are unavailable, and opens afterwards', async () => {
    const cold = await start('counting.mjs')
    await world.keys.behave({ kind: 'status', status: 500 })
    const response = await refused(open(cold.url, await world.token()))
    await world.keys.behave({ kind: 'ok' })
    expect(response.status).toBe(503)
    expect(Number(response.headers['retry-after'])).toBeGreaterThan(0)
    expect(response.headers['www-authenticate']).toBeUndefined()
    await stop(cold.server)
  })

  it('closes at exp with a code that says so', async () => {
    const end = await withShortLife(async (seconds) => {
      const client = open(main.url, await world.token({ exp: Date.now() / 1000 + seconds }))
      return Promise.race([closed(client), refused(client).then(() => undefined)])
    })
    expect(end).toBe('3000 token_expired')
  })

  it('stays open with another token of the same subject, whose scopes count, until that expires', async () => {
    const end = await withShortLife(async (seconds) => {
      const exp = Date.now() / 1000 + seconds
      const client = open(main.url, await world.token({ exp }))
      const over = Promise.race([closed(client), refused(client)])
      const next = await world.token({ exp: exp + seconds, scope: 'orders:read more' })
      client.once('open', () => client.send(`authenticate ${next}`))
      const renewed = await Promise.race([over, message(client)])
      if (renewed !== JSON.stringify({ status: 200, expiresAt: (exp + seconds) * 1000 })) return undefined
      const echoed = await Promise.race([over, echo(client, 'still here')])
      if (echoed !== 'still here ada orders:read more') return undefined
      const reason = await over
      expect(Date.now() / 1000).toBeGreaterThanOrEqual(exp + seconds)
      return reason
    })
    expect(end).toBe('3000 token_expired')
  })

  it.each([
    ['of another subject', () => world.token({ sub: 'eve' }), '3000 invalid_token'],
    ['that is forged', () => world.forgedToken(), '3000 invalid_token'],
    ['that has expired', () => world.token({ exp: 1_700_000_000 }), '3000 token_expired'],
    ['without the scope', () => world.token({ scope: '' }), '3003 insufficient_scope'],
    ['that is empty', () => '', '3000 no_token'],
    ['of 60 KB', () => 'x'.repeat(60_000), '3000 invalid_token'],
  ])('closes for a token %s', async (_, token, expected) => {
    const client = open(main.url, await world.token())
    await event(client, 'open')
    const end = closed(client)
    client.send(`authenticate ${await token()}`)
    expect(await end).toBe(expected)
  })
})

// Vitest fails on unhandled rejections and exceptions.
describe('an attack on the recipe for ws', () => {
  /** A handshake on a raw socket. */
  async function handshake(port: number, token: string, more = ''): Promise<Socket> {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    const fields = [
      'GET / HTTP/1.1',
      'Host: a',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      `Authorization: Bearer ${token}`,
    ]
    socket.write(`${fields.join('\r\n')}\r\n\r\n${more}`, 'latin1')
    await once(socket, 'connect')
    return socket
  }
  /** A text frame of a client, with a mask of zeros. */
  const frame = (text: string): string => `\x81${String.fromCodePoint(0x80 + text.length)}\0\0\0\0${text}`

  it('cannot send messages before it is authenticated', async () => {
    const cold = await start('counting.mjs')
    world.keys.forget()
    world.keys.once({ kind: 'ok', delay: 100 }, { kind: 'ok', delay: 100 })
    const [bad, good] = await Promise.all([
      handshake(cold.port, await world.forgedToken(), frame('too early')),
      handshake(cold.port, await world.token(), frame('early')),
    ])
    await world.keys.received(1)
    expect(cold.seen).toEqual([])
    const [answer] = (await once(bad, 'data')) as [Buffer]
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n/)
    await once(good, 'data')
    await vi.waitFor(() => expect(cold.seen).toEqual(['early']))
    good.destroy()
    await stop(cold.server)
  })

  it('cannot end the process with a reset while keys are fetched, or a half-closed socket', async () => {
    const cold = await start('counting.mjs')
    world.keys.forget()
    world.keys.once({ kind: 'ok', delay: 100 })
    const token = await world.token()
    const sockets = await Promise.all(
      [token, token, await world.forgedToken()].map((text) => handshake(cold.port, text)),
    )
    await world.keys.received(1)
    sockets[0]?.resetAndDestroy()
    sockets[1]?.end()
    sockets[2]?.destroy()
    await world.keys.idle()
    const next = open(cold.url, token)
    await event(next, 'open')
    next.close()
    for (const socket of sockets) socket.destroy()
    await stop(cold.server)
    expect(cold.seen).toEqual([])
  })

  it('cannot make a handshake hang with the endpoint for keys', async () => {
    expect((await hanging).status).toBe(503)
  })

  it('cannot send messages after the end, without answering the close', async () => {
    const close = await withShortLife(async (seconds) => {
      const socket = await handshake(main.port, await world.token({ exp: Date.now() / 1000 + seconds }))
      const [answer] = (await once(socket, 'data')) as [Buffer]
      if (!answer.toString().startsWith('HTTP/1.1 101 ')) return undefined
      const [frameOfEnd] = (await once(socket, 'data')) as [Buffer]
      socket.end(frame('late'), 'latin1')
      await once(socket, 'close')
      return frameOfEnd
    })
    expect(close.subarray(0, 4)).toEqual(Buffer.from([0x88, 15, 3000 >> 8, 3000 & 255]))
    expect(main.seen).not.toContain('late')
  })

  it('cannot send a huge message', async () => {
    const client = open(main.url, await world.token())
    client.on('error', () => {})
    await event(client, 'open')
    const end = closed(client)
    client.send(Buffer.alloc(1024 * 1024, 'a'))
    expect(await end).toMatch(/^1009/)
  })

  it('cannot have two tokens verified at a time, or a flood of them', async () => {
    const client = open(main.url, await world.token())
    await event(client, 'open')
    const end = closed(client)
    for (let count = 0; count < 200; count += 1)
      client.send(`authenticate ${await world.token({ jti: String(count) })}`)
    expect(await end).toBe('1008 invalid_request')
  })

  it('does not keep a server from closing that waits for keys', async () => {
    const cold = await start('counting.mjs')
    world.keys.forget()
    world.keys.once({ kind: 'ok', delay: 50 })
    const client = open(cold.url, await world.token())
    await world.keys.received(1)
    const stopped = stop(cold.server)
    await event(client, 'open')
    expect(await echo(client, 'last')).toBe('last ada orders:read')
    client.terminate()
    await stopped
  })
})
