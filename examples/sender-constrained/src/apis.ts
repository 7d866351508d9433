import type { VerifierOptions } from '@claimgate/core'
import { createMemoryReplayStore, dpop } from '@claimgate/core/dpop'
import { mtls } from '@claimgate/core/mtls'
import { authenticateJwt, getAuth } from '@claimgate/express'
import express, { type Express } from 'express'
import { once } from 'node:events'
import { createServer as createHttpServer, type Server } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Certificate } from './certificates.ts'

/** A running API. `GET /orders` needs a token that is bound to its client. */
export interface Api {
  readonly url: string
  close(): Promise<void>
}

/** An API whose tokens are bound to keys of clients (RFC 9449). Its clients need a nonce of the API in each proof. */
export async function startDpopApi(verifier: VerifierOptions, nonceSecret: string, port = 0): Promise<Api> {
  const server = createHttpServer()
  const url = `http://127.0.0.1:${await listen(server, port)}`
  // In production this is the public address of the API, from the configuration.
  const { clock } = verifier
  const binding = dpop({ origin: url, replay: createMemoryReplayStore(), nonces: { secret: nonceSecret }, clock })
  server.on('request', apiWith(authenticateJwt({ ...verifier, bindings: [binding], unboundTokens: 'refuse' })))
  return { url, close: () => close(server) }
}

/** An API whose tokens are bound to certificates of clients (RFC 8705). It ends TLS itself. */
export async function startCertificateApi(
  verifier: VerifierOptions,
  { key, cert }: Certificate,
  port = 0,
): Promise<Api> {
  const binding = mtls({ from: 'connection' })
  const app = apiWith(authenticateJwt({ ...verifier, bindings: [binding], unboundTokens: 'refuse' }))
  // The certificates of clients are self-signed: their digest in the token is what counts (RFC 8705 section 2.2).
  const server = createHttpsServer({ key, cert, requestCert: true, rejectUnauthorized: false }, app)
  return { url: `https://127.0.0.1:${await listen(server, port)}`, close: () => close(server) }
}

function apiWith(protection: ReturnType<typeof authenticateJwt>): Express {
  const app = express().use(protection)
  app.get('/orders', (req, res) => void res.json({ orderedBy: getAuth(req).claims.sub }))
  return app
}

async function listen(server: Pick<Server, 'listen' | 'address' | 'once'>, port: number): Promise<number> {
  server.listen(port, '127.0.0.1')
  await once(server as Server, 'listening')
  return (server.address() as AddressInfo).port
}

async function close(server: Pick<Server, 'close' | 'closeAllConnections' | 'once'>): Promise<void> {
  const closed = once(server as Server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}
