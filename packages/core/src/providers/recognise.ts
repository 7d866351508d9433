import { bare, own } from '../adapter.ts'
import { profiles } from './profiles.ts'

/** A provider that an issuer was recognised by. */
export interface RecognisedProvider {
  /** The name of the profile, such as `auth0`. */
  readonly name: string
  /** The provider and the kind of its tokens. */
  readonly title: string
  /** The settings of the profile that the issuer shows. Others, such as `audience`, are not among them. */
  readonly words: Readonly<Record<string, string | number>>
  /** Settings that the profile needs besides, with example values. */
  readonly missing: Readonly<Record<string, unknown>>
}

/**
 * Guesses the provider from an issuer, by the form of its address. For tools that help to write a configuration: it says nothing about
 * whether the issuer is to be trusted. `undefined` for an issuer of an unknown form, such as a custom domain.
 *
 * @param issuer - an `iss`, or the `issuer` of metadata
 * @param header - the header of a token of that issuer, which tells load balancers of AWS from Cognito
 */
export function providerOf(issuer: string, header: object = {}): RecognisedProvider | undefined {
  for (const { name, form, words = {}, member } of FORMS) {
    const found = form.exec(issuer)
    if (found === null || (member !== undefined && own(header, member) === undefined)) continue
    const profile = profiles.find(({ data }) => data.name === name)
    if (profile === undefined) continue
    const shown = bare<Record<string, string | number>>({ ...found.groups, ...words })
    const missing = Object.entries(profile.data.words).flatMap(([word, { example }]) =>
      example === undefined || Object.hasOwn(shown, word) ? [] : [[word, example] as const],
    )
    return { name, title: profile.data.title, words: shown, missing: bare(Object.fromEntries(missing)) }
  }
  return undefined
}

interface Form {
  /** The name of the profile. */
  readonly name: string
  /** The groups are settings of the profile. */
  readonly form: RegExp
  /** Settings that the form itself says. */
  readonly words?: Readonly<Record<string, string | number>>
  /** A member that the header of such tokens has. */
  readonly member?: string
}

const GUID = String.raw`[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}`

// The first form that fits counts.
const FORMS: readonly Form[] = [
  { name: 'aws-alb', form: cognitoPool('issuer'), member: 'signer' },
  { name: 'cognito', form: /^https:\/\/cognito-idp\.(?<region>[\w-]+)\.amazonaws\.com\/(?<userPoolId>[\w-]+)$/ },
  { name: 'apple', form: /^https:\/\/appleid\.apple\.com$/ },
  { name: 'auth0', form: /^https:\/\/(?<domain>[\w.-]+\.auth0\.com)\/$/ },
  { name: 'clerk', form: /^https:\/\/(?<frontendApi>[\w-]+\.clerk\.accounts\.dev|clerk\.[\w.-]+)$/ },
  { name: 'cloudflare-access', form: /^https:\/\/(?<team>[\w-]+)\.cloudflareaccess\.com$/ },
  { name: 'descope', form: /^(?:https:\/\/api\.descope\.com\/)?(?<projectId>P\w{20,})$/ },
  entra('login\\.microsoftonline\\.com', {}),
  // Version 1 has the same issuers in the cloud of the US government.
  entra('sts\\.windows\\.net', { version: 1 }),
  entra('login\\.microsoftonline\\.us', { cloud: 'us-government' }),
  entra('login\\.partner\\.microsoftonline\\.cn', { cloud: 'china' }),
  entra('sts\\.chinacloudapi\\.cn', { version: 1, cloud: 'china' }),
  {
    name: 'entra-b2c',
    form: microsoft(`(?<tenant>[\\w-]+)\\.b2clogin\\.com/(?<tenantId>${GUID})/v2\\.0/`),
  },
  { name: 'entra-external-id', form: microsoft(`${GUID}\\.ciamlogin\\.com/(?<tenantId>${GUID})/v2\\.0`) },
  { name: 'firebase', form: /^https:\/\/securetoken\.google\.com\/(?<projectId>[\w-]+)$/ },
  { name: 'github-actions', form: /^https:\/\/token\.actions\.githubusercontent\.com$/ },
  { name: 'gitlab-ci', form: /^https:\/\/gitlab\.com$/ },
  { name: 'google', form: /^https:\/\/accounts\.google\.com$/ },
  { name: 'google-iap', form: /^https:\/\/cloud\.google\.com\/iap$/ },
  { name: 'kinde', form: /^https:\/\/(?<domain>[\w-]+\.kinde\.com)$/ },
  { name: 'kubernetes', form: /^https:\/\/kubernetes\.default\.svc(?:\.[\w.-]+)?$/ },
  { name: 'logto', form: /^(?<endpoint>https:\/\/[\w-]+\.logto\.app)\/oidc$/ },
  { name: 'okta', form: okta('/oauth2/(?<authorizationServer>\\w+)') },
  { name: 'okta', form: okta('') },
  { name: 'pingone', form: /^https:\/\/auth\.pingone\.(?<region>[a-z.]+)\/(?<environmentId>[\da-f-]{36})\/as$/ },
  { name: 'salesforce', form: /^https:\/\/(?<domain>[\w.-]+\.my\.salesforce\.com)$/ },
  { name: 'sap-ias', form: /^(?<url>https:\/\/[\w-]+\.accounts(?:400)?\.(?:ondemand\.com|cloud\.sap))$/ },
  { name: 'sap-xsuaa', form: /^(?<url>https:\/\/[\w-]+\.authentication\.[\w.-]+\.hana\.ondemand\.com)\/oauth\/token$/ },
  { name: 'stytch', form: /^stytch\.com\/(?<projectId>project-(?:live|test)-[\da-f-]+)$/ },
  { name: 'supabase', form: /^https:\/\/(?<projectRef>\w+)\.supabase\.co\/auth\/v1$/ },
  { name: 'workos', form: /^https:\/\/api\.workos\.com\/user_management\/(?<clientId>client_\w+)$/ },
  { name: 'workos', form: /^https:\/\/api\.workos\.com\/?$/ },
  { name: 'zitadel', form: /^https:\/\/(?<domain>[\w.-]+\.zitadel\.cloud)$/ },
  // These run on any host.
  { name: 'adfs', form: /^https?:\/\/(?<host>[^/?#@]+)\/adfs(?:\/services\/trust)?$/ },
  { name: 'keycloak', form: /^(?<url>https?:\/\/[^?#@]+)\/realms\/(?<realm>[^/?#]+)$/ },
]

function entra(host: string, words: { readonly version?: 1; readonly cloud?: string }): Form {
  const end = own(words, 'version') === 1 ? '' : 'v2\\.0'
  return { name: 'entra', form: microsoft(`${host}/(?<tenantId>${GUID})/${end}`), words }
}

function microsoft(rest: string): RegExp {
  return new RegExp(`^https://${rest}$`)
}

function okta(path: string): RegExp {
  return new RegExp(`^https://(?<domain>[\\w-]+\\.(?:okta|oktapreview|okta-emea)\\.com)${path}$`)
}

function cognitoPool(word: string): RegExp {
  return new RegExp(`^(?<${word}>https://cognito-idp\\.[\\w-]+\\.amazonaws\\.com/[\\w-]+)$`)
}
