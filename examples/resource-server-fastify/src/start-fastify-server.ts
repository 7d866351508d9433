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
export interface FastifyServer {
  /** The URL it listens on, without a trailing slash. */
  readonly url: string
  /** Stops listening, and waits for requests in progress. */
  close(): Promise<void>
}

/**
 * Starts the server.
 *
 * @throws TypeError for an environment that is incomplete or contradicts itself
 */
export async function startFastifyServer({ env, port = 0, verifier }: ServerOptions): Promise<FastifyServer> {
  const app = await createApp({ ...optionsFromEnv(env), ...verifier })
  return {
    url: await app.listen({ host: '127.0.0.1', port }),
    close: async () => {
      await app.close()
    },
  }
}
