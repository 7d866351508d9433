import { createIssuer, type Issuer, type IssuerOptions } from '@claimgate/issuer'

import {
  type FaultyJwksServer,
  type FaultyJwksServerOptions,
  startFaultyJwksServer,
} from './jwks-server/faulty-jwks-server.ts'

/** How to start a test issuer: the options of an issuer, without its name, and those of its server. */
export interface TestIssuerOptions extends Omit<IssuerOptions, 'issuer'> {
  readonly server?: Omit<FaultyJwksServerOptions, 'jwks'>
}

/** An issuer and the server that publishes its keys. */
export interface TestIssuer {
  /** Named by the server's origin. Issues and rotates; the server publishes the set of the moment. */
  readonly issuer: Issuer
  /** Answers the metadata addresses and the JWK Set; can be told to misbehave on these paths too, with `at`. */
  readonly server: FaultyJwksServer
  close(): Promise<void>
}

const METADATA_PATHS = ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server']

/** Starts an issuer in this program whose metadata and JWK Set are on a real socket of 127.0.0.1. */
export async function startTestIssuer(options: TestIssuerOptions = {}): Promise<TestIssuer> {
  const { server: serverOptions, ...issuerOptions } = options
  const server = await startFaultyJwksServer(serverOptions)
  const issuer = await createIssuer({ ...issuerOptions, issuer: server.origin })
  await server.behave({ kind: 'ok', body: () => issuer.jwks() })
  for (const path of METADATA_PATHS) server.at(path).behave({ kind: 'ok', body: () => issuer.metadata() })
  return { issuer, server, close: () => server.close() }
}
