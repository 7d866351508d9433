import { claim } from '../adapter.ts'
import { keysWithHeaders } from './key-forms.ts'
import { type Profile, profile } from './profile.ts'
import { guid, like, needed, server, text } from './words.ts'

const TENANT = '11111111-2222-4333-8444-555555555555'

/** The settings of SAP XSUAA, from the credentials of the service binding. */
export interface SapXsuaaWords {
  /** `url`. */
  readonly url: string
  /** `clientid`. */
  readonly clientId: string
  /** `xsappname`. */
  readonly xsappname: string
  /** `zoneid`, if only one subaccount is accepted. @defaultValue any subaccount that shares the issuer */
  readonly zoneId?: string
}

/** Access tokens of SAP BTP XSUAA. */
export const sapXsuaa: Profile<SapXsuaaWords> = /* @__PURE__ */ profile<SapXsuaaWords>({
  name: 'sap-xsuaa',
  title: 'SAP BTP XSUAA',
  words: {
    url: needed(server('https://shop.authentication.eu10.hana.ondemand.com')),
    clientId: needed(like(/^sb-.+![bt]\d+$/, 'the clientid of the binding, such as "sb-orders!t1"', 'sb-orders!t1')),
    xsappname: needed(like(/![bt]\d+$/, 'the xsappname of the binding, such as "orders!t1"', 'orders!t1')),
    zoneId: guid(TENANT),
  },
  wrong: { clientid: 'write "clientId"', audience: 'write "clientId" and "xsappname"', uaadomain: 'write "url"' },
  arrives:
    '`scopes` from `scope`, with the prefix `<xsappname>.`; `zid` is the subaccount; the client in `client_id`; no roles',
  traps: [
    'Scopes have the name of the application before them: require `orders!t1.Read`.',
    'The header names an address of keys (`jku`), which is ignored: keys come only from `url`.',
    'Each subscriber of a multi-tenant application has its own `url` and issuer.',
  ],
  policy: ({ url, clientId, xsappname, zoneId }) => ({
    issuer: `${url}/oauth/token`,
    audience: [clientId, xsappname],
    jwksUri: `${url}/token_keys`,
    algorithms: ['RS256'],
    scopeSources: ['scope'],
    ...(zoneId !== undefined && { requiredClaims: [claim('zid', zoneId)] }),
    provider: { name: 'SAP XSUAA' },
  }),
})

/** The settings of SAP Cloud Identity Services, from the credentials of the service binding. */
export interface SapIasWords {
  /** `url`. */
  readonly url: string
  /** `clientid`. */
  readonly clientId: string
  /** `app_tid` of the tenant. */
  readonly appTid: string
}

/** Tokens of SAP Cloud Identity Services (IAS). */
export const sapIas: Profile<SapIasWords> = /* @__PURE__ */ profile<SapIasWords>({
  name: 'sap-ias',
  title: 'SAP Cloud Identity Services',
  words: {
    url: needed(server('https://tenant.accounts.ondemand.com')),
    clientId: needed(text('0f0f0f0f-1e1e-4d2d-8c3c-4b4b4b4b4b4b')),
    appTid: needed(guid(TENANT)),
  },
  wrong: { clientid: 'write "clientId"', app_tid: 'write "appTid"', audience: 'write "clientId"' },
  arrives: '`sub`, `scim_id`, `user_uuid`, `email`, `app_tid`; no scopes and no roles',
  traps: ['The keys are given only to requests that name client and tenant, which the profile does.'],
  policy: ({ url, clientId, appTid }) => ({
    issuer: url,
    audience: clientId,
    algorithms: ['RS256'],
    idTokens: 'accept',
    keys: keysWithHeaders(`${url}/oauth2/certs`, { 'x-client_id': clientId, 'x-app_tid': appTid, 'x-azp': clientId }),
    requiredClaims: [claim('app_tid', appTid)],
    provider: { name: 'SAP Cloud Identity Services' },
  }),
})
