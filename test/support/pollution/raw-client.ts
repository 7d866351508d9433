import { connect, type Socket } from 'node:net'

/** Sends requests over one connection that was opened before, so that nothing in the client depends on `Object.prototype`. */
export interface RawClient {
  /** Status, challenge and body, in one line. */
  ask(request: string): Promise<string>
  close(): void
}

export async function rawClient(port: number): Promise<RawClient> {
  const socket = await opened(port)
  let received = ''
  let look = (): void => {}
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1')
    look()
  })
  socket.on('error', () => look())
  socket.on('close', () => look())
  return {
    ask: (request) =>
      new Promise((resolve) => {
        received = ''
        const timer = setTimeout(() => resolve('error no answer'), 2000)
        look = () => {
          const answer = complete(received)
          if (answer === undefined && !socket.destroyed) return
          clearTimeout(timer)
          resolve(answer ?? 'error the connection was closed')
        }
        socket.write(request.replaceAll('\n', '\r\n'))
      }),
    close: () => void socket.destroy(),
  }
}

function opened(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket))
    socket.once('error', reject)
  })
}

function complete(text: string): string | undefined {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const head = text.slice(0, end)
  const body = text.slice(end + 4)
  const length = /^content-length: (\d+)/im.exec(head)?.[1]
  if (/^transfer-encoding: chunked/im.test(head) ? !body.endsWith('0\r\n\r\n') : body.length < Number(length ?? 0))
    return undefined
  const status = head.slice(9, 12)
  const challenge = /^www-authenticate: (.*)$/im.exec(head)?.[1] ?? ''
  const word = status === '200' ? 'accepted' : status === '500' ? 'error' : 'refused'
  return `${word} ${status} ${challenge} ${body}`
}
