import { createIssuer, type Issuer, type IssuerOptions } from '@claimgate/issuer'

import {
  type FaultyJwksServer,
  type FaultyJwksServerOptions,
  startFaultyJwksServer,
} from './jwks-server/faulty-jwks-server.ts'
import { providerToken, type ProviderToken } from './provider-tokens.ts'

/** Options for a test issuer: the options of an issuer, except `issuer`, and those of its server. */
export interface TestIssuerOptions extends Omit<IssuerOptions, 'issuer'> {
  /** The port of 127.0.0.1 to listen on, from 0 to 65535. 0 is a free one. @defaultValue 0 */
  readonly port?: number
  readonly server?: Omit<FaultyJwksServerOptions, 'jwks' | 'port'>
}

/** An issuer and the server that publishes its keys. */
export interface TestIssuer {
  /** Issues tokens and rotates keys. Its `iss` is the server's origin; the server publishes its current set. */
  readonly issuer: Issuer
  /** Serves the metadata and the JWK Set. With `at`, it can simulate faults on these paths too. */
  readonly server: FaultyJwksServer
  /**
   * A token as an identity provider issues it, such as `auth0`, `entra-v2` or `cognito-id`, and the policy of its profile with the key of
   * the token, so nothing is fetched. `claims` adds or replaces claims, and removes those that are `undefined`.
   *
   * @throws TypeError for an unknown name; it lists the names
   */
  as(name: string, claims?: object): Promise<ProviderToken>
  close(): Promise<void>
}

const METADATA_PATHS = ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server']

/**
 * Starts an issuer in this process that serves its metadata and JWK Set on a real socket of 127.0.0.1.
 *
 * @throws Error if the port is in use.
 */
export async function startTestIssuer(options: TestIssuerOptions = {}): Promise<TestIssuer> {
  const { server: serverOptions, port = 0, ...issuerOptions } = options
  const server = await startFaultyJwksServer({ ...serverOptions, port })
  try {
    const issuer = await createIssuer({ ...issuerOptions, issuer: server.origin })
    await server.behave({ kind: 'ok', body: () => issuer.jwks() })
    for (const path of METADATA_PATHS) server.at(path).behave({ kind: 'ok', body: () => issuer.metadata() })
    return { issuer, server, as: (name, claims = {}) => providerToken(name, claims), close: () => server.close() }
  } catch (error) {
    // Otherwise the open port would keep the process running.
    await server.close()
    throw error
  }
}
