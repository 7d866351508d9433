import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'

import { describe, expect, it, onTestFinished } from 'vitest'

import { undiciFetch, webStream } from '../../../packages/core/src/platform/default-fetch.node.ts'

/** A stream with bytes to read, and no end. */
const underWay = (): Readable => {
  const readable = new Readable({ read: () => undefined })
  readable.push(Buffer.from('some'))
  return readable
}

describe('a Node stream as a body', () => {
  it('returns the bytes in order, and ends', async () => {
    const body = webStream(Readable.from([Buffer.from('one '), Buffer.from('two')]))
    expect(await new Response(body).text()).toBe('one two')
  })

  it('reports to its reader that the stream failed', async () => {
    const readable = underWay()
    const reader = webStream(readable).getReader()
    await reader.read()
    readable.destroy(new Error('broken off'))
    await expect(reader.read()).rejects.toThrow('broken off')
  })

  it("ends without an error when a server's answer is cancelled while its bytes arrive", async () => {
    const server = createServer((_request, response) => void response.writeHead(503).end('down for a while'))
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const giveUp = new AbortController()
    const init = { method: 'GET', headers: {}, redirect: 'manual', signal: giveUp.signal } as const
    const uncaught: unknown[] = []
    const remember = (error: unknown): void => void uncaught.push(error)
    process.on('uncaughtException', remember)
    onTestFinished(() => void process.off('uncaughtException', remember))

    const { body } = await undiciFetch()(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, init)
    const cancelled = body?.cancel()
    giveUp.abort()
    await cancelled
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
    await nextTurn()
    expect(uncaught).toEqual([])
  })

  it('ends the stream when cancelled while a read is pending', async () => {
    const readable = underWay()
    const reader = webStream(readable).getReader()
    await reader.read()
    const waiting = reader.read()
    await reader.cancel()
    expect(await waiting).toEqual({ done: true, value: undefined })
    expect(readable.destroyed).toBe(true)
  })

  it('ends the stream when cancelled before anything was read', async () => {
    const readable = underWay()
    await webStream(readable).cancel()
    expect(readable.destroyed).toBe(true)
  })

  it('handles an error of a stream that is not read', async () => {
    const readable = underWay()
    webStream(readable)
    readable.destroy(new Error('broken off'))
    await nextTurn()
    expect(readable.destroyed).toBe(true)
  })
})
