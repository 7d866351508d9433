import { bare, own } from '../adapter.ts'

/** The socket of an `upgrade` event of `node:http`. */
export interface UpgradeSocket {
  readonly destroyed: boolean
  on(event: 'error', listener: () => void): unknown
  once(event: 'finish', listener: () => void): unknown
  end(text: string): unknown
  destroy(): unknown
}

const REASONS: Readonly<Record<number, string>> = bare({
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
})

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Answers an upgrade with a response instead, and closes the socket. */
export function answerUpgrade(socket: UpgradeSocket, { status, headers, body }: Answer): void {
  const length = new TextEncoder().encode(body).length
  const fields = { ...headers, connection: 'close', 'content-length': String(length) }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`)
  // A client that never closes its side would keep the socket open.
  socket.once('finish', () => socket.destroy())
  socket.end(`HTTP/1.1 ${status} ${own(REASONS, status) ?? 'Refused'}\r\n${lines.join('\r\n')}\r\n\r\n${body}`)
}
