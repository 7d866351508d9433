import { createServer, type IncomingHttpHeaders } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'

/** One CONNECT request to a proxy. */
export interface Tunnel {
  /** Host and port. */
  readonly target: string | undefined
  readonly headers: IncomingHttpHeaders
}

export interface ConnectProxy {
  readonly port: number
  readonly tunnels: Tunnel[]
  /** The status that it answers from now on instead of 200. */
  refuseWith(status: number | undefined): void
  close(): Promise<void>
}

/** A proxy that tunnels every request to one port of this machine, as if every name resolved to it. */
export async function startConnectProxy(targetPort: number): Promise<ConnectProxy> {
  const tunnels: Tunnel[] = []
  const sockets = new Set<Socket>()
  let refusal: number | undefined
  const server = createServer((_request, response) => response.writeHead(500).end())
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
  })
  server.on('connect', ({ url, headers }, socket) => {
    tunnels.push({ target: url, headers })
    if (refusal !== undefined) {
      socket.end(`HTTP/1.1 ${refusal} Refused\r\nContent-Length: 0\r\n\r\n`)
      return
    }
    const upstream = connect(targetPort, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      upstream.pipe(socket).pipe(upstream)
    })
    sockets.add(upstream)
    upstream.on('error', () => socket.destroy())
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    tunnels,
    refuseWith: (status) => {
      refusal = status
    },
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => {
        server.close(resolve)
      })
    },
  }
}
