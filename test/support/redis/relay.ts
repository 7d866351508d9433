import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** The address of a primary that a failover moves to another server. */
export interface Relay {
  readonly url: string
  /** Closes all connections, and connects new ones to another port; without a port, refuses them. */
  failOver(port: number | undefined): void
  /** Passes on the next `SET` of a client, but closes the connection instead of passing on its answer. */
  loseAnswerToSet(): void
  close(): Promise<void>
}

export async function startRelay(port: number): Promise<Relay> {
  let target: number | undefined = port
  let loses = false
  const sockets = new Set<Socket>()
  const server = createServer((incoming) => {
    if (target === undefined) return void incoming.destroy()
    const outgoing = connect(target, '127.0.0.1')
    let isSent = false
    incoming.on('data', (chunk: Buffer) => {
      isSent = loses && /\r\nset\r\n/i.test(chunk.toString('latin1'))
      loses &&= !isSent
    })
    outgoing.on('data', () => {
      if (isSent) incoming.destroy()
    })
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
    loseAnswerToSet: () => {
      loses = true
    },
    close: async () => {
      disconnect()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
