import {
  bare,
  bareThrough,
  type Clock,
  clockOption,
  type Filled,
  flag,
  isHttpToken,
  isOptions,
  isPlainText,
  isScope,
  listOf,
  logOption,
  misconfigured,
  narrowing,
  numberIn,
  oneOf,
  type OptionRow,
  type OptionRule,
  type OptionTable,
  readOptions,
  type RefusalLog,
  required,
  uriFlaw,
} from '../adapter.ts'

/** Signs metadata (RFC 9728 section 2.2). The JWT needs an `iss` claim, and the members of the metadata as claims. */
export type SignMetadata = (metadata: Readonly<Record<string, unknown>>) => string | Promise<string>

/**
 * What a protected resource tells clients (RFC 9728 section 2). Each option is the metadata parameter of the same name. An empty list leaves
 * the parameter out, because the RFC allows no empty lists.
 */
export interface ProtectedResourceOptions {
  /**
   * The resource identifier: the URL that clients use, https without a fragment, or http on a loopback address. Published and compared
   * character by character; no slash is added. It is also the audience that tokens must have.
   */
  readonly resource: string
  /** The issuer identifiers of the authorization servers. @defaultValue the issuers of the authenticators that use the resource, if they are URLs */
  readonly authorizationServers?: readonly string[]
  /**
   * Scopes that clients should request. Clients may request all of them, so list only what most need. `offline_access` is not allowed, because
   * it is for the authorization server. @defaultValue the scopes that routes require, if they are known at start-up
   */
  readonly scopesSupported?: readonly string[]
  /** How clients may send tokens: `header`, `body` or `query`. @defaultValue what `credentials` accepts */
  readonly bearerMethodsSupported?: readonly ('header' | 'body' | 'query')[]
  /** The name to show to users. @defaultValue none */
  readonly resourceName?: string | undefined
  /** The URL of a page for developers. @defaultValue none */
  readonly resourceDocumentation?: string | undefined
  /** The URL of a page about how clients may use the data. @defaultValue none */
  readonly resourcePolicyUri?: string | undefined
  /** The URL of the terms of service. @defaultValue none */
  readonly resourceTosUri?: string | undefined
  /** The URL of the JWK Set of the resource itself, for example for signed responses. Not that of an issuer. @defaultValue none */
  readonly jwksUri?: string | undefined
  /** The algorithms with which the resource signs its responses. Never `none`. @defaultValue none */
  readonly resourceSigningAlgValuesSupported?: readonly string[]
  /** The types of `authorization_details` that the resource understands (RFC 9396). @defaultValue none */
  readonly authorizationDetailsTypesSupported?: readonly string[]
  /** The algorithms of DPoP proofs (RFC 9449). @defaultValue those of the binding `dpop` */
  readonly dpopSigningAlgValuesSupported?: readonly string[]
  /** Whether only DPoP-bound tokens are accepted. @defaultValue whether `dpop` is the only binding and `unboundTokens` is `refuse` */
  readonly dpopBoundAccessTokensRequired?: boolean | undefined
  /** Whether tokens may be bound to client certificates (RFC 8705). @defaultValue whether there is a binding `mtls` */
  readonly tlsClientCertificateBoundAccessTokens?: boolean | undefined
  /** Other parameters, such as `{ 'resource_name#fr': 'Commandes' }` (RFC 9728 section 2.1). @defaultValue none */
  readonly additional?: Readonly<Record<string, unknown>> | undefined
  /** A signed JWT with the metadata as claims, or a function that signs it (RFC 9728 section 2.2). @defaultValue none */
  readonly signedMetadata?: string | SignMetadata
  /**
   * Seconds that clients may cache the metadata, and that a signature is used, which is at least 10 s. From 0 to 86,400. @defaultValue 600
   */
  readonly maxAge?: number | undefined
  /** `true` serves the metadata at `/.well-known/oauth-protected-resource`, too, for clients that ignore the path. @defaultValue false */
  readonly atRoot?: boolean | undefined
  /** The path at which requests reach your application, if a proxy changes it. @defaultValue the well-known path of the resource */
  readonly path?: string | undefined
  /** Seconds to wait for `signedMetadata`. Without an answer, requests for the metadata get status 503. From 0.001 to 30. @defaultValue 5 */
  readonly timeout?: number | undefined
  /** Where failures of `signedMetadata` are logged. `console` works. @defaultValue none */
  readonly log?: RefusalLog | false | undefined
  /** Where time comes from. @defaultValue the runtime's clocks */
  readonly clock?: (Pick<Clock, 'now'> & Partial<Clock>) | undefined
}

const URL_RULE: OptionRule = {
  be: 'an https URL, or http on a loopback address',
  fits: (value) => isWebUrl(value),
}
const TEXT: OptionRule = { be: 'text that is not empty', fits: (value) => typeof value === 'string' && value !== '' }
const list = (be: string, each: OptionRule): OptionRow => narrowing(listOf(be, each))
const algorithm: OptionRule = {
  be: 'an algorithm other than "none"',
  fits: (value) => isHttpToken(value) && value.toLowerCase() !== 'none',
}
const RESOURCE =
  'the URL of this API, https or http on a loopback address, without fragment, such as "https://api.example.com"'

/** The options of `protectedResource`. */
export const RESOURCE_METADATA: OptionTable<ProtectedResourceOptions> = {
  resource: required({ be: RESOURCE, fits: isWebUrl }),
  authorizationServers: list('a list of issuers, such as ["https://auth.example.com"]', {
    be: 'an issuer: an https URL without query and fragment, or http on a loopback address',
    fits: (value) => isWebUrl(value) && !value.includes('?'),
  }),
  scopesSupported: list('a list of scopes, such as ["orders:read"]', {
    be: 'one scope without spaces, and not "offline_access", which is for the authorization server',
    fits: (value) => isScope(value) && value !== OFFLINE,
  }),
  bearerMethodsSupported: list('a list, such as ["header"]', oneOf('header', 'body', 'query')),
  resourceName: TEXT,
  resourceDocumentation: URL_RULE,
  resourcePolicyUri: URL_RULE,
  resourceTosUri: URL_RULE,
  jwksUri: URL_RULE,
  resourceSigningAlgValuesSupported: list('a list of algorithms, such as ["ES256"]', algorithm),
  authorizationDetailsTypesSupported: list('a list of types, such as ["payment_initiation"]', TEXT),
  dpopSigningAlgValuesSupported: list('a list of algorithms, such as ["ES256"]', algorithm),
  dpopBoundAccessTokensRequired: flag,
  tlsClientCertificateBoundAccessTokens: flag,
  additional: { be: `an object such as { 'resource_name#fr': 'Commandes' }`, fits: isOptions, read: readAdditional },
  signedMetadata: narrowing({
    be: 'a signed JWT, or a function that returns one',
    fits: (value) => typeof value === 'function' || isSignedJwt(value),
    printed: () => 'something else',
  }),
  maxAge: numberIn({ least: 0, most: 86_400, default: 600 }),
  atRoot: { ...flag, default: false },
  path: {
    be: 'a path such as "/.well-known/oauth-protected-resource"',
    fits: (value) => typeof value === 'string' && /^\/[\x21\x23-\x3e\x40-\x5b\x5d-\x7e]*$/.test(value),
  },
  timeout: numberIn({ least: 0.001, most: 30, default: 5 }),
  log: logOption,
  clock: clockOption,
}

/** The scope that asks for a refresh token. No API requires it. */
export const OFFLINE = 'offline_access'

const ACTION = 'create protected resource'

/** Options with defaults filled in, checked and frozen. */
export type ReadResourceOptions = Filled<ProtectedResourceOptions, 'maxAge' | 'atRoot' | 'timeout'> & {
  readonly clock: Clock
}

/** @throws TypeError for options that are missing or wrong */
export function readResourceOptions(given: ProtectedResourceOptions): ReadResourceOptions {
  return readOptions(ACTION, given, RESOURCE_METADATA, { form: 'give options with "resource"' }) as ReadResourceOptions
}

/** A copy of other parameters. Throws for those that have an option. */
function readAdditional(action: string, given: object): object {
  const known = Object.keys(given).find((name) => PARAMETERS.has(name))
  if (known !== undefined)
    throw misconfigured(action, `"additional" must not have ${JSON.stringify(known)}, which is another option`)
  try {
    return bareThrough(JSON.parse(JSON.stringify({ ...given })) as object)
  } catch {
    throw misconfigured(action, '"additional" must have only what JSON can express')
  }
}

/** The metadata parameter of each option that is one (RFC 9728 section 2), in the order of the document. */
export const PARAMETER_OF: Readonly<Record<string, string>> = bare({
  resource: 'resource',
  authorizationServers: 'authorization_servers',
  bearerMethodsSupported: 'bearer_methods_supported',
  scopesSupported: 'scopes_supported',
  jwksUri: 'jwks_uri',
  resourceSigningAlgValuesSupported: 'resource_signing_alg_values_supported',
  resourceName: 'resource_name',
  resourceDocumentation: 'resource_documentation',
  resourcePolicyUri: 'resource_policy_uri',
  resourceTosUri: 'resource_tos_uri',
  tlsClientCertificateBoundAccessTokens: 'tls_client_certificate_bound_access_tokens',
  authorizationDetailsTypesSupported: 'authorization_details_types_supported',
  dpopSigningAlgValuesSupported: 'dpop_signing_alg_values_supported',
  dpopBoundAccessTokensRequired: 'dpop_bound_access_tokens_required',
})

const PARAMETERS: ReadonlySet<string> = new Set([...Object.values(PARAMETER_OF), 'signed_metadata'])

/** Whether a text is a URL for clients: https, or http on a loopback address, in characters that need no escaping. */
function isWebUrl(value: unknown): value is string {
  if (!isPlainText(value) || /[\s#]/.test(value) || !/^https?:\/\/[^/]/i.test(value) || !URL.canParse(value))
    return false
  return uriFlaw(new URL(value), { loopback: 'allowed', hosts: [] }) === undefined
}

/** Whether a value has the form of a signed JWT. */
export function isSignedJwt(value: unknown): value is string {
  return typeof value === 'string' && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(value)
}
