import { createAuthenticator, type IssuerPolicy } from '@claimgate/core'
import { accessToken, options, outcomeOf } from './world.ts'

/** An identity provider: the words of its console, as the policy of an issuer. */
function toyProvider({
  domain,
  apiIdentifier,
}: {
  readonly domain: string
  readonly apiIdentifier: string
}): IssuerPolicy {
  return { issuer: `https://${domain}`, audience: apiIdentifier, scopeSources: ['scope', 'permissions'] }
}

export async function run(): Promise<unknown> {
  const policy = toyProvider({ domain: 'issuer.example', apiIdentifier: 'https://api.example' })
  const authenticator = createAuthenticator({ ...policy, jwks: options.jwks })
  return [await outcomeOf(authenticator, { authorization: `Bearer ${await accessToken()}` })]
}

export const expected = ['200 Bearer']
