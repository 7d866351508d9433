import { exportJWK, generateKeyPair } from 'jose'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Provider } from 'oidc-provider'
import type { RunningServer } from './notes-server.ts'

export const CLIENT_ID = 'notes-client'
/** No server listens there: the client of this example reads the code from the redirect. */
export const REDIRECT_URI = 'http://127.0.0.1:4029/callback'

const SCOPES = ['notes:read', 'notes:admin']

/**
 * Starts an authorization server for the example: oidc-provider with one client. Every visitor is the user Ada, who consents to everything. A real
 * one asks for a password and for consent.
 */
export async function startAuthorizationServer({ port = 0 }: { readonly port?: number } = {}): Promise<RunningServer> {
  const server = createServer()
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const provider = await createProvider(url)
  const callback = provider.callback()
  server.on('request', (request, response) => {
    const isLogIn = request.url?.startsWith('/interaction/') === true
    const answered = isLogIn ? logIn(provider, request, response) : callback(request, response)
    answered.catch((error: unknown) => response.destroy(error as Error))
  })
  return {
    url,
    close: async () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

async function createProvider(issuer: string): Promise<Provider> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const key = { ...(await exportJWK(privateKey)), alg: 'ES256', kid: 'key-1', use: 'sig' }
  return new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT_ID,
        token_endpoint_auth_method: 'none',
        redirect_uris: [REDIRECT_URI],
        application_type: 'native',
        id_token_signed_response_alg: 'ES256',
      },
    ],
    jwks: { keys: [key] },
    cookies: { keys: [crypto.randomUUID()] },
    findAccount: async (_context: unknown, accountId: string) => ({
      accountId,
      claims: async () => ({ sub: accountId }),
    }),
    ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
    interactions: { url: (_context: unknown, { uid }: { readonly uid: string }) => `/interaction/${uid}` },
    features: {
      devInteractions: { enabled: false },
      // RFC 8707: the token is for the resource that the client names.
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: async (_context: unknown, resource: string) => ({
          scope: SCOPES.join(' '),
          audience: resource,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
  })
}

/** The result of a page with a form after the user has logged in and consented. */
async function logIn(provider: Provider, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { params } = await provider.interactionDetails(request, response)
  const grant = new provider.Grant({ accountId: 'ada', clientId: CLIENT_ID })
  grant.addResourceScope(String(params['resource']), String(params['scope']))
  const grantId = await grant.save()
  await provider.interactionFinished(request, response, { login: { accountId: 'ada' }, consent: { grantId } })
}
