import { once } from 'node:events'
import { request as requestH1 } from 'node:http'
import { connect } from 'node:http2'
import { text } from 'node:stream/consumers'

export interface Received {
  readonly status: number
  readonly body: string
  readonly headers: Readonly<Record<string, unknown>>
}

/** A request whose body the test sends piece by piece. */
export interface Upload {
  write(chunk: string): void
  end(chunk?: string): void
  /** Disconnects without ending the body. */
  reset(): void
  /** Resolves when the connection, or the stream, is closed. */
  readonly closed: Promise<unknown>
  readonly answer: Promise<Received>
}

/** Begins a POST request. */
export function upload(
  protocol: 'http/1.1' | 'h2',
  port: number,
  path: string,
  headers: Readonly<Record<string, string>>,
): Upload {
  return protocol === 'h2' ? uploadH2(port, path, headers) : uploadH1(port, path, headers)
}

function uploadH1(port: number, path: string, headers: Readonly<Record<string, string>>): Upload {
  const request = requestH1({ host: '127.0.0.1', port, path, method: 'POST', agent: false, headers })
  request.on('error', () => {})
  const answer = once(request, 'response').then(async ([message]) => ({
    status: message.statusCode as number,
    body: await text(message),
    headers: message.headers as Record<string, unknown>,
  }))
  answer.catch(() => {})
  return {
    write: (chunk) => void request.write(chunk),
    end: (chunk = '') => void request.end(chunk),
    reset: () => request.socket?.resetAndDestroy(),
    closed: new Promise((resolve) => request.on('close', resolve)),
    answer,
  }
}

function uploadH2(port: number, path: string, headers: Readonly<Record<string, string>>): Upload {
  const session = connect(`http://127.0.0.1:${port}`)
  session.on('error', () => {})
  const stream = session.request({ ':method': 'POST', ':path': path, ...headers })
  stream.on('error', () => {})
  const answer = once(stream, 'response').then(async ([fields]) => ({
    status: fields[':status'] as number,
    body: await text(stream).finally(() => session.destroy()),
    headers: fields as Record<string, unknown>,
  }))
  answer.catch(() => session.destroy())
  return {
    write: (chunk) => void stream.write(chunk),
    end: (chunk = '') => void stream.end(chunk),
    reset: () => {
      stream.close(8)
      session.destroy()
    },
    closed: new Promise((resolve) => stream.on('close', resolve)),
    answer,
  }
}
