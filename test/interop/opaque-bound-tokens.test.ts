import {
  allOf,
  type Authenticator,
  createAuthenticator,
  type RequestView,
  scope,
  type VerifierEvent,
} from '@claimgate/core'
import { createMemoryReplayStore, dpop } from '@claimgate/core/dpop'
import { createIntrospectionVerifier, fresh, type IntrospectionOptions, tlsClient } from '@claimgate/core/introspection'
import { mtls } from '@claimgate/core/mtls'
import { createTestKeys } from '@claimgate/testing'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { createServer, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { TLSSocket } from 'node:tls'
import { exportJWK, importX509 } from 'jose'
import { Provider } from 'oidc-provider'
import { Agent, fetch as undiciFetch } from 'undici'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memoryAdapter } from '../support/interop/memory-adapter.ts'
import { createDpopClient, type DpopClient } from '../support/dpop/client.ts'
import { createCertificate, type TestCertificate } from '../support/mtls/certificates.ts'

const API = 'https://api.example.com'
const SECRET = 'secret of a client in tests'
const keys = await createTestKeys('ES256')
const [server, client, api, other] = ['localhost', 'client', 'api', 'other'].map((name) => createCertificate(name)) as [
  TestCertificate,
  TestCertificate,
  TestCertificate,
  TestCertificate,
]
const dpopClient: DpopClient = await createDpopClient()
const agents: Agent[] = []
const events: VerifierEvent[] = []
let issuer: string
let close: () => void

beforeAll(async () => {
  let answer: RequestListener = (_request, response) => response.destroy()
  const { key, cert } = server
  const running = createServer({ key, cert, requestCert: true, rejectUnauthorized: false }, (req, res) =>
    answer(req, res),
  )
  await once(running.listen(0, '127.0.0.1'), 'listening')
  issuer = `https://127.0.0.1:${(running.address() as AddressInfo).port}`
  const handle = (await provider()).callback()
  answer = (req, res) => void handle(req, res)
  close = () => {
    running.closeAllConnections()
    running.close()
  }
})
afterAll(async () => {
  close()
  for (const agent of agents) await agent.close()
})

async function provider(): Promise<Provider> {
  const algorithms = { id_token_signed_response_alg: 'ES256', introspection_signed_response_alg: 'ES256' }
  const common = { response_types: [], redirect_uris: [], ...algorithms }
  const app = { ...common, client_secret: SECRET, grant_types: ['client_credentials'] }
  const apiKey = await exportJWK(await importX509(api.cert, 'ES256', { extractable: true }))
  return new Provider(issuer, {
    adapter: memoryAdapter(),
    clients: [
      { ...app, client_id: 'mtls-app', tls_client_certificate_bound_access_tokens: true },
      { ...app, client_id: 'dpop-app', dpop_bound_access_tokens: true },
      {
        ...common,
        client_id: 'api',
        grant_types: [],
        token_endpoint_auth_method: 'self_signed_tls_client_auth',
        jwks: { keys: [{ ...apiKey, kid: 'api', x5c: [api.der.toString('base64')] }] },
      },
    ],
    jwks: { keys: [keys.privateJwk] },
    cookies: { keys: ['a secret for cookies of tests'] },
    ttl: { ClientCredentials: 600 },
    clientAuthMethods: ['client_secret_basic', 'self_signed_tls_client_auth'],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: async () => true },
      jwtIntrospection: { enabled: true },
      revocation: { enabled: true, allowedPolicy: async () => true },
      dPoP: { enabled: true },
      mTLS: {
        enabled: true,
        certificateBoundAccessTokens: true,
        selfSignedTlsClientAuth: true,
        getCertificate: ({ socket }: { readonly socket: TLSSocket }) => {
          const { raw } = socket.getPeerCertificate()
          return (raw as Buffer | undefined) && new X509Certificate(raw)
        },
      },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: async () => ({ scope: 'orders:read', audience: API, accessTokenFormat: 'opaque' }),
      },
    },
  })
}

async function send(path: string, form: object, { id, certificate, headers = {} }: Sender): Promise<string> {
  const { key, cert } = certificate ?? {}
  const { host, port } = { host: '127.0.0.1', port: new URL(issuer).port }
  const auth = `${id}:${encodeURIComponent(SECRET)}`
  const type = { 'content-type': 'application/x-www-form-urlencoded' }
  const tls = { ca: server.cert, agent: false as const, key, cert }
  const sent = request({ host, port, path, method: 'POST', auth, headers: { ...type, ...headers }, ...tls })
  sent.end(new URLSearchParams({ ...form }).toString())
  const [response] = (await once(sent, 'response')) as [NodeJS.ReadableStream]
  return text(response)
}

interface Sender {
  readonly id: string
  readonly certificate?: TestCertificate
  readonly headers?: Readonly<Record<string, string>>
}

async function tokenFor(sender: Sender): Promise<string> {
  const form = { grant_type: 'client_credentials', scope: 'orders:read', resource: API }
  const answer = JSON.parse(await send('/token', form, sender)) as { readonly access_token?: string }
  if (answer.access_token === undefined) throw new Error(JSON.stringify(answer))
  return answer.access_token
}

const certificateToken = async (): Promise<string> => tokenFor({ id: 'mtls-app', certificate: client })

async function dpopToken(): Promise<string> {
  const claims = { htm: 'POST', htu: `${issuer}/token`, iat: Math.floor(Date.now() / 1000), ath: undefined }
  return tokenFor({ id: 'dpop-app', headers: { dpop: await dpopClient.proof('', { claims }) } })
}

/** A resource that authenticates with a certificate when it asks. */
function resource(certificate: TestCertificate, more: Partial<IntrospectionOptions> = {}): Authenticator {
  const agent = new Agent({ connect: { ca: server.cert, key: certificate.key, cert: certificate.cert } })
  agents.push(agent)
  const verifier = createIntrospectionVerifier({
    issuer,
    audience: API,
    client: tlsClient('api'),
    timeout: 10,
    onEvent: (event) => void events.push(event),
    fetch: async (url, init) => undiciFetch(url, { ...init, dispatcher: agent }),
    ...more,
  })
  return createAuthenticator({
    verifier,
    bindings: [dpop({ origin: API, replay: createMemoryReplayStore() }), mtls({ from: 'connection' })],
    unboundTokens: 'refuse',
  })
}

const view = (headers: Readonly<Record<string, string>>, certificate?: TestCertificate): RequestView => ({
  method: 'GET',
  target: '/orders',
  header: (name) => [headers[name] ?? []].flat(),
  clientCertificate: () => certificate?.der,
})

async function outcome(authenticator: Authenticator, seen: RequestView): Promise<string> {
  const found = await authenticator.authenticate(seen, scope('orders:read'))
  return found.kind === 'refused' ? `${found.error.status} ${found.error.code}` : found.kind
}

describe.each([
  ['with JSON', {}],
  ['with signed answers', { answers: 'signed' }],
] as const)('opaque tokens of oidc-provider, introspected over mutual TLS (RFC 8705 section 2), %s', (_, answers) => {
  it('bound to a certificate are accepted with it, and refused without', async () => {
    const authenticator = resource(api, answers)
    const authorization = `Bearer ${await certificateToken()}`
    const outcomes = []
    for (const certificate of [client, other, undefined])
      outcomes.push(await outcome(authenticator, view({ authorization }, certificate)))
    expect(outcomes).toEqual(['authenticated', '401 binding_failed', '401 binding_failed'])
  })

  it('bound to a DPoP key are accepted with a proof, once, and refused as Bearer', async () => {
    const authenticator = resource(api, answers)
    const token = await dpopToken()
    const claims = { iat: Math.floor(Date.now() / 1000), htu: `${API}/orders` }
    const sent = { authorization: `DPoP ${token}`, dpop: await dpopClient.proof(token, { claims }) }
    expect([
      await outcome(authenticator, view(sent)),
      await outcome(authenticator, view(sent)),
      await outcome(authenticator, view({ authorization: sent.authorization })),
      await outcome(authenticator, view({ authorization: `Bearer ${token}` })),
    ]).toEqual(['authenticated', '401 binding_failed', '401 binding_failed', '401 binding_failed'])
  })

  it('get 503 if the API sends another certificate, or none that the server knows', async () => {
    events.length = 0
    const authorization = `Bearer ${await certificateToken()}`
    expect(await outcome(resource(other, answers), view({ authorization }, client))).toBe('503 check_unavailable')
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'introspection.failed', reason: 'client_refused', status: 401 }),
    )
  })
})

describe('an introspected token bound to a certificate', () => {
  it('is refused by fresh() once the server has revoked it', async () => {
    const authenticator = resource(api)
    const token = await certificateToken()
    const seen = view({ authorization: `Bearer ${token}` }, client)
    const pay = async (): Promise<unknown> => {
      const found = await authenticator.authenticate(seen, allOf(scope('orders:read'), fresh()))
      return found.kind === 'refused' ? found.error.code : found.kind
    }
    expect([await outcome(authenticator, seen), await pay()]).toEqual(['authenticated', 'authenticated'])
    await send('/token/revocation', { token }, { id: 'mtls-app', certificate: client })
    expect([await outcome(authenticator, seen), await pay()]).toEqual(['authenticated', 'token_refused'])
  })

  it('is explained step by step, without the token', async () => {
    const authenticator = resource(api)
    const token = await certificateToken()
    const explanation = await authenticator.explain(view({ authorization: `Bearer ${token}` }, other), fresh())
    const results = explanation.steps.map(({ step, result }) => `${step} ${result}`)
    expect(results).toEqual(expect.arrayContaining(['introspection passed', 'cnf passed', 'requirement passed']))
    expect(explanation).toMatchObject({ accepted: false, code: 'binding_failed' })
    expect(JSON.stringify([explanation, events])).not.toContain(token)
  })
})
