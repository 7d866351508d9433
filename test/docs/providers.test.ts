import { createVerifier, type SingleIssuerOptions } from '@claimgate/core'
import { createTestKeys } from '@claimgate/testing'
import { expect, it } from 'vitest'

import { pageAt } from '../support/docs/pages.ts'

/** Claims as each provider issues them, with the placeholders of the tables. */
const tokens: Readonly<Record<string, object>> = {
  Auth0: {
    iss: 'https://TENANT.auth0.com/',
    aud: ['API_IDENTIFIER', 'https://TENANT.auth0.com/userinfo'],
    azp: 'my_client_id',
    scope: 'openid read:orders',
    permissions: ['read:orders'],
  },
  Keycloak: {
    iss: 'https://HOST/realms/REALM',
    aud: ['CLIENT_ID', 'account'],
    typ: 'Bearer',
    azp: 'web-shop',
    realm_access: { roles: ['buyer'] },
    scope: 'profile email',
  },
  Entra: {
    iss: 'https://login.microsoftonline.com/TENANT_ID/v2.0',
    aud: 'CLIENT_ID',
    azp: 'c',
    scp: 'Orders.Read',
    ver: '2.0',
  },
  Cognito: {
    iss: 'https://cognito-idp.REGION.amazonaws.com/POOL_ID',
    client_id: 'CLIENT_ID',
    token_use: 'access',
    scope: 'orders/read',
  },
  Okta: { iss: 'https://ORG.okta.com/oauth2/default', aud: 'api://default', cid: 'c', scp: ['orders.read'] },
  'v2.0': { iss: 'https://login.microsoftonline.com/TENANT_ID/v2.0', aud: 'CLIENT_ID', azp: 'c', ver: '2.0' },
  'v1.0': {
    iss: 'https://sts.windows.net/TENANT_ID/',
    aud: 'api://CLIENT_ID',
    appid: 'c',
    scp: 'Orders.Read',
    ver: '1.0',
  },
}

const rows = [pageAt('README.md'), pageAt('docs/troubleshooting.md')].flatMap((text) =>
  [...text.matchAll(/^\| ([\w.]+) +\| `(\{ issuer: [^`]+\})`/gm)].map(([, name = '', options = '']) => ({
    name,
    options,
  })),
)

it('has settings for each provider', () => {
  expect(rows.map(({ name }) => name)).toEqual(Object.keys(tokens))
})

it.each(rows)(
  'accepts an access token of $name, and refuses one for another audience or client',
  async ({ name, options }) => {
    const json = options.replaceAll(/(\w+): /g, '"$1": ').replaceAll("'", '"')
    const { jwksUri, ...rest } = JSON.parse(json) as SingleIssuerOptions
    expect(jwksUri === undefined || String(jwksUri).startsWith('https://')).toBe(true)
    const keys = await createTestKeys('RS256')
    const verifier = createVerifier({ ...rest, jwks: { keys: [keys.publicJwk] } })
    const now = Math.floor(Date.now() / 1000)
    const claims = { sub: 'ada', iat: now, exp: now + 600, ...tokens[name] }
    expect((await verifier.verify(await keys.sign(claims))).claims['sub']).toBe('ada')
    const foreign = await keys.sign({ ...claims, aud: 'another', client_id: 'another' })
    await expect(verifier.verify(foreign)).rejects.toMatchObject({ status: 401 })
  },
)
