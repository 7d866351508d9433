import { entra, policyFromTexts, profiles, providerOf } from '@claimgate/core/providers'
import { describe, expect, it } from 'vitest'

import { fixtures } from '../../support/providers/world.ts'

// Their issuers are on hosts of the customer, and have no path that tells.
const UNKNOWN = ['duende', 'fusionauth', 'ory-hydra']

// The names of fixtures begin with the name of their profile.
const profileOf = (id: string): string | undefined =>
  profiles
    .map(({ data }) => data.name)
    .filter((name) => id.startsWith(name) && !UNKNOWN.includes(name))
    .toSorted((one, other) => other.length - one.length)[0]

const issuers = Object.entries(fixtures).map(([id, { header, claims }]) => ({
  id,
  claims,
  find: () => providerOf(String(claims['iss']), header),
}))

it.each(issuers)('recognises the issuer of $id as far as its form tells', ({ id, find }) => {
  expect(find()?.name).toBe(profileOf(id))
})

// Okta's own tokens are for Okta, and the profile is for those of an authorization server.
it.each(issuers.filter(({ id }) => profileOf(id) !== undefined && id !== 'okta-org'))(
  'makes the issuer of $id of the words that it shows',
  ({ claims, find }) => {
    const found = find()
    const profile = profiles.find(({ data }) => data.name === found?.name) as unknown as (words: object) => {
      readonly issuer: string
      readonly provider: { readonly issuerOf?: (claims: object) => string | undefined }
    }
    const { issuer, provider } = profile({ ...found?.missing, ...found?.words })
    expect([issuer, provider.issuerOf?.(claims)]).toContain(claims['iss'])
  },
)

it.each<[string, object]>([
  ['https://login.microsoftonline.us/T/v2.0', { cloud: 'us-government' }],
  ['https://login.partner.microsoftonline.cn/T/v2.0', { cloud: 'china' }],
  ['https://sts.chinacloudapi.cn/T/', { cloud: 'china', version: 1 }],
])('recognises the cloud of Entra ID from %s', (form, words) => {
  const tenantId = '11111111-2222-4333-8444-555555555555'
  const issuer = form.replace('T', tenantId)
  expect(providerOf(issuer)).toMatchObject({ name: 'entra', words: { tenantId, ...words } })
  expect(entra({ tenantId, audience: 'api', ...words }).issuer).toBe(issuer)
})

it('does not guess from an address that only contains the name of a provider', () => {
  for (const issuer of [
    'https://acme.auth0.com.evil.example/',
    'https://evil.example/?https://acme.auth0.com/',
    'https://user@evil.example/realms/shop',
    'https://accounts.google.com/x',
  ])
    expect(providerOf(issuer)).toBeUndefined()
})

it('lists the words that the issuer does not show, with examples', () => {
  expect(providerOf('https://acme.eu.auth0.com/')).toMatchObject({
    name: 'auth0',
    title: 'Auth0',
    words: { domain: 'acme.eu.auth0.com' },
    missing: { audience: 'https://api.acme.example' },
  })
})

describe('a policy from texts', () => {
  it('reads lists, versions and dates', () => {
    const tenantId = '11111111-2222-4333-8444-555555555555'
    expect(policyFromTexts('entra', { tenantId, audience: 'a, b', version: '1' })).toMatchObject({
      issuer: `https://sts.windows.net/${tenantId}/`,
      audience: ['a', 'b'],
    })
  })

  it.each<[string, Record<string, string>, RegExp]>([
    ['keycloack', {}, /"provider" names no profile: did you mean keycloak/],
    ['auth0', { domain: 'acme.eu.auth0.com' }, /"audience"/],
    ['auth0', { issuer: 'https://acme.eu.auth0.com/', audience: 'a' }, /write "domain"/],
    ['auth0', { domain: 'acme.eu.auth0.com', audience: 'a,,b' }, /the text of "audience" has an empty item/],
    ['kubernetes', { serviceAccounts: 'a/b', audience: 'a', token: 'x' }, /"token" cannot be set through the text of/],
  ])('of %s with %o is refused with what to write', (name, texts, message) => {
    expect(() => policyFromTexts(name, texts)).toThrow(message)
  })
})
