import { createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout } from 'node:timers/promises'

import { afterEach, describe, expect, it } from 'vitest'

import { type FetchLike, systemClock } from '../../../../packages/core/src/model/runtime.ts'
import { defaultFetch as webFetch } from '../../../../packages/core/src/platform/default-fetch.web.ts'
import { undiciFetch } from '../../../../packages/core/src/platform/default-fetch.node.ts'
import { remoteKeySet } from '../../../../packages/core/src/keys/remote/key-set.ts'
import { fetchDocument } from '../../../../packages/core/src/keys/fetch/fetch-document.ts'

const KEYS = '{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"old"}]}'
const ANSWER = `HTTP/1.1 200 OK\r\nkeep-alive: timeout=600\r\ncontent-length: ${KEYS.length}\r\n\r\n${KEYS}`

type Answer = (socket: Socket, turn: { readonly connection: number; readonly request: number }) => void
const stops: (() => void)[] = []
afterEach(() => {
  for (const stop of stops.splice(0)) stop()
})

// Counts requests over all connections, and within each.
async function serve(answer: Answer): Promise<{ readonly url: URL; readonly seen: () => number }> {
  let connection = 0
  let seen = 0
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    const place = (connection += 1)
    let request = 0
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('data', () => {
      seen += 1
      request += 1
      answer(socket, { connection: place, request })
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  stops.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`), seen: () => seen }
}

// Like a server or a load balancer that closed the idle connection just before the request arrived.
const closesReused =
  (close: (socket: Socket) => void): Answer =>
  (socket, { request }) => {
    if (request === 1) socket.write(ANSWER)
    else close(socket)
  }

const transports: readonly (readonly [string, () => FetchLike])[] = [
  ['undici', () => undiciFetch()],
  ['the fetch of the runtime', () => async (url, init) => webFetch(url, init)],
]

describe.each(transports)('a request through %s over a connection that the server has closed', (_, transport) => {
  const getter = (url: URL) => {
    const fetch = transport()
    return async () => {
      // The transport needs some time to detect that a connection is idle.
      await setTimeout(50)
      return fetchDocument(url, { fetch, clock: systemClock, timeout: 5, maxBytes: 1000 })
    }
  }

  it.each<[string, (socket: Socket) => void]>([
    ['resets', (socket) => void socket.resetAndDestroy()],
    ['ends', (socket) => void socket.end()],
  ])('is sent once more immediately if the server %s it', async (_how, close) => {
    const { url, seen } = await serve(closesReused(close))
    const get = getter(url)
    expect(await get()).toMatchObject({ status: 200 })
    expect(await get()).toMatchObject({ status: 200 })
    expect(seen()).toBe(3)
    expect(await get()).toMatchObject({ status: 200 })
  })

  it('is sent at most twice, and then once until the server answers again', async () => {
    let isDown = false
    const { url, seen } = await serve((socket) => {
      if (isDown) socket.resetAndDestroy()
      else socket.write(ANSWER)
    })
    const get = getter(url)
    await get()
    isDown = true
    await expect(get()).rejects.toMatchObject({ reason: 'network' })
    expect(seen()).toBe(3)
    await expect(get()).rejects.toMatchObject({ reason: 'network' })
    expect(seen()).toBe(4)
    isDown = false
    await get()
    isDown = true
    await expect(get()).rejects.toMatchObject({ reason: 'network' })
    expect(seen()).toBe(7)
  })

  it('is sent once if the connection is the first', async () => {
    const { url, seen } = await serve((socket) => void socket.resetAndDestroy())
    await expect(getter(url)()).rejects.toMatchObject({ reason: 'network' })
    expect(seen()).toBe(1)
  })

  it('is not sent again if the answer is interrupted', async () => {
    const { url, seen } = await serve((socket, { request }) => {
      if (request === 1) socket.write(ANSWER)
      else socket.write(ANSWER.slice(0, -3), () => socket.resetAndDestroy())
    })
    const get = getter(url)
    await get()
    await expect(get()).rejects.toMatchObject({ reason: 'network' })
    expect(seen()).toBe(2)
  })

  it('does not make a warm key set fail', async () => {
    const { url } = await serve(closesReused((socket) => void socket.resetAndDestroy()))
    const events: string[] = []
    const keys = remoteKeySet(url, { fetch: transport(), onEvent: ({ type }) => void events.push(type) })
    const unknown = { alg: 'EdDSA', kid: 'new' } as const
    await expect(keys.resolve(unknown)).rejects.toMatchObject({ code: 'key_not_found' })
    await setTimeout(50)
    await expect(keys.resolve(unknown)).rejects.toMatchObject({ code: 'key_not_found' })
    expect(events).not.toContain('keys.stale')
    expect(events).not.toContain('keys.unavailable')
    keys.close()
  })
})
