import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import type { JWK } from 'jose'
import { Provider } from 'oidc-provider'

import { CLIENT_ID, CLIENT_SECRET, REDIRECT_URI } from './client.ts'
import { memoryAdapter } from './memory-adapter.ts'

/** The configuration of an authorization server. */
export interface AuthorizationServerOptions {
  /** Private keys that it signs with; it publishes their public halves. */
  readonly keys: readonly JWK[]
  /** The path of its issuer identifier, such as `/tenant`. @defaultValue none */
  readonly path?: string
  /** Metadata paths that answer 404, by their ending. @defaultValue none */
  readonly without?: readonly 'openid-configuration'[]
  /** Registered APIs, which may introspect tokens: client metadata. @defaultValue none */
  readonly apis?: readonly object[]
  /** Scopes of its APIs. If given, users consent to all that clients request, and DPoP is on. @defaultValue those for orders */
  readonly scopes?: readonly string[]
  /** Where it sends logout tokens; then access tokens have `sid`. @defaultValue nowhere */
  readonly logoutUri?: string
}

/** oidc-provider on a port of 127.0.0.1. */
export interface AuthorizationServer {
  readonly issuer: string
  /** The requested paths, in order. */
  readonly paths: readonly string[]
  /** Continues at the same address with other keys, like after a restart. */
  restart(keys: readonly JWK[]): void
  close(): Promise<void>
}

/** The API of the tokens, by resource indicator (RFC 8707): one for each signature algorithm. */
export const apiFor = (alg: string): string => `https://api.example/${alg}`
export const SUBJECT = 'account-1'
/** The API whose access tokens are references. */
export const OPAQUE_API = 'https://api.example/opaque'

export async function startAuthorizationServer(options: AuthorizationServerOptions): Promise<AuthorizationServer> {
  const { path = '', without = [] } = options
  const paths: string[] = []
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', issuer)
    paths.push(pathname)
    if (without.some((name) => pathname.endsWith(`/.well-known/${name}`))) response.writeHead(404).end()
    else answer(request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  const origin = await listen(server)
  const issuer = `${origin}${path}`
  let provider = newProvider(issuer, options)

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const target = request.url ?? '/'
    if (target.startsWith(`${path}/interaction/`)) return logIn(provider, request, response)
    if (path !== '') {
      const inner = innerTarget(target, path)
      if (inner === undefined) return void response.writeHead(404).end()
      Object.assign(request, { url: inner, originalUrl: `${path}${inner}` })
    }
    return provider.callback()(request, response)
  }

  return {
    issuer,
    paths,
    restart: (keys) => {
      provider = newProvider(issuer, { ...options, keys })
    },
    close: async () => close(server),
  }
}

/** The path that a proxy in front of a provider with a path would request. */
function innerTarget(target: string, path: string): string | undefined {
  if (target.startsWith(`${path}/`)) return target.slice(path.length)
  // RFC 8414 section 3.1 puts the issuer's path after the well-known one.
  const [, wellKnown, inserted] = /^(\/\.well-known\/[^/]+)(\/.+)$/.exec(target) ?? []
  return inserted === path ? wellKnown : undefined
}

function newProvider(issuer: string, { keys, apis = [], scopes, logoutUri }: AuthorizationServerOptions): Provider {
  return new Provider(issuer, {
    adapter: memoryAdapter(),
    clients: [
      {
        client_id: CLIENT_ID,
        client_secret: CLIENT_SECRET,
        grant_types: ['client_credentials', 'authorization_code'],
        response_types: ['code'],
        redirect_uris: [REDIRECT_URI],
        id_token_signed_response_alg: keys[0]?.alg ?? 'RS256',
        ...(apis.length > 0 && { introspection_signed_response_alg: keys[0]?.alg }),
        ...(logoutUri !== undefined && {
          backchannel_logout_uri: logoutUri,
          backchannel_logout_session_required: true,
        }),
      },
      ...apis,
    ],
    jwks: { keys },
    // Without its guard against loopback addresses, where the tests listen.
    ...(logoutUri !== undefined && {
      fetch: (url: string, init: RequestInit) => fetch(url, { ...init, dispatcher: undefined } as RequestInit),
      extraTokenClaims: (context: { readonly oidc: { readonly entities: Entities } }) => ({
        sid: context.oidc.entities.AuthorizationCode?.sid,
      }),
    }),
    cookies: { keys: ['a secret for cookies of tests'] },
    findAccount: async (_context: unknown, accountId: string) => ({
      accountId,
      claims: async () => ({ sub: accountId }),
    }),
    interactions: { url: (_context: unknown, { uid }: { readonly uid: string }) => `${issuer}/interaction/${uid}` },
    ttl: {
      AccessToken: 600,
      AuthorizationCode: 60,
      ClientCredentials: 600,
      Grant: 600,
      IdToken: 600,
      Interaction: 600,
      Session: 600,
    },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: logoutUri !== undefined },
      dPoP: { enabled: true, nonceSecret: Buffer.alloc(32, 7), requireNonce: () => scopes === undefined },
      clientCredentials: { enabled: true },
      introspection: { enabled: apis.length > 0, allowedPolicy: async () => true },
      encryption: { enabled: apis.length > 0 },
      jwtIntrospection: { enabled: apis.length > 0 },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: async (_context: unknown, resource: string) =>
          scopes === undefined ? resourceServer(resource) : mcpServer(resource, scopes, keys[0]?.alg),
      },
    },
  })
}

interface Entities {
  readonly AuthorizationCode?: { readonly sid?: string }
}

function resourceServer(resource: string): object {
  const common = { scope: 'orders:read orders:write', audience: resource }
  if (resource === OPAQUE_API) return { ...common, accessTokenFormat: 'opaque' }
  return { ...common, accessTokenFormat: 'jwt', jwt: { sign: { alg: resource.split('/').at(-1) } } }
}

function mcpServer(resource: string, scopes: readonly string[], alg: string | undefined): object {
  return { scope: scopes.join(' '), audience: resource, accessTokenFormat: 'jwt', jwt: { sign: { alg } } }
}

/** The result of a page with a form after a user has logged in and consented. */
async function logIn(provider: Provider, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { params } = await provider.interactionDetails(request, response)
  const grant = new provider.Grant({ accountId: SUBJECT, clientId: CLIENT_ID })
  grant.addOIDCScope('openid')
  const scope = String(params['scope'])
  if (typeof params['resource'] === 'string')
    grant.addResourceScope(params['resource'], scope.includes('orders:read') ? 'orders:read' : scope)
  const grantId = await grant.save()
  await provider.interactionFinished(request, response, { login: { accountId: SUBJECT }, consent: { grantId } })
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeAllConnections()
  await closed
}
