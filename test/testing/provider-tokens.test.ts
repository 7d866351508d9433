import { createVerifier } from '@claimgate/core'
import { profiles } from '@claimgate/core/providers'
import {
  createTestKeys,
  providerExample,
  providerTokenNames,
  startTestIssuer,
  type TestIssuer,
} from '@claimgate/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

let testIssuer: TestIssuer
beforeAll(async () => {
  testIssuer = await startTestIssuer()
})
afterAll(() => testIssuer.close())

describe('testIssuer.as', () => {
  it.each(providerTokenNames)('%s gives a token that its policy accepts', async (name) => {
    const { token, policy } = await testIssuer.as(name)
    await expect(createVerifier(policy).verify(token)).resolves.toMatchObject({ claims: { iss: policy.issuer } })
  })

  it('has an example for each profile', () => {
    const without = profiles
      .map(({ data }) => data.name)
      .filter((name) => !providerTokenNames.some((known) => known.startsWith(name)))
    expect(without).toEqual([])
  })

  it('replaces and removes claims', async () => {
    const { token, policy } = await testIssuer.as('auth0', { permissions: ['admin'], scope: undefined, aud: 'other' })
    const { roles, scopes } = await createVerifier({ ...policy, audience: 'other' }).verify(token)
    expect([[...(roles ?? [])], [...scopes]]).toEqual([['admin'], []])
    await expect(createVerifier(policy).verify(token)).rejects.toMatchObject({ code: 'audience_mismatch' })
  })

  it.each(['entra-v3', '', 'toString', '__proto__'])('rejects the unknown name "%s"', async (name) => {
    await expect(testIssuer.as(name)).rejects.toThrow(/there is no example .* the examples are adfs, apple/)
  })
})

describe('providerExample', () => {
  it('gives a token before it is signed, for your own words and key', async () => {
    const words = { domain: 'mine.eu.auth0.com', audience: 'orders-api' }
    const { header, claims, policy, algorithm, profile, ...rest } = providerExample('auth0-rfc9068', words)
    expect({ profile, ...rest }).toEqual({ profile: 'auth0', words })
    const keys = await createTestKeys(algorithm)
    const verifier = createVerifier({ ...policy, jwks: { keys: [keys.publicJwk] } })
    const verified = await verifier.verify(await keys.sign(claims, header))
    verifier.close()
    expect(verified.claims).toMatchObject({ iss: 'https://mine.eu.auth0.com/', aud: 'orders-api' })
  })

  it('rejects wrong words', () => {
    expect(() => providerExample('auth0', { domain: 'https://x' })).toThrow('"domain" must be a host')
    expect(() => providerExample('auth0', { audiense: 'x' })).toThrow('did you mean "audience"?')
  })
})
