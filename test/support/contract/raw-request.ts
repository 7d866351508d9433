import { once } from 'node:events'
import { connect } from 'node:net'

/** A request as sent: only `Host`, `Connection` and, with a body, `Content-Length` are added. */
export interface RawRequest {
  readonly method?: string
  readonly target: string
  /** Lines of the header section, without line ends. One character is one byte. */
  readonly fields?: readonly string[]
  readonly body?: string
}

export interface RawResponse {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

/** Sends a request over a new socket and reads the answer until the server closes it. */
export async function sendRaw(
  port: number,
  { method = 'GET', target, fields = [], body }: RawRequest,
): Promise<RawResponse> {
  const lines = [`${method} ${target} HTTP/1.1`, `Host: 127.0.0.1:${port}`, ...fields, 'Connection: close']
  if (body !== undefined) lines.push(`Content-Length: ${Buffer.byteLength(body, 'latin1')}`)
  const socket = connect({ host: '127.0.0.1', port })
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  // A server that refuses a request early may reset the connection after its answer.
  socket.on('error', () => {})
  socket.write(Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body ?? ''}`, 'latin1'))
  await once(socket, 'close')
  return parse(Buffer.concat(chunks).toString('latin1'))
}

function parse(text: string): RawResponse {
  const end = text.indexOf('\r\n\r\n')
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n')
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trim()
    const earlier = headers.get(name)
    headers.set(name, earlier === undefined ? value : `${earlier} | ${value}`)
  }
  const body = text.slice(end + 4)
  return {
    status: Number(statusLine.split(' ')[1]),
    headers,
    body: headers.get('transfer-encoding') === 'chunked' ? withoutChunks(body) : body,
  }
}

function withoutChunks(text: string): string {
  const size = Number.parseInt(text, 16)
  if (!(size > 0)) return ''
  const start = text.indexOf('\r\n') + 2
  return text.slice(start, start + size) + withoutChunks(text.slice(start + size + 2))
}
