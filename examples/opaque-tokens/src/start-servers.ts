import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createApi } from './api.ts'
import { type AuthorizationServer, createAuthorizationServer } from './authorization-server.ts'

/** The authorization server and the API. */
export interface Servers {
  readonly authorization: AuthorizationServer
  /** Sends a request with a token to the API, and returns the status code. */
  send(method: 'GET' | 'POST', path: string, token: string): Promise<number>
  stopAuthorization(): void
  close(): void
}

/**
 * Starts both on 127.0.0.1.
 *
 * @param port - of the API; 0 is a free one
 * @param authPort - of the authorization server; 0 is a free one
 */
export async function startServers(port = 0, authPort = 0): Promise<Servers> {
  const audience = 'orders-api'
  const client = { id: 'orders-api', secret: crypto.randomUUID() }
  const authServer = await listen(authPort)
  const issuer = urlOf(authServer)
  const authorization = await createAuthorizationServer({ issuer, audience, api: client })
  authServer.on('request', authorization.app)
  const apiServer = await listen(port)
  apiServer.on('request', createApi({ issuer, audience, client }))

  return {
    authorization,
    send: async (method, path, token) => {
      const headers = { authorization: `Bearer ${token}` }
      return (await fetch(`${urlOf(apiServer)}${path}`, { method, headers })).status
    },
    stopAuthorization: () => stop(authServer),
    close: () => {
      stop(authServer)
      stop(apiServer)
    },
  }
}

async function listen(port: number): Promise<Server> {
  const server = createServer().listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function stop(server: Server): void {
  server.close()
  server.closeAllConnections()
}
