import { createClaimsVerifier } from '@claimgate/core/adapter'
import { describe, expect, it } from 'vitest'
import { accessClaims, AUDIENCE, clock, ISSUER, NOW } from '../../support/core/jose-tokens.ts'

const options = { issuer: ISSUER, audience: AUDIENCE, clock }

describe('a verifier of claims', () => {
  it('makes a frozen token without a header, whose text stays out of JSON', async () => {
    const given = { ...accessClaims(), act: { sub: 'x' } }
    const verified = await createClaimsVerifier(options).verify('opaque', given)
    expect(verified.claims).toEqual(given)
    expect([verified.token, ...verified.scopes]).toEqual(['opaque', 'orders:read', 'profile'])
    expect(verified.header).toBeUndefined()
    expect(Object.isFrozen(verified.claims['act'])).toBe(true)
    expect(Object.isFrozen(given.act)).toBe(false)
    expect(JSON.stringify(verified)).not.toContain('opaque')
  })

  it.each([
    ['issuer_mismatch', { iss: 'https://other.example' }],
    ['issuer_missing', { iss: undefined }],
    ['audience_mismatch', { aud: 'other' }],
    ['token_expired', { exp: NOW - 600 }],
    ['claim_missing', { exp: undefined }],
    ['claim_malformed', { sub: 'a\nb' }],
    ['claim_missing', { tenant: undefined }],
    ['token_type', { events: {} }],
    ['binding_unsupported', { cnf: { jkt: 'x' } }],
  ])('refuses as for a JWT: %s', async (code, changes) => {
    const verifier = createClaimsVerifier({ ...options, requiredClaims: ['tenant'] })
    const claims = { ...accessClaims(), tenant: 'acme', ...changes } as never
    await expect(verifier.verify('opaque', claims)).rejects.toMatchObject({ code })
    expect(await verifier.explain('opaque', claims)).toMatchObject({ accepted: false, code })
  })

  it('explains the refusal of claims that are no JSON, and never throws', async () => {
    const claims = { ...accessClaims(), size: 1n } as never
    await expect(createClaimsVerifier(options).verify('opaque', claims)).rejects.toThrow(TypeError)
    const explanation = await createClaimsVerifier(options).explain('opaque', claims)
    expect(explanation).toMatchObject({
      accepted: false,
      summary: expect.stringMatching(/^Refused: ".*BigInt/) as string,
    })
    expect(explanation.steps).toContainEqual(expect.objectContaining({ step: 'parse', result: 'failed' }))
  })

  it('accepts the context of a verification', async () => {
    const verifier = createClaimsVerifier(options)
    const bound = { ...accessClaims(), cnf: { jkt: 'x' } }
    expect(await verifier.verify('opaque', bound, { confirmations: ['jkt'] })).toHaveProperty('claims.cnf')
    expect(await verifier.explain('opaque', bound, { confirmations: ['jkt'] })).toMatchObject({ accepted: true })
  })

  it('runs the checks and tells events', async () => {
    const seen: unknown[] = []
    const verifier = createClaimsVerifier({
      ...options,
      checks: [{ name: 'own', check: async ({ claims, header }) => void seen.push([claims.sub, header]) }],
      onEvent: ({ type }) => seen.push(type),
    })
    await verifier.verify('opaque', accessClaims())
    expect(seen).toEqual([['ada', undefined], 'token.verified'])
  })

  it('lists the steps that need no signature', async () => {
    const { steps } = await createClaimsVerifier(options).explain('opaque', accessClaims())
    expect(steps.map(({ step }) => step)).toEqual([
      'time',
      'issuer',
      'claims',
      'typ',
      'aud',
      'exp',
      'nbf',
      'iat',
      'cnf',
      'schema',
      'checks',
    ])
  })

  it.each(['keys', 'tokenCache', 'jwksUri', 'unknown'])('does not start with "%s"', (name) => {
    expect(() => createClaimsVerifier({ ...options, [name]: 'https://issuer.example/keys' })).toThrow(TypeError)
  })
})
