import { createTestKeys } from '@claimgate/testing'
import type { JSONWebKeySet } from 'jose'

/** An authorization server for tests of adapters. */
export interface Authority {
  /** Options to verify its tokens. */
  readonly options: { readonly issuer: string; readonly audience: string; readonly jwks: JSONWebKeySet }
  readonly publicPem: string
  /** A request header with a token that is valid for ten minutes. */
  authorization(claims?: object): Promise<{ readonly authorization: string }>
  /** A token that is valid for ten minutes. */
  token(claims?: object): Promise<string>
}

export async function createAuthority(issuer = 'https://auth.example.com'): Promise<Authority> {
  const audience = 'https://api.example.com'
  const keys = await createTestKeys('ES256', { kid: issuer })
  const token = async (claims: object = {}): Promise<string> => {
    const now = Math.floor(Date.now() / 1000)
    return keys.sign({ iss: issuer, aud: audience, sub: 'alice', iat: now, exp: now + 600, ...claims })
  }
  return {
    options: { issuer, audience, jwks: { keys: [keys.publicJwk] } },
    publicPem: keys.publicPem,
    token,
    authorization: async (claims) => ({ authorization: `Bearer ${await token(claims)}` }),
  }
}
