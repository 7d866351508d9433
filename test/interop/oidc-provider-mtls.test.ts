import { mtls } from '@claimgate/core/mtls'
import { authenticateJwt } from '@claimgate/express'
import { createTestKeys } from '@claimgate/testing'
import express from 'express'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { createServer, request } from 'node:https'
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { TLSSocket } from 'node:tls'
import { Provider } from 'oidc-provider'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CLIENT_ID, CLIENT_SECRET } from '../support/interop/client.ts'
import { memoryAdapter } from '../support/interop/memory-adapter.ts'
import { createCertificate, type TestCertificate } from '../support/mtls/certificates.ts'

const ISSUER = 'https://auth.example.com'
const API = 'https://api.example.com'
const keys = await createTestKeys('ES256')
const server = createCertificate('localhost')
const client = createCertificate('client')
const other = createCertificate('other')

const ends: (() => unknown)[] = []
afterAll(() => {
  for (const end of ends) end()
})

async function listening(handler: RequestListener): Promise<number> {
  const { key, cert } = server
  const running = createServer({ key, cert, requestCert: true, rejectUnauthorized: false }, handler)
  await once(running.listen(0, '127.0.0.1'), 'listening')
  ends.push(() => running.close())
  return (running.address() as AddressInfo).port
}

async function send(
  port: number,
  options: object,
  certificate?: TestCertificate,
  body?: string,
): Promise<{ readonly status: number; readonly body: string }> {
  const { key, cert } = certificate ?? {}
  const sent = request({ port, host: '127.0.0.1', ca: server.cert, agent: false, key, cert, ...options }).end(body)
  const [response] = (await once(sent, 'response')) as [NodeJS.ReadableStream & { readonly statusCode: number }]
  return { status: response.statusCode, body: await text(response) }
}

function provider(): RequestListener {
  const certificateOf = (socket: TLSSocket): X509Certificate | undefined => {
    const { raw } = socket.getPeerCertificate()
    return (raw as Buffer | undefined) && new X509Certificate(raw)
  }
  const handle = new Provider(ISSUER, {
    adapter: memoryAdapter(),
    clients: [
      {
        client_id: CLIENT_ID,
        client_secret: CLIENT_SECRET,
        grant_types: ['client_credentials'],
        response_types: [],
        redirect_uris: [],
        id_token_signed_response_alg: 'ES256',
        tls_client_certificate_bound_access_tokens: true,
      },
    ],
    jwks: { keys: [keys.privateJwk] },
    cookies: { keys: ['a secret for cookies of tests'] },
    ttl: { ClientCredentials: 600 },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      mTLS: {
        enabled: true,
        certificateBoundAccessTokens: true,
        getCertificate: ({ socket }: { readonly socket: TLSSocket }) => certificateOf(socket),
      },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: async () => ({
          scope: 'orders:read',
          audience: API,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
  }).callback()
  return (req, res) => void handle(req, res)
}

describe('a certificate-bound access token of oidc-provider', () => {
  let authorization: string
  let api: number
  beforeAll(async () => {
    const answer = await send(
      await listening(provider()),
      {
        path: '/token',
        method: 'POST',
        auth: `${CLIENT_ID}:${encodeURIComponent(CLIENT_SECRET)}`,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      },
      client,
      new URLSearchParams({ grant_type: 'client_credentials', scope: 'orders:read', resource: API }).toString(),
    )
    authorization = `Bearer ${(JSON.parse(answer.body) as { access_token: string }).access_token}`
    const app = express().use(
      authenticateJwt({
        issuer: ISSUER,
        audience: API,
        jwks: { keys: [keys.publicJwk] },
        profile: 'rfc9068',
        bindings: [mtls({ from: 'connection' })],
        unboundTokens: 'refuse',
      }),
    )
    app.get('/', (_req, res) => void res.send('ok'))
    api = await listening(app as RequestListener)
  })

  it('is accepted with the certificate of the client that got it, and refused without', async () => {
    const statuses = []
    for (const certificate of [client, other, undefined])
      statuses.push((await send(api, { headers: { authorization } }, certificate)).status)
    expect(statuses).toEqual([200, 401, 401])
  })
})
