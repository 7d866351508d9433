import { isOptions, type OptionTable, readOptions, required } from '@claimgate/core/adapter'
import type { JSONWebKeySet } from 'jose'

/** The part of msw's `http` that is used. You pass it in, so that this package does not depend on msw. */
export interface MswHttp<Handler> {
  get(url: string, answer: () => Response): Handler
}

/** The name and the keys of the mocked authorization server. */
export interface JwksHandlersOptions {
  /** The issuer identifier, with or without a path. */
  readonly issuer: string
  /** The published set, or, for rotations, a function that returns the current set. */
  readonly jwks: JSONWebKeySet | (() => JSONWebKeySet)
  /** @defaultValue the issuer, followed by `/jwks.json` */
  readonly jwksUri?: string
}

/**
 * Request handlers for msw: the metadata of an authorization server at the URLs of OpenID Connect Discovery (section 4) and RFC 8414
 * (section 3.1), and its JWK Set. The `setupServer` of msw does not intercept Claimgate's default transport: give the verifier
 * `fetch: (url, init) => fetch(url, init)`.
 *
 * @param http The `http` that msw exports.
 */
export function jwksHandlers<Handler>(http: MswHttp<Handler>, given: JwksHandlersOptions): readonly Handler[] {
  const options = readOptions('make handlers', given, HANDLERS) as JwksHandlersOptions
  const { issuer, jwks } = options
  const base = issuer.replace(/\/$/, '')
  const { origin, pathname } = new URL(base)
  const jwksUri = options.jwksUri ?? `${base}/jwks.json`
  const metadata = (): Response => Response.json({ issuer, jwks_uri: jwksUri })
  return [
    http.get(`${base}/.well-known/openid-configuration`, metadata),
    http.get(`${origin}/.well-known/oauth-authorization-server${pathname === '/' ? '' : pathname}`, metadata),
    http.get(jwksUri, () =>
      Response.json(typeof jwks === 'function' ? jwks() : jwks, {
        headers: { 'content-type': 'application/jwk-set+json' },
      }),
    ),
  ]
}

const isUrl = (value: unknown): boolean => typeof value === 'string' && URL.canParse(value)
const HANDLERS: OptionTable<JwksHandlersOptions> = {
  issuer: required({ be: 'the URL of the issuer', fits: isUrl }),
  jwks: required({
    be: 'a JWK Set, such as { keys: [jwk] }, or a function that gives one',
    fits: (value) => typeof value === 'function' || (isOptions(value) && 'keys' in value),
  }),
  jwksUri: { be: 'a URL', fits: isUrl },
}
