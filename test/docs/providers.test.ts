import { createVerifier, type IssuerPolicy } from '@claimgate/core'
import * as providers from '@claimgate/core/providers'
import { createTestKeys } from '@claimgate/testing'
import { expect, it } from 'vitest'

import { pageAt } from '../support/docs/pages.ts'

const TENANT = '11111111-2222-4333-8444-555555555555'
const CLIENT = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee'
const v1 = { iss: `https://sts.windows.net/${TENANT}/`, tid: TENANT, appid: 'c', scp: 'Orders.Read', ver: '1.0' }
const v2 = { iss: `https://login.microsoftonline.com/${TENANT}/v2.0`, tid: TENANT, azp: 'c', ver: '2.0' }

/** Claims as each provider issues them, for the words in the tables. */
const tokens: Readonly<Record<string, object>> = {
  Auth0: {
    iss: 'https://acme.eu.auth0.com/',
    aud: ['https://api.acme.example', 'https://acme.eu.auth0.com/userinfo'],
    azp: 'my_client_id',
    scope: 'openid read:orders',
    permissions: ['read:orders'],
  },
  Keycloak: {
    iss: 'https://sso.example.com/realms/shop',
    aud: ['orders-api', 'account'],
    typ: 'Bearer',
    azp: 'web-shop',
    realm_access: { roles: ['buyer'] },
    scope: 'profile email',
  },
  Entra: { ...v2, aud: CLIENT, scp: 'Orders.Read' },
  Cognito: {
    iss: 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_example',
    client_id: CLIENT,
    token_use: 'access',
    scope: 'orders/read',
  },
  Okta: { iss: 'https://acme.okta.com/oauth2/default', aud: 'api://default', cid: 'c', scp: ['orders.read'] },
  'v2.0': { ...v2, aud: CLIENT },
  'v1.0': { ...v1, aud: `api://${CLIENT}` },
}

const rows = [pageAt('README.md'), pageAt('docs/troubleshooting.md')].flatMap((text) =>
  [...text.matchAll(/^\| ([\w.]+) +\| `(\w+)\((\{ [^`]+\})\)`/gm)].map(([, name = '', profile = '', words = '']) => ({
    name,
    profile,
    words,
  })),
)

it('has settings for each provider', () => {
  expect(rows.map(({ name }) => name)).toEqual(Object.keys(tokens))
})

it.each(rows)(
  'accepts an access token of $name, and refuses one for another audience or client',
  async ({ name, profile, words }) => {
    const filled = words.replaceAll('TENANT_ID', TENANT).replaceAll('CLIENT_ID', CLIENT)
    const json = filled.replaceAll(/(\w+): /g, '"$1": ').replaceAll("'", '"')
    const make = Reflect.get(providers, profile) as (words: unknown) => IssuerPolicy
    const keys = await createTestKeys('RS256')
    const { jwksUri, metadataUri, ...rest } = make(JSON.parse(json))
    for (const uri of [jwksUri, metadataUri].flat()) expect(String(uri ?? 'https://')).toMatch(/^https:\/\//)
    const verifier = createVerifier({ ...rest, jwks: { keys: [keys.publicJwk] } })
    const now = Math.floor(Date.now() / 1000)
    const claims = { sub: 'ada', iat: now, exp: now + 600, ...tokens[name] }
    expect((await verifier.verify(await keys.sign(claims))).claims['sub']).toBe('ada')
    const foreign = await keys.sign({ ...claims, aud: 'another', client_id: 'another' })
    await expect(verifier.verify(foreign)).rejects.toMatchObject({ status: 401 })
  },
)
