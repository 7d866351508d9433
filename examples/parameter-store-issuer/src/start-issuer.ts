import type { ParameterStoreEvent } from '@claimgate/issuer/parameter-store'
import { type RunningServer, startInvocationServer } from './invocation-server.ts'
import { connectParameterStore } from './parameter-store.ts'
import { type Environment, tokenSettings } from './settings.ts'
import { createTokenFunction } from './token-function.ts'

/** A running issuer. */
export interface LocalIssuer extends RunningServer {
  /** Whether its key is in a fake Parameter Store, and lost when it stops. */
  readonly fake: boolean
}

/** Options for the issuer. */
export interface LocalIssuerOptions {
  /** The variables of `tokenSettings` and of AWS. Missing ones have defaults for a demo. */
  readonly env: Environment
  /** The port on 127.0.0.1; 0 selects a free one. @defaultValue 0 */
  readonly port?: number
  /** Called for each event of the key. @defaultValue none */
  readonly onEvent?: (event: ParameterStoreEvent) => void
}

const DEMO = { JWT_ISSUER: 'https://issuer.example', JWT_AUDIENCE: 'orders-api' }
const FAKE = { SIGNING_KEY_PARAMETER: '/orders/signing-key', SIGNING_KEY_CREATE: 'true' }

/**
 * Runs the token function on this machine, with the Parameter Store of AWS or a fake one. The key is loaded when it resolves.
 *
 * @throws TypeError for settings that contradict each other; ParameterStoreError if the key cannot be loaded.
 */
export const startIssuer = async ({ env, port = 0, onEvent = () => {} }: LocalIssuerOptions): Promise<LocalIssuer> => {
  const store = await connectParameterStore(env)
  try {
    const settings = tokenSettings({ ...DEMO, ...given(env), ...(store.fake && FAKE) })
    const tokens = createTokenFunction(store.client, settings, onEvent)
    await tokens.publicKey()
    const server = await startInvocationServer(tokens, port)
    return {
      url: server.url,
      fake: store.fake,
      close: async () => {
        await server.close()
        await store.close()
      },
    }
  } catch (error) {
    await store.close()
    throw error
  }
}

const given = (env: Environment): Environment => Object.fromEntries(Object.entries(env).filter(([, value]) => value))
