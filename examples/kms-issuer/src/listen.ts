import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A running server. */
export interface Listening {
  /** The URL it listens on, without a trailing slash. */
  readonly url: string
  /** Stops listening and closes every connection. */
  close(): Promise<void>
}

/** Serves an application on a port of 127.0.0.1; 0 selects a free one. Rejects if the port is in use. */
export const listen = async (application: RequestListener, port: number): Promise<Listening> => {
  const server = createServer(application)
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
