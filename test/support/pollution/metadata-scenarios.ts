import { createAuthenticator, type ProtectedResource } from '@claimgate/core'
import { dpop } from '@claimgate/core/dpop'
import { protectedResource, type ProtectedResourceOptions } from '@claimgate/core/metadata'
import { outcome, type Scenario, stringify } from './scenario.ts'

const RESOURCE = 'https://api.example.com/orders'
const PATH = '/.well-known/oauth-protected-resource/orders'
const replay = { insertIfAbsent: async () => true }

const OPTIONS: readonly (readonly [string, ProtectedResourceOptions])[] = [
  ['only a resource', { resource: RESOURCE }],
  ['empty lists', { resource: RESOURCE, authorizationServers: [], scopesSupported: [], additional: {} }],
  ['a ready signature', { resource: RESOURCE, signedMetadata: 'a.b.c' }],
  ['a signer', { resource: RESOURCE, signedMetadata: async () => 'a.b.c', atRoot: true }],
  ['a failing signer', { resource: RESOURCE, signedMetadata: () => 'no JWT', log: false }],
]

/** The answers of the metadata of protected resources, and of authenticators that have one. */
export function metadataScenarios(): readonly Scenario[] {
  return OPTIONS.map(([name, options]) => ({
    name: `resource metadata, ${name}`,
    start: () => {
      const resource = protectedResource(options)
      const bindings = [dpop({ origin: 'https://api.example.com', replay })]
      const { authenticate } = createAuthenticator({
        issuer: 'https://auth.example.com',
        keys: { resolve: () => Promise.reject(new Error('not needed')) },
        resource,
        bindings,
      })
      resource.learn({ scopes: ['orders:read'] })
      const asked = (method: string, target: string, field?: string): Promise<string> =>
        outcome(async () => {
          const answer = await resource.answer({
            method,
            target,
            header: (each) => (field !== undefined && each === 'if-none-match' ? [field] : []),
          } satisfies Parameters<ProtectedResource['answer']>[0])
          return answer === undefined ? 'not answered' : `accepted ${stringify(answer)}`
        })
      return async () => ({
        get: await asked('GET', PATH),
        head: await asked('HEAD', PATH),
        options: await asked('OPTIONS', PATH),
        post: await asked('POST', PATH),
        'another path': await asked('GET', '/orders'),
        current: await asked('GET', PATH, '*'),
        'without a token': await outcome(async () =>
          stringify(await authenticate({ method: 'GET', target: '/orders', header: () => [] })),
        ),
      })
    },
  }))
}
