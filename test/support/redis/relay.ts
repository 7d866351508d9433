import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** The address of a primary that a failover moves to another server. */
export interface Relay {
  readonly url: string
  /** Closes all connections, and connects new ones to another port; without a port, refuses them. */
  failOver(port: number | undefined): void
  close(): Promise<void>
}

export async function startRelay(port: number): Promise<Relay> {
  let target: number | undefined = port
  const sockets = new Set<Socket>()
  const server = createServer((incoming) => {
    if (target === undefined) return void incoming.destroy()
    const outgoing = connect(target, '127.0.0.1')
    for (const [one, other] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      sockets.add(one)
      one.on('error', () => undefined).on('close', () => void other.destroy())
      one.pipe(other)
    }
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const disconnect = (): void => {
    for (const socket of sockets) socket.destroy()
    sockets.clear()
  }
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    failOver: (to) => {
      target = to
      disconnect()
    },
    close: async () => {
      disconnect()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
