// Where each profile finds keys, and what it demands, all in one place for review.
import type { IssuerPolicy } from '@claimgate/core'
import * as providers from '@claimgate/core/providers'
import { expect, it } from 'vitest'

type Words = Readonly<Record<string, unknown>>

const TENANT = '11111111-2222-4333-8444-555555555555'

/** Words beside the examples, one line of the snapshot for each. */
const VARIANTS: Readonly<Record<string, readonly Words[]>> = {
  adfs: [{ clientId: 'c', roles: 'groups', audience: ['https://api.example', 'orders'] }],
  auth0: [{ clientId: ['a', 'b'] }],
  'aws-alb': [{ region: 'us-gov-west-1' }, { region: 'cn-north-1' }],
  cognito: [{ tokenUse: 'id' }, { region: 'cn-north-1', userPoolId: 'cn-north-1_a' }],
  entra: [
    { tenants: 'any', tenantId: undefined },
    { tenants: [TENANT], tenantId: undefined, version: 1 },
    { cloud: 'china', version: 1 },
    { cloud: 'us-government', clientId: 'c', roles: 'groups' },
  ],
  'entra-b2c': [{ clientId: 'c' }],
  firebase: [{ keys: 'x509' }, { roles: 'role' }],
  google: [{ hostedDomain: 'acme.example' }],
  okta: [{ authorizationServer: 'default', clientId: 'c' }],
  pingone: [{ region: 'eu', roles: 'groups' }],
  stytch: [{ product: 'b2b' }],
  zitadel: [{ organizationId: '5' }],
}

const shown = (name: string, policy: IssuerPolicy): string => {
  const { provider, ...options } = JSON.parse(JSON.stringify(policy)) as Record<string, unknown>
  return [name, provider, ...Object.entries(options).map((entry) => entry)]
    .map((part) =>
      Array.isArray(part)
        ? `  ${String(part[0])}: ${JSON.stringify(part[1])}`
        : typeof part === 'string'
          ? part
          : `  provider: ${JSON.stringify(part)}`,
    )
    .join('\n')
}

it('the options of every profile', () => {
  const told = providers.profiles.flatMap((profile) => {
    const { name, words } = profile.data
    const examples = Object.entries(words as Record<string, { readonly example?: unknown }>).map(
      ([word, { example }]) => [word, example],
    )
    return [{}, ...(VARIANTS[name] ?? [])].map((more) => {
      const given = Object.fromEntries(
        Object.entries({ ...(Object.fromEntries(examples) as Words), ...more }).filter(
          ([, value]) => value !== undefined,
        ),
      )
      const title = Object.keys(more).length === 0 ? name : `${name} with ${JSON.stringify(more)}`
      return shown(title, (profile as unknown as (given: Words) => IssuerPolicy)(given))
    })
  })
  expect(`\n${told.join('\n')}\n`).toMatchInlineSnapshot(`
    "
    adfs
      provider: {"name":"AD FS"}
      issuer: "http://adfs.example.com/adfs/services/trust"
      audience: ["orders-api","microsoft:identityserver:orders-api"]
      jwksUri: "https://adfs.example.com/adfs/discovery/keys"
      scopeSources: ["scp"]
    adfs with {"clientId":"c","roles":"groups","audience":["https://api.example","orders"]}
      provider: {"name":"AD FS"}
      issuer: "http://adfs.example.com/adfs/services/trust"
      audience: ["https://api.example","microsoft:identityserver:https://api.example","orders","microsoft:identityserver:orders"]
      jwksUri: "https://adfs.example.com/adfs/discovery/keys"
      clientId: "c"
      clientClaims: ["appid"]
      scopeSources: ["scp"]
      roleSource: "groups"
    apple
      provider: {"name":"Apple"}
      issuer: "https://appleid.apple.com"
      audience: "com.example.app"
      jwksUri: "https://appleid.apple.com/auth/keys"
      algorithms: ["RS256"]
      idTokens: "accept"
    auth0
      provider: {"name":"Auth0"}
      issuer: "https://acme.eu.auth0.com/"
      audience: "https://api.acme.example"
      scopeSources: ["scope"]
      roleSource: "permissions"
    auth0 with {"clientId":["a","b"]}
      provider: {"name":"Auth0"}
      issuer: "https://acme.eu.auth0.com/"
      audience: "https://api.acme.example"
      clientId: ["a","b"]
      clientClaims: ["azp","client_id"]
      scopeSources: ["scope"]
      roleSource: "permissions"
    aws-alb
      provider: {"name":"AWS Application Load Balancer","credentials":[{"from":"header","name":"x-amzn-oidc-data"}]}
      issuer: "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_example"
      audience: null
      algorithms: ["ES256"]
      padding: "accept"
      keys: {"name":"key per kid https://public-keys.auth.elb.eu-west-1.amazonaws.com/ [\\"arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/my-alb/0123456789abcdef\\",\\"xxxxxxxxxxxxexample\\"]"}
    aws-alb with {"region":"us-gov-west-1"}
      provider: {"name":"AWS Application Load Balancer","credentials":[{"from":"header","name":"x-amzn-oidc-data"}]}
      issuer: "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_example"
      audience: null
      algorithms: ["ES256"]
      padding: "accept"
      keys: {"name":"key per kid https://s3-us-gov-west-1.amazonaws.com/aws-elb-public-keys-prod-us-gov-west-1/ [\\"arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/my-alb/0123456789abcdef\\",\\"xxxxxxxxxxxxexample\\"]"}
    aws-alb with {"region":"cn-north-1"}
      provider: {"name":"AWS Application Load Balancer","credentials":[{"from":"header","name":"x-amzn-oidc-data"}]}
      issuer: "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_example"
      audience: null
      algorithms: ["ES256"]
      padding: "accept"
      keys: {"name":"key per kid https://public-keys.auth.elb.cn-north-1.amazonaws.com/ [\\"arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/my-alb/0123456789abcdef\\",\\"xxxxxxxxxxxxexample\\"]"}
    entra-b2c
      provider: {"name":"Azure AD B2C"}
      issuer: "https://contoso.b2clogin.com/11111111-2222-4333-8444-555555555555/v2.0/"
      audience: "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
      metadataUri: "https://contoso.b2clogin.com/contoso.onmicrosoft.com/B2C_1_signin/v2.0/.well-known/openid-configuration"
      scopeSources: ["scp"]
    entra-b2c with {"clientId":"c"}
      provider: {"name":"Azure AD B2C"}
      issuer: "https://contoso.b2clogin.com/11111111-2222-4333-8444-555555555555/v2.0/"
      audience: "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
      metadataUri: "https://contoso.b2clogin.com/contoso.onmicrosoft.com/B2C_1_signin/v2.0/.well-known/openid-configuration"
      clientId: "c"
      clientClaims: ["azp"]
      scopeSources: ["scp"]
    clerk
      provider: {"name":"Clerk","credentials":[{"from":"authorization"},{"from":"cookie","name":"__session"}]}
      issuer: "https://clerk.example.com"
      audience: null
      jwksUri: "https://clerk.example.com/.well-known/jwks.json"
      clientId: ["https://app.example.com"]
      clientClaims: ["azp"]
      roleSource: ["o","rol"]
    cloudflare-access
      provider: {"name":"Cloudflare Access","credentials":[{"from":"header","name":"cf-access-jwt-assertion"}]}
      issuer: "https://yourteam.cloudflareaccess.com"
      audience: "32eafc7626e974616deaf0dc3ce63d7bcbed58a2731e84d06bc3cdf1b53c4228"
      jwksUri: "https://yourteam.cloudflareaccess.com/cdn-cgi/access/certs"
      algorithms: ["RS256"]
    cognito
      provider: {"name":"Amazon Cognito"}
      issuer: "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_example"
      audience: null
      jwksUri: "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_example/.well-known/jwks.json"
      algorithms: ["RS256"]
      clientId: "xxxxxxxxxxxxexample"
      clientClaims: ["client_id"]
      roleSource: "cognito:groups"
    cognito with {"tokenUse":"id"}
      provider: {"name":"Amazon Cognito"}
      issuer: "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_example"
      audience: "xxxxxxxxxxxxexample"
      jwksUri: "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_example/.well-known/jwks.json"
      algorithms: ["RS256"]
      idTokens: "accept"
      roleSource: "cognito:groups"
    cognito with {"region":"cn-north-1","userPoolId":"cn-north-1_a"}
      provider: {"name":"Amazon Cognito"}
      issuer: "https://cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_a"
      audience: null
      jwksUri: "https://cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_a/.well-known/jwks.json"
      algorithms: ["RS256"]
      clientId: "xxxxxxxxxxxxexample"
      clientClaims: ["client_id"]
      roleSource: "cognito:groups"
    descope
      provider: {"name":"Descope"}
      issuer: "P2abcdefghijklmnopqrstuvwxyz"
      audience: null
      jwksUri: "https://api.descope.com/v2/keys/P2abcdefghijklmnopqrstuvwxyz"
      roleSource: "roles"
    duende
      provider: {"name":"Duende IdentityServer"}
      issuer: "https://ids.example.com"
      audience: "invoice"
      tokenTypes: ["at+jwt"]
      scopeSources: ["scope"]
      roleSource: "role"
    entra
      provider: {"name":"Microsoft Entra ID"}
      issuer: "https://login.microsoftonline.com/11111111-2222-4333-8444-555555555555/v2.0"
      audience: "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
      scopeSources: ["scp"]
      roleSource: "roles"
    entra with {"tenants":"any"}
      provider: {"name":"Microsoft Entra ID"}
      issuer: "https://login.microsoftonline.com/{tenantid}/v2.0"
      audience: "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
      jwksUri: "https://login.microsoftonline.com/common/discovery/v2.0/keys"
      scopeSources: ["scp"]
      roleSource: "roles"
    entra with {"tenants":["11111111-2222-4333-8444-555555555555"],"version":1}
      provider: {"name":"Microsoft Entra ID"}
      issuer: "https://sts.windows.net/{tenantid}/"
      audience: "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
      jwksUri: "https://login.microsoftonline.com/common/discovery/keys"
      scopeSources: ["scp"]
      roleSource: "roles"
    entra with {"cloud":"china","version":1}
      provider: {"name":"Microsoft Entra ID"}
      issuer: "https://sts.chinacloudapi.cn/11111111-2222-4333-8444-555555555555/"
      audience: "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
      metadataUri: "https://login.partner.microsoftonline.cn/11111111-2222-4333-8444-555555555555/.well-known/openid-configuration"
      scopeSources: ["scp"]
      roleSource: "roles"
    entra with {"cloud":"us-government","clientId":"c","roles":"groups"}
      provider: {"name":"Microsoft Entra ID"}
      issuer: "https://login.microsoftonline.us/11111111-2222-4333-8444-555555555555/v2.0"
      audience: "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
      clientId: "c"
      clientClaims: ["azp"]
      scopeSources: ["scp"]
      roleSource: "groups"
    entra-external-id
      provider: {"name":"Microsoft Entra External ID"}
      issuer: "https://11111111-2222-4333-8444-555555555555.ciamlogin.com/11111111-2222-4333-8444-555555555555/v2.0"
      audience: "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
      metadataUri: "https://contoso.ciamlogin.com/11111111-2222-4333-8444-555555555555/v2.0/.well-known/openid-configuration"
      allowedKeyHosts: ["11111111-2222-4333-8444-555555555555.ciamlogin.com"]
      scopeSources: ["scp"]
      roleSource: "roles"
    firebase
      provider: {"name":"Firebase"}
      issuer: "https://securetoken.google.com/my-project"
      audience: "my-project"
      algorithms: ["RS256"]
      idTokens: "accept"
      jwksUri: "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com"
      requiredClaims: ["sub"]
    firebase with {"keys":"x509"}
      provider: {"name":"Firebase"}
      issuer: "https://securetoken.google.com/my-project"
      audience: "my-project"
      algorithms: ["RS256"]
      idTokens: "accept"
      keys: {"name":"certificates https://www.googleapis.com/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com"}
      requiredClaims: ["sub"]
    firebase with {"roles":"role"}
      provider: {"name":"Firebase"}
      issuer: "https://securetoken.google.com/my-project"
      audience: "my-project"
      algorithms: ["RS256"]
      idTokens: "accept"
      jwksUri: "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com"
      requiredClaims: ["sub"]
      roleSource: "role"
    fusionauth
      provider: {"name":"FusionAuth"}
      issuer: "acme.com"
      audience: "0f0f0f0f-1e1e-4d2d-8c3c-4b4b4b4b4b4b"
      jwksUri: "https://auth.example.com/.well-known/jwks.json"
      scopeSources: ["scope"]
      roleSource: "roles"
    github-actions
      provider: {"name":"GitHub Actions"}
      issuer: "https://token.actions.githubusercontent.com"
      audience: "https://api.example.com"
      algorithms: ["RS256"]
      requiredClaims: [{"claim":"repository_id","condition":["456789"],"description":"claim repository_id [\\"456789\\"]","scopes":[]}]
    gitlab-ci
      provider: {"name":"GitLab CI"}
      issuer: "https://gitlab.com"
      audience: "https://api.example.com"
      jwksUri: "https://gitlab.com/oauth/discovery/keys"
      algorithms: ["RS256"]
      requiredClaims: [{"claim":"project_id","condition":["456789"],"description":"claim project_id [\\"456789\\"]","scopes":[]}]
    google
      provider: {"name":"Google"}
      issuer: "https://accounts.google.com"
      audience: "1234.apps.googleusercontent.com"
      jwksUri: "https://www.googleapis.com/oauth2/v3/certs"
      algorithms: ["RS256"]
      idTokens: "accept"
    google with {"hostedDomain":"acme.example"}
      provider: {"name":"Google"}
      issuer: "https://accounts.google.com"
      audience: "1234.apps.googleusercontent.com"
      jwksUri: "https://www.googleapis.com/oauth2/v3/certs"
      algorithms: ["RS256"]
      idTokens: "accept"
      requiredClaims: [{"claim":"hd","condition":"acme.example","description":"claim hd \\"acme.example\\"","scopes":[]}]
    google-iap
      provider: {"name":"Google Cloud IAP","credentials":[{"from":"header","name":"x-goog-iap-jwt-assertion"}]}
      issuer: "https://cloud.google.com/iap"
      audience: "/projects/123/global/backendServices/456"
      jwksUri: "https://www.gstatic.com/iap/verify/public_key-jwk"
      algorithms: ["ES256"]
    keycloak
      provider: {"name":"Keycloak"}
      issuer: "https://sso.example.com/realms/shop"
      audience: "orders-api"
      idTokens: "accept"
      scopeSources: ["scope"]
      roleSource: ["resource_access","orders-api","roles"]
    kinde
      provider: {"name":"Kinde"}
      issuer: "https://acme.kinde.com"
      audience: "https://api.acme.example"
      jwksUri: "https://acme.kinde.com/.well-known/jwks"
      scopeSources: ["scp","scope"]
      roleSource: "permissions"
    kubernetes
      provider: {"name":"Kubernetes"}
      issuer: "https://kubernetes.default.svc.cluster.local"
      audience: "orders-api"
      keys: {"name":"protected https://kubernetes.default.svc/openid/v1/jwks 0 0"}
      requiredClaims: [{"claim":"sub","condition":["system:serviceaccount:shop:web"],"description":"claim sub [\\"system:serviceaccount:shop:web\\"]","scopes":[]}]
    logto
      provider: {"name":"Logto"}
      issuer: "https://acme.logto.app/oidc"
      audience: "https://api.acme.example"
      jwksUri: "https://acme.logto.app/oidc/jwks"
      scopeSources: ["scope"]
    okta
      provider: {"name":"Okta"}
      issuer: "https://dev-1.okta.com/oauth2/default"
      audience: "api://default"
      scopeSources: ["scp"]
      roleSource: "groups"
    okta with {"authorizationServer":"default","clientId":"c"}
      provider: {"name":"Okta"}
      issuer: "https://dev-1.okta.com/oauth2/default"
      audience: "api://default"
      clientId: "c"
      clientClaims: ["cid"]
      scopeSources: ["scp"]
      roleSource: "groups"
    ory-hydra
      provider: {"name":"Ory Hydra"}
      issuer: "https://hydra.example.com/"
      audience: "https://api.acme.example"
      scopeSources: ["scp","scope"]
      roleSource: ["ext","roles"]
    pingone
      provider: {"name":"PingOne"}
      issuer: "https://auth.pingone.eu/11111111-2222-4333-8444-555555555555/as"
      audience: "https://api.acme.example"
      algorithms: ["RS256"]
      scopeSources: ["scope"]
    pingone with {"region":"eu","roles":"groups"}
      provider: {"name":"PingOne"}
      issuer: "https://auth.pingone.eu/11111111-2222-4333-8444-555555555555/as"
      audience: "https://api.acme.example"
      algorithms: ["RS256"]
      scopeSources: ["scope"]
      roleSource: "groups"
    salesforce
      provider: {"name":"Salesforce"}
      issuer: "https://acme.my.salesforce.com"
      audience: "https://acme.my.salesforce.com"
      jwksUri: "https://acme.my.salesforce.com/id/keys"
      algorithms: ["RS256"]
      clientId: "3MVG9example"
      clientClaims: ["client_id"]
      scopeSources: ["scp"]
    sap-ias
      provider: {"name":"SAP Cloud Identity Services"}
      issuer: "https://tenant.accounts.ondemand.com"
      audience: "0f0f0f0f-1e1e-4d2d-8c3c-4b4b4b4b4b4b"
      algorithms: ["RS256"]
      idTokens: "accept"
      keys: {"name":"headers [\\"https://tenant.accounts.ondemand.com/oauth2/certs\\",{\\"x-client_id\\":\\"0f0f0f0f-1e1e-4d2d-8c3c-4b4b4b4b4b4b\\",\\"x-app_tid\\":\\"11111111-2222-4333-8444-555555555555\\",\\"x-azp\\":\\"0f0f0f0f-1e1e-4d2d-8c3c-4b4b4b4b4b4b\\"}]"}
      requiredClaims: [{"claim":"app_tid","condition":"11111111-2222-4333-8444-555555555555","description":"claim app_tid \\"11111111-2222-4333-8444-555555555555\\"","scopes":[]}]
    sap-xsuaa
      provider: {"name":"SAP XSUAA"}
      issuer: "https://shop.authentication.eu10.hana.ondemand.com/oauth/token"
      audience: ["sb-orders!t1","orders!t1"]
      jwksUri: "https://shop.authentication.eu10.hana.ondemand.com/token_keys"
      algorithms: ["RS256"]
      scopeSources: ["scope"]
      requiredClaims: [{"claim":"zid","condition":"11111111-2222-4333-8444-555555555555","description":"claim zid \\"11111111-2222-4333-8444-555555555555\\"","scopes":[]}]
    stytch
      provider: {"name":"Stytch"}
      issuer: "stytch.com/project-live-00000000-1111-4222-8333-444444444444"
      audience: "project-live-00000000-1111-4222-8333-444444444444"
      jwksUri: "https://api.stytch.com/v1/sessions/jwks/project-live-00000000-1111-4222-8333-444444444444"
      algorithms: ["RS256"]
      requiredClaims: ["https://stytch.com/session"]
      roleSource: ["https://stytch.com/session","roles"]
    stytch with {"product":"b2b"}
      provider: {"name":"Stytch"}
      issuer: "stytch.com/project-live-00000000-1111-4222-8333-444444444444"
      audience: "project-live-00000000-1111-4222-8333-444444444444"
      jwksUri: "https://api.stytch.com/v1/b2b/sessions/jwks/project-live-00000000-1111-4222-8333-444444444444"
      algorithms: ["RS256"]
      requiredClaims: ["https://stytch.com/session"]
      roleSource: ["https://stytch.com/session","roles"]
    supabase
      provider: {"name":"Supabase"}
      issuer: "https://abcdefgh.supabase.co/auth/v1"
      audience: "authenticated"
      jwksUri: "https://abcdefgh.supabase.co/auth/v1/.well-known/jwks.json"
      algorithms: ["ES256","RS256"]
      roleSource: ["app_metadata","roles"]
    workos
      provider: {"name":"WorkOS"}
      issuer: "https://api.workos.com/user_management/client_123456789"
      audience: null
      jwksUri: "https://api.workos.com/sso/jwks/client_123456789"
      roleSource: "permissions"
    zitadel
      provider: {"name":"Zitadel"}
      issuer: "https://acme.zitadel.cloud"
      audience: "358982239599491392"
      jwksUri: "https://acme.zitadel.cloud/oauth/v2/keys"
      roleSource: "urn:zitadel:iam:org:project:358982239599491392:roles"
    zitadel with {"organizationId":"5"}
      provider: {"name":"Zitadel"}
      issuer: "https://acme.zitadel.cloud"
      audience: "358982239599491392"
      jwksUri: "https://acme.zitadel.cloud/oauth/v2/keys"
      roleSource: "urn:zitadel:iam:org:project:358982239599491392:roles"
    "
  `)
})
