import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Server } from 'node:http'
import type { Services } from './services.ts'

/** A server that protects the services with one of the adapters. */
export interface StartedAdapter {
  readonly port: number
  /** The number of requests that have reached a service. */
  readonly served: () => number
  readonly close: () => Promise<void>
}

/** Starts a server for the services. */
export type StartAdapter = (services: Services) => Promise<StartedAdapter>

/** Listens on a free port of 127.0.0.1. */
export async function listen(server: Server): Promise<Pick<StartedAdapter, 'port' | 'close'>> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
