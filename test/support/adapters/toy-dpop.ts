import { AuthError, type Binding } from '@claimgate/core'

/** A minimal binding like DPoP (RFC 9449): the proof repeats the thumbprint, and "stale" is a proof without a nonce. */
export const toyDpop: Binding = {
  confirmation: 'jkt',
  scheme: 'DPoP',
  challenge: { algs: 'ES256' },
  async confirm(thumbprint, _token, view) {
    const [proof] = view.header('dpop')
    if (proof === 'stale')
      throw new AuthError('binding_failed', {
        refusal: { status: 401, error: 'use_dpop_nonce' },
        headers: { 'DPoP-Nonce': 'nonce-1' },
      })
    if (proof === undefined)
      throw new AuthError('binding_failed', { refusal: { status: 401, error: 'invalid_dpop_proof' } })
    if (proof !== thumbprint) throw new AuthError('binding_failed')
    return { headers: { 'DPoP-Nonce': 'nonce-2' } }
  },
}
