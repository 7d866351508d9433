import { describe, expect, it } from 'vitest'

import { AuthError } from '../../../packages/core/src/errors/auth-error.ts'
import type { Claims } from '../../../packages/core/src/model/token.ts'
import { tokenType, type TokenTypeRules } from '../../../packages/core/src/claims/claim-checks.ts'

const rfc9068: TokenTypeRules = { types: new Set(['at+jwt']), typeRequired: 'required', idTokens: 'refuse' }

function hintOf(typ: string | undefined, claims: Claims): string | undefined {
  try {
    tokenType(rfc9068).check({ header: { alg: 'ES256', ...(typ !== undefined && { typ }) }, claims }, { now: 0 })
    return undefined
  } catch (error) {
    return error instanceof AuthError ? error.hint : String(error)
  }
}

describe('a policy that requires at+jwt', () => {
  it.each([
    [
      undefined,
      { nonce: 'n', aud: 'shop', azp: 'shop' },
      /This looks like an ID token: it has a nonce and its aud is a client ID/,
    ],
    ['JWT', { at_hash: 'h' }, /This is an ID token: it has an at_hash/],
    [undefined, {}, /must set typ to at\+jwt/],
    ['JWT', {}, /add it to "tokenTypes"/],
    ['dpop+jwt', { nonce: 'n' }, /This is a DPoP proof/],
    ['logout+jwt', {}, /This is a logout token/],
    ['custom+jwt', { nonce: 'n' }, /add it to "tokenTypes"/],
  ])('says what type a token with typ %s and %j seems to have', (typ, claims, hint) => {
    expect(hintOf(typ, claims)).toMatch(hint)
  })
})
