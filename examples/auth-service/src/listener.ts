import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An HTTP server that can stop listening and listen again on the same port. */
export interface Listener {
  /** The URL it listens on, without a trailing slash. It does not change after a pause. */
  readonly url: string
  /** Serves requests with `application` from now on. Before that, they get 503. */
  serve(application: RequestListener): void
  /** Stops listening and closes every connection. Does nothing while paused. */
  pause(): Promise<void>
  /** Listens again on the same port. Does nothing while listening. */
  resume(): Promise<void>
}

/** Listens on `host` and `port`; port 0 selects a free one. Rejects if the port is in use. */
export const openListener = async (host: string, port: number): Promise<Listener> => {
  let answer = notYet
  const server = createServer((request, response) => answer(request, response))
  const listen = async (wanted: number): Promise<number> => {
    server.listen(wanted, host)
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }
  const taken = await listen(port)
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${taken}`,
    serve: (application) => {
      answer = application
    },
    pause: async () => {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
    resume: async () => {
      if (!server.listening) await listen(taken)
    },
  }
}

const notYet: RequestListener = (_request, response) => {
  response.writeHead(503, { 'retry-after': '1' }).end()
}
