import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Environment, optionsFromEnv, type SharedOptions } from '@claimgate/core'
import { createApp } from './app.ts'

/** Options for the server. */
export interface ServerOptions {
  /** `JWT_ISSUER`, `JWT_AUDIENCE`, `JWT_JWKS_URI` and the other variables of `optionsFromEnv`. */
  readonly env: Environment
  /** The port on 127.0.0.1; 0 selects a free one. @defaultValue 0 */
  readonly port?: number
  /** Options that have no environment variable, such as the clock of a test. @defaultValue none */
  readonly verifier?: SharedOptions
}

/** A running server. */
export interface ExpressServer {
  /** The URL it listens on, without a trailing slash. */
  readonly url: string
  /** Stops listening and closes every connection. */
  close(): Promise<void>
}

/**
 * Starts the server.
 *
 * @throws TypeError for an environment that is incomplete or contradicts itself
 */
export async function startExpressServer({ env, port = 0, verifier }: ServerOptions): Promise<ExpressServer> {
  const server = createServer(createApp({ ...optionsFromEnv(env), ...verifier }))
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
