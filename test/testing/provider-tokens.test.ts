import { createVerifier } from '@claimgate/core'
import { profiles } from '@claimgate/core/providers'
import { providerTokenNames, startTestIssuer, type TestIssuer } from '@claimgate/testing'
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
