import { AuthError, type Binding, createAuthenticator } from '@claimgate/core'
import { publicUrl, resolveOrigin } from '@claimgate/core/adapter'
import { accessToken, outcomeOf, options } from './world.ts'

/** A binding with its own scheme: the proof names the public URL of the request, and the thumbprint of the token. */
function toyDpop({ origin: given }: { readonly origin: string }): Binding {
  const origin = resolveOrigin('create toy DPoP', given)
  return {
    confirmation: 'jkt',
    scheme: 'DPoP',
    challenge: { algs: 'ES256' },
    async confirm(thumbprint, _token, view) {
      const [proof] = view.header('dpop')
      if (proof !== `${publicUrl(origin, view.target)} ${String(thumbprint)}`)
        throw new AuthError('binding_failed', {
          refusal: { status: 401, error: 'invalid_dpop_proof' },
          headers: { 'DPoP-Nonce': 'n' },
        })
      return { headers: { 'DPoP-Nonce': 'next' } }
    },
  }
}

export async function run(): Promise<unknown> {
  const authenticator = createAuthenticator({ ...options, bindings: [toyDpop({ origin: 'https://api.example/v1' })] })
  const bound = await accessToken({ cnf: { jkt: 'key' } })
  const send = (authorization: string, dpop: string): Promise<unknown> =>
    outcomeOf(authenticator, { authorization, dpop }, '/orders')
  return [
    await send(`DPoP ${bound}`, 'https://api.example/v1/orders key'),
    await send(`DPoP ${bound}`, 'https://other.example/orders key'),
    await send(`Bearer ${bound}`, 'https://api.example/v1/orders key'),
    await send(`DPoP ${await accessToken()}`, 'https://api.example/v1/orders key'),
  ]
}

export const expected = [
  '200 DPoP dpop-nonce: next',
  '401 binding_failed Bearer realm="api", DPoP realm="api", error="invalid_dpop_proof"',
  '401 binding_failed Bearer realm="api", error="invalid_token", DPoP realm="api"',
  '401 binding_missing Bearer realm="api", DPoP realm="api", error="invalid_token"',
]
