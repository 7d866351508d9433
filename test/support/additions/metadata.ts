import { createAuthenticator, type HttpOptions, scope } from '@claimgate/core'
import { protect } from '@claimgate/fetch'
import { accessToken, options, outcomeOf } from './world.ts'

interface ToyResource {
  readonly path: string
  readonly document: Response
  readonly challenge: NonNullable<HttpOptions['challenge']>
}

/** The metadata of a protected resource: the document, and where challenges say it is. */
function toyResource(resource: string): ToyResource {
  const { origin, pathname } = new URL(resource)
  const path = `/.well-known/oauth-protected-resource${pathname === '/' ? '' : pathname}`
  return {
    path,
    document: Response.json({ resource, authorization_servers: [options.issuer] }),
    challenge: { resource_metadata: `${origin}${path}` },
  }
}

export async function run(): Promise<unknown> {
  const { path, document, challenge } = toyResource('https://api.example/mcp')
  const guarded = protect({ ...options, challenge }, () => new Response('orders'))
  const serve = (request: Request): Promise<Response> =>
    new URL(request.url).pathname === path ? Promise.resolve(document) : guarded(request)
  const refused = await serve(new Request('https://api.example/mcp'))
  const [, address = ''] = /resource_metadata="([^"]+)"/.exec(refused.headers.get('www-authenticate') ?? '') ?? []
  const authenticator = createAuthenticator({ ...options, challenge })
  const authorization = `Bearer ${await accessToken()}`
  return [
    refused.status,
    await (await serve(new Request(address))).json(),
    await outcomeOf(authenticator, { authorization }, '/', {}, scope('mcp:admin')),
  ]
}

const METADATA = 'resource_metadata="https://api.example/.well-known/oauth-protected-resource/mcp"'
export const expected = [
  401,
  { resource: 'https://api.example/mcp', authorization_servers: ['https://issuer.example'] },
  `403 insufficient_scope Bearer realm="api", error="insufficient_scope", scope="mcp:admin", ${METADATA}`,
]
