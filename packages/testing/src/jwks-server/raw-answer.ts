import { setTimeout as wait } from 'node:timers/promises'
import { TLSSocket } from 'node:tls'
import type { Socket } from 'node:net'

/** A header section and a body to write directly to a socket. */
export interface RawAnswer {
  readonly head: string
  readonly body: Buffer
}

/** A 200 response with any content-length, right or wrong; none for `undefined`. */
export function rawOk(body: Buffer, contentLength: number = body.length): RawAnswer {
  const head =
    'HTTP/1.1 200 OK\r\ncontent-type: application/jwk-set+json\r\n' +
    `content-length: ${contentLength}\r\nconnection: close\r\n\r\n`
  return { head, body }
}

/** Writes data, and waits until the socket has accepted it. */
export function write(socket: Socket, bytes: string | Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) return resolve()
    socket.write(bytes, () => resolve())
  })
}

/** Writes one byte at a time at a fixed interval in milliseconds, until the client disconnects. */
export async function drip(socket: Socket, bytes: Uint8Array, every: number): Promise<void> {
  socket.setNoDelay(true)
  for (let at = 0; at < bytes.length && !socket.destroyed; at++) {
    await write(socket, bytes.subarray(at, at + 1))
    await wait(every, undefined, { ref: false })
  }
}

/** Writes chunks of white space until the client disconnects. */
export async function writeForever(socket: Socket): Promise<void> {
  const chunk = `10000\r\n${' '.repeat(0x1_0000)}\r\n`
  while (!socket.destroyed) {
    await write(socket, chunk)
    // A socket write may complete at once, so yield to the event loop; otherwise nothing else would run.
    await wait(0)
  }
}

/** Ends a connection with RST. Over TLS, Node cannot send RST: then it ends the connection without a closing alert. */
export async function reset(socket: Socket): Promise<void> {
  // If RST arrives right after the bytes, the client may never receive the bytes.
  await wait(5)
  if (socket instanceof TLSSocket) socket.destroy()
  else socket.resetAndDestroy()
}
