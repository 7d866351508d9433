import { AuthError, type Binding, createAuthenticator, type RequestView } from '@claimgate/core'
import { accessToken, options, outcomeOf } from './world.ts'

interface ToyMtlsOptions {
  /** Whether a request comes from the proxy that checks certificates. */
  readonly trust: (view: RequestView) => boolean
}

/** A binding to a certificate, of the connection or of a header that a trusted proxy sets. It brings no scheme. */
function toyMtls({ trust }: ToyMtlsOptions): Binding {
  const fingerprintOf = async (der: Uint8Array): Promise<string> =>
    [...new Uint8Array(await crypto.subtle.digest('SHA-256', Uint8Array.from(der)))].join('')
  return {
    confirmation: 'x5t#S256',
    async confirm(fingerprint, _token, view) {
      const [field] = trust(view) ? view.header('client-cert') : []
      const der = view.clientCertificate?.() ?? (field === undefined ? undefined : new TextEncoder().encode(field))
      if (der === undefined || (await fingerprintOf(der)) !== fingerprint) throw new AuthError('binding_failed')
    },
  }
}

export async function run(): Promise<unknown> {
  const der = new TextEncoder().encode('certificate')
  const fingerprint = [...new Uint8Array(await crypto.subtle.digest('SHA-256', der))].join('')
  const authorization = `Bearer ${await accessToken({ cnf: { 'x5t#S256': fingerprint } })}`
  const authenticator = createAuthenticator({
    ...options,
    bindings: [toyMtls({ trust: ({ peer }) => peer?.address === '10.0.0.1' })],
    unboundTokens: 'refuse',
  })
  const proxy = { peer: { address: '10.0.0.1', encrypted: false } }
  const header = { authorization, 'client-cert': 'certificate' }
  return [
    await outcomeOf(authenticator, { authorization }, '/', { clientCertificate: () => der }),
    await outcomeOf(authenticator, header, '/', proxy),
    await outcomeOf(authenticator, header, '/', { peer: { address: '203.0.113.9', encrypted: true } }),
    await outcomeOf(authenticator, { authorization: `Bearer ${await accessToken()}` }, '/', proxy),
  ]
}

export const expected = [
  '200 Bearer',
  '200 Bearer',
  '401 binding_failed Bearer realm="api", error="invalid_token"',
  '401 binding_missing Bearer realm="api", error="invalid_token"',
]
