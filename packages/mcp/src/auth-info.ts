import type { Authenticator, Claims, Requirement, VerifiedToken } from '@claimgate/core'
import { type AuthError, admitted, asError, misconfigured, own, signedClaims } from '@claimgate/core/adapter'

/** What the handlers of an MCP server learn about the token: the `AuthInfo` of `@modelcontextprotocol/server` and of its SDK 1. */
export interface AuthInfo {
  /** The token as received. Not enumerable, so it stays out of JSON and logs. Do not send it to another API. */
  readonly token: string
  /** The claim `client_id`, or else `azp`. Empty if the token has neither. */
  clientId: string
  /** The scopes the token grants, including those from `implies`. */
  scopes: string[]
  /** Seconds since the epoch. */
  expiresAt?: number
  /** The resource, for which the token was issued (RFC 8707). */
  resource: URL
  /** Where clients find the metadata (RFC 9728). */
  resourceMetadataUrl: string
  /** `claims` has the verified claims, and `user` what `onAuthenticated` returned. */
  extra: { readonly claims: Claims; readonly [name: string]: unknown }
}

/** The server that an `AuthInfo` is for. */
export interface Audience {
  readonly resource: string
  readonly metadataUri: string
}

/**
 * Describes a token to the handlers of an MCP server.
 *
 * @param user - what `onAuthenticated` returned
 */
export function authInfo(token: VerifiedToken, { resource, metadataUri }: Audience, user?: unknown): AuthInfo {
  const claims = signedClaims(token)
  const exp = own(claims, 'exp')
  const info = {
    clientId: own(claims, 'client_id') ?? own(claims, 'azp') ?? '',
    scopes: [...token.scopes],
    ...(typeof exp === 'number' && { expiresAt: exp }),
    resource: new URL(resource),
    resourceMetadataUrl: metadataUri,
    extra: { claims: token.claims, ...(user !== undefined && { user }) },
  }
  return Object.defineProperty(info, 'token', { get: () => token.token }) as AuthInfo
}

/** Verifies tokens for `requireBearerAuth` of `@modelcontextprotocol/server` and of `@modelcontextprotocol/sdk` 1. */
export interface TokenVerifier {
  /** Rejects with an error of the SDK. */
  verifyAccessToken(token: string): Promise<AuthInfo>
}

/** The error class of `@modelcontextprotocol/server`: pass `{ OAuthError }`. */
export interface ServerErrors {
  readonly OAuthError: new (code: never, message: string) => Error
  readonly InvalidTokenError?: never
}

/** The error classes of `@modelcontextprotocol/sdk/server/auth/errors.js`: pass the whole module. */
export interface SdkErrors {
  readonly InvalidTokenError: new (message: string) => Error
  readonly InsufficientScopeError: new (message: string) => Error
  readonly ServerError: new (message: string) => Error
}

/**
 * Creates the verifier. A token that is refused becomes `invalid_token` (401), one without the base scopes `insufficient_scope` (403), and an
 * outage `server_error` (500, because `requireBearerAuth` cannot answer 503). Tokens that are bound to a key are refused, because the SDK
 * passes no proof.
 */
export function tokenVerifier(
  { authenticator, requirement, audience }: VerifierParts,
  errors: ServerErrors | SdkErrors,
): TokenVerifier {
  const failure = failureOf(errors)
  return {
    verifyAccessToken: async (token) => {
      try {
        const outcome = await authenticator.authenticate(viewOf(token), requirement)
        if (outcome.kind === 'refused') throw failure(outcome.error)
        const accepted = admitted(outcome)
        if (accepted === undefined) throw new TypeError('Cannot verify token: the request is anonymous')
        return authInfo(accepted.token, audience, own(accepted, 'user'))
      } catch (thrown) {
        throw asError(thrown)
      }
    },
  }
}

/** What a verifier needs. */
interface VerifierParts {
  readonly authenticator: Authenticator
  readonly requirement: Requirement
  readonly audience: Audience
}

const viewOf = (token: string): Parameters<Authenticator['authenticate']>[0] => ({
  method: 'POST',
  target: '/',
  header: (name) => (name === 'authorization' ? [`Bearer ${token}`] : []),
})

// The SDK sends these texts to the client.
const TEXTS = {
  invalid_token: 'The access token is malformed, expired, revoked or not meant for this resource',
  insufficient_scope: 'The access token does not grant what this request needs',
  server_error: 'Access tokens cannot be verified at the moment',
} as const

const FORM =
  'give { OAuthError } of @modelcontextprotocol/server, or the module @modelcontextprotocol/sdk/server/auth/errors.js'

function failureOf(errors: ServerErrors | SdkErrors): (error: AuthError) => Error {
  const isSdk = typeof own(errors, 'InvalidTokenError') === 'function'
  if (!isSdk && typeof own(errors, 'OAuthError') !== 'function') throw misconfigured('create token verifier', FORM)
  const make = (code: keyof typeof TEXTS): Error => {
    if (!isSdk) return new (errors as ServerErrors).OAuthError(code as never, TEXTS[code])
    const { InvalidTokenError, InsufficientScopeError, ServerError } = errors as SdkErrors
    const classes = {
      invalid_token: InvalidTokenError,
      insufficient_scope: InsufficientScopeError,
      server_error: ServerError,
    }
    return new classes[code](TEXTS[code])
  }
  return ({ status }) => make(status === 503 ? 'server_error' : status === 403 ? 'insufficient_scope' : 'invalid_token')
}
