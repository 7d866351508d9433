import { createAuthenticator, type FetchLike } from '@claimgate/core'
import { accessToken, options, outcomeOf } from './world.ts'

/** A runtime: how it fetches, and how it tells the time. Its file for `#default-fetch` would be in `platform/`. */
interface ToyRuntime {
  readonly fetch: FetchLike
  readonly clock: { now(): number }
}

export async function run(): Promise<unknown> {
  const fetched: string[] = []
  const runtime: ToyRuntime = {
    fetch: async (url) => {
      fetched.push(url)
      return Response.json(options.jwks)
    },
    clock: { now: () => Date.now() + 86_400_000 },
  }
  const policy = { issuer: options.issuer, audience: options.audience, jwksUri: 'https://issuer.example/keys' }
  const authorization = `Bearer ${await accessToken()}`
  return [
    await outcomeOf(createAuthenticator({ ...policy, fetch: runtime.fetch }), { authorization }),
    await outcomeOf(createAuthenticator({ ...policy, ...runtime }), { authorization }),
    [...new Set(fetched)],
  ]
}

export const expected = [
  '200 Bearer',
  '401 token_expired Bearer realm="api", error="invalid_token"',
  ['https://issuer.example/keys'],
]
