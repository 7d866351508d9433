import { setTimeout as wait } from 'node:timers/promises'
import { TLSSocket } from 'node:tls'
import type { Socket } from 'node:net'

/** A header section and a body, for a server that writes them itself. */
export interface RawAnswer {
  readonly head: string
  readonly body: Buffer
}

/** A 200 with any content-length, right or wrong; none for `undefined`. */
export function rawOk(body: Buffer, contentLength: number = body.length): RawAnswer {
  const head =
    'HTTP/1.1 200 OK\r\ncontent-type: application/jwk-set+json\r\n' +
    `content-length: ${contentLength}\r\nconnection: close\r\n\r\n`
  return { head, body }
}

/** Writes so much as the other side takes, and waits until it is on its way. */
export function write(socket: Socket, bytes: string | Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) return resolve()
    socket.write(bytes, () => resolve())
  })
}

/** Writes one byte every so many milliseconds, until the other side goes away. */
export async function drip(socket: Socket, bytes: Uint8Array, every: number): Promise<void> {
  socket.setNoDelay(true)
  for (let at = 0; at < bytes.length && !socket.destroyed; at++) {
    await write(socket, bytes.subarray(at, at + 1))
    await wait(every, undefined, { ref: false })
  }
}

/** Writes chunks of white space until the other side goes away. */
export async function writeForever(socket: Socket): Promise<void> {
  const chunk = `10000\r\n${' '.repeat(0x1_0000)}\r\n`
  while (!socket.destroyed) {
    await write(socket, chunk)
    // The write of a socket may complete at once: without a turn of the event loop nothing else would run.
    await wait(0)
  }
}

/** Ends a connection with RST, or, over TLS, where Node has no way to send one, without a closing alert. */
export async function reset(socket: Socket): Promise<void> {
  // A client that gets RST right behind the bytes may never see the bytes.
  await wait(5)
  if (socket instanceof TLSSocket) socket.destroy()
  else socket.resetAndDestroy()
}
