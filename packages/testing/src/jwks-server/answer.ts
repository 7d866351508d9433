import { createHash } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { JSONWebKeySet } from 'jose'
import { TLSSocket } from 'node:tls'

import type { AlternateAnswer, FaultyAnswer, HangAnswer, OkAnswer, ResetAnswer, StatusAnswer } from './fault.ts'
import { gzipBomb, torn, withDuplicates, withFillers } from './set-texts.ts'

/** One request that waits for its response. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly socket: Socket
  /** The currently published set. */
  readonly published: JSONWebKeySet
  /** Marks the response as complete: a later disconnect by the client is not counted as an abort. */
  finished(): void
}

/** Sends a response or simulates a fault. Settles when the server has finished. */
export async function answer(exchange: Exchange, fault: FaultyAnswer): Promise<void> {
  const { published } = exchange
  const text = JSON.stringify(published)
  switch (fault.kind) {
    case 'ok':
      return answerOk(exchange, fault)
    case 'reset':
      return answerReset(exchange, fault, text)
    case 'hang':
      return answerHang(exchange, fault, text)
    case 'drip': {
      const { head, body } = rawOk(Buffer.from(text))
      const dripping = fault.part === 'headers' ? Buffer.from(head) : body
      if (fault.part === 'body') await write(exchange.socket, head)
      await drip(exchange.socket, dripping, fault.every)
      return endRaw(exchange, fault.part === 'headers' ? body : '')
    }
    case 'redirect':
      exchange.response.writeHead(fault.status ?? 302, { location: fault.location }).end()
      return
    case 'status':
      return answerStatus(exchange, fault)
    case 'html':
      return send(exchange, '<!doctype html><title>Sign in</title><p>Welcome to the network.', 'text/html')
    case 'truncated':
      return send(exchange, text.slice(0, text.length / 2))
    case 'bom':
      return send(exchange, `\uFEFF${text}`)
    case 'empty-body':
      return send(exchange, '')
    case 'empty-set':
      return send(exchange, '{"keys":[]}')
    case 'no-keys':
      return send(exchange, '{"message":"OK"}')
    case 'gzip-bomb': {
      const bytes = await gzipBomb(text, fault.size ?? 50 * 1024 * 1024)
      exchange.response.setHeader('content-encoding', 'gzip')
      return send(exchange, bytes)
    }
    case 'endless':
      await write(
        exchange.socket,
        'HTTP/1.1 200 OK\r\ncontent-type: application/jwk-set+json\r\ntransfer-encoding: chunked\r\n\r\n',
      )
      await write(exchange.socket, '9\r\n{"keys":[\r\n')
      return writeForever(exchange.socket)
    case 'content-length': {
      const body = Buffer.from(text)
      return endRaw(exchange, Buffer.concat([Buffer.from(rawOk(body, body.length + fault.difference).head), body]))
    }
    case 'many-keys':
      return send(exchange, JSON.stringify(withFillers(published, fault.count ?? 10_000)))
    case 'duplicate-kids':
      return send(exchange, JSON.stringify(withDuplicates(published)))
    case 'alternate':
      return send(exchange, JSON.stringify(nextSet(fault)))
    case 'torn':
      return send(exchange, torn(fault.before, fault.after))
  }
}

async function answerOk({ request, response, published }: Exchange, ok: OkAnswer): Promise<void> {
  if (ok.delay !== undefined) await wait(ok.delay, undefined, { ref: false })
  const text = JSON.stringify(bodyOf(ok) ?? published)
  response.setHeader('content-type', 'application/jwk-set+json')
  for (const [name, value] of Object.entries(ok.headers ?? {})) response.setHeader(name, value)
  if (ok.etag !== undefined) {
    const tag = `${ok.etag === 'weak' ? 'W/' : ''}"${createHash('sha256').update(text).digest('base64url')}"`
    response.setHeader('etag', tag)
    if (request.headers['if-none-match'] === tag) return void response.writeHead(304).end()
  }
  response.end(text)
}

function bodyOf({ body }: OkAnswer): unknown {
  return typeof body === 'function' ? (body as () => unknown)() : body
}

async function answerReset({ socket, finished }: Exchange, { at }: ResetAnswer, text: string): Promise<void> {
  const { head, body } = rawOk(Buffer.from(text))
  if (at === 'headers') await write(socket, head.slice(0, head.length / 2))
  if (at === 'body') await write(socket, head + text.slice(0, body.length / 2))
  finished()
  return reset(socket)
}

async function answerHang({ socket }: Exchange, { at = 'start' }: HangAnswer, text: string): Promise<void> {
  const { head, body } = rawOk(Buffer.from(text))
  if (at === 'headers') await write(socket, head)
  if (at === 'body') await write(socket, head + text.slice(0, body.length / 2))
}

function answerStatus({ response }: Exchange, fault: StatusAnswer): void {
  const { retryAfter } = fault
  response.setHeader('content-type', 'application/json')
  if (retryAfter !== undefined) {
    response.setHeader('retry-after', retryAfter instanceof Date ? retryAfter.toUTCString() : String(retryAfter))
  }
  response.writeHead(fault.status, fault.headers ?? {}).end(fault.body ?? '{"error":"fault"}')
}

function send({ response }: Exchange, body: string | Uint8Array, type = 'application/jwk-set+json'): void {
  response.writeHead(200, { 'content-type': type, 'content-length': Buffer.byteLength(body) }).end(body)
}

async function endRaw({ socket, finished }: Exchange, bytes: string | Uint8Array): Promise<void> {
  await write(socket, bytes)
  if (!socket.destroyed) finished()
  socket.end()
}

const turns = new WeakMap<AlternateAnswer, number>()

function nextSet(fault: AlternateAnswer): JSONWebKeySet {
  const turn = turns.get(fault) ?? 0
  turns.set(fault, turn + 1)
  return fault.sets[turn % fault.sets.length] ?? fault.sets[0]
}

/** A header section and a body to write directly to a socket. */
interface RawAnswer {
  readonly head: string
  readonly body: Buffer
}

/** A 200 response with any content-length, right or wrong; none for `undefined`. */
function rawOk(body: Buffer, contentLength: number = body.length): RawAnswer {
  const head =
    'HTTP/1.1 200 OK\r\ncontent-type: application/jwk-set+json\r\n' +
    `content-length: ${contentLength}\r\nconnection: close\r\n\r\n`
  return { head, body }
}

/** Writes data, and waits until the socket has accepted it. */
function write(socket: Socket, bytes: string | Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) return resolve()
    socket.write(bytes, () => resolve())
  })
}

/** Writes one byte at a time at a fixed interval in milliseconds, until the client disconnects. */
async function drip(socket: Socket, bytes: Uint8Array, every: number): Promise<void> {
  socket.setNoDelay(true)
  for (let at = 0; at < bytes.length && !socket.destroyed; at++) {
    await write(socket, bytes.subarray(at, at + 1))
    await wait(every, undefined, { ref: false })
  }
}

/** Writes chunks of white space until the client disconnects. */
async function writeForever(socket: Socket): Promise<void> {
  const chunk = `10000\r\n${' '.repeat(0x1_0000)}\r\n`
  while (!socket.destroyed) {
    await write(socket, chunk)
    // A socket write may complete at once, so yield to the event loop; otherwise nothing else would run.
    await wait(0)
  }
}

/** Ends a connection with RST. Over TLS, Node cannot send RST: then it ends the connection without a closing alert. */
async function reset(socket: Socket): Promise<void> {
  // If RST arrives right after the bytes, the client may never receive the bytes.
  await wait(5)
  if (socket instanceof TLSSocket) socket.destroy()
  else socket.resetAndDestroy()
}
