import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** The server behind a KV namespace of workerd: values by key, over HTTP on 127.0.0.1. */
export interface KvServer {
  readonly port: number
  readonly values: ReadonlyMap<string, string>
  /** Resolves when a value has been put. */
  readonly written: Promise<void>
  close(): void
}

/** Starts an empty KV namespace. */
export async function startKvServer(): Promise<KvServer> {
  const values = new Map<string, string>()
  const written = Promise.withResolvers<void>()
  const server = createServer((request, response) => {
    const key = decodeURIComponent(new URL(request.url ?? '/', 'http://kv').pathname.slice(1))
    if (request.method === 'PUT') {
      text(request).then((value) => {
        values.set(key, value)
        response.end()
        written.resolve()
      }, written.reject)
      return
    }
    const value = values.get(key)
    response.writeHead(value === undefined ? 404 : 200).end(value)
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const close = (): void => {
    server.close()
    server.closeAllConnections()
  }
  return { port: (server.address() as AddressInfo).port, values, written: written.promise, close }
}
