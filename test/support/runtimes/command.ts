import type { VerifierOptions } from '@claimgate/core'
import type { JWK } from 'jose'

/** A command from a test to the driver in a runtime. Sent as JSON, so that every runtime gets the same. */
export type Command =
  | AlgorithmsCommand
  | OpenCommand
  | VerifyCommand
  | FirstVerifierCommand
  | BeginCommand
  | AdvanceCommand
  | TransportCommand
  | DecryptCommand
  | FormsCommand
  | McpCommand
  | HonoCommand
  | FeaturesCommand
  | RevocationCommand

/** Try to create a verifier for each algorithm. */
export interface AlgorithmsCommand {
  readonly do: 'algorithms'
  readonly algorithms: readonly string[]
}

/** Store options, and a verifier with them, under a name. */
export interface OpenCommand {
  readonly do: 'open'
  readonly name: string
  readonly options: VerifierOptions
  /** `moved` follows `advance` commands; `own` omits the option. */
  readonly clock: 'moved' | 'own'
  /** `global` passes the runtime's own `fetch` as an option; `default` omits the option. */
  readonly fetch: 'default' | 'global'
}

/** Verify tokens one at a time, with `verifier.verify(token)` or `verify(token, options)`. */
export interface VerifyCommand {
  readonly do: 'verify'
  readonly name: string
  readonly by: 'verifier' | 'function'
  readonly tokens: readonly string[]
}

/** Verify a token with the verifier that was created while the module was loaded; its issuer does not exist. */
export interface FirstVerifierCommand {
  readonly do: 'first-verifier'
  readonly token: string
}

/** Start to verify a token, and answer without awaiting the result: a worker's request then ends, and its I/O with it. */
export interface BeginCommand {
  readonly do: 'begin'
  readonly name: string
  readonly token: string
}

/** Advance the moved clock of a verifier. */
export interface AdvanceCommand {
  readonly do: 'advance'
  readonly name: string
  readonly seconds: number
}

/** Create a verifier, verify a token, and report whether its keys came through the runtime's own `fetch`. */
export interface TransportCommand {
  readonly do: 'transport'
  readonly options: VerifierOptions
  readonly token: string
}

/** Verify tokens, encrypted or not, with a separate nested verifier. */
export interface DecryptCommand {
  readonly do: 'decrypt'
  readonly options: VerifierOptions
  readonly keys: readonly JWK[]
  readonly tokens: readonly string[]
}

/** Send forms of every kind through a gate that reads the token from them. */
export interface FormsCommand {
  readonly do: 'forms'
  readonly options: VerifierOptions
  readonly token: string
}

/** Send messages of every kind to a protected MCP server. */
export interface McpCommand {
  readonly do: 'mcp'
  readonly options: VerifierOptions
  readonly token: string
}

/** Send requests to an app of Hono. */
export interface HonoCommand {
  readonly do: 'hono'
  readonly options: VerifierOptions
  readonly token: string
}

/** Send requests through a gate that introspects opaque tokens, verifies JWTs, and accepts DPoP with nonces and certificates in a header field. */
export interface FeaturesCommand {
  readonly do: 'features'
  /** For the JWTs; also the issuer that is asked. */
  readonly options: VerifierOptions
  readonly requests: readonly FeatureRequest[]
}

export interface FeatureRequest {
  /** `/payments` asks again about each token. */
  readonly path: '/orders' | '/payments'
  readonly headers: Readonly<Record<string, string>>
}

/** The result of such a request. */
export interface FeatureAnswer {
  readonly status: number
  readonly error: string | undefined
  /** The `DPoP-Nonce` of the response. */
  readonly nonce: string | undefined
}

/** Revoke tokens by a logout token, a security event and a status list, and send them through a gate before and after. */
export interface RevocationCommand {
  readonly do: 'revocation'
  /** For access tokens; also the issuer of the other tokens. */
  readonly options: VerifierOptions
  readonly clientId: string
  readonly logoutToken: string
  readonly event: string
  /** Access tokens: of the session that ends, of the user whose tokens end, and with index 0 (valid) and 1 (revoked) of a list. */
  readonly tokens: Readonly<Record<'session' | 'user' | 'valid' | 'revoked', string>>
}

/** The result of a form. */
export interface FormAnswer {
  /** 200, or the status of the refusal. */
  readonly status: number
  /** How many bytes of the request remain afterwards; `undefined` if not read. */
  readonly left?: number
}

/** The result of one token. */
export interface TokenAnswer {
  /** 200 for a verified token, the status of the refusal, or 500 for anything that is not an `AuthError`. */
  readonly status: number
  /** The code of the refusal, or the message of an unexpected error. */
  readonly code?: string
  readonly alg?: string
  readonly sub?: string
  readonly scopes?: readonly string[]
}

/** The answer to each command, by its `do`. */
export interface Answers {
  /** `ok`, or the text of the start-up error. */
  readonly algorithms: Readonly<Record<string, string>>
  readonly open: 'ok'
  readonly verify: readonly TokenAnswer[]
  readonly 'first-verifier': TokenAnswer
  readonly begin: 'ok'
  readonly advance: 'ok'
  readonly decrypt: readonly TokenAnswer[]
  readonly forms: Readonly<Record<string, FormAnswer>>
  /** The status of each message, and what the handler has read. */
  readonly mcp: Readonly<Record<string, readonly [status: number, text: string]>>
  /** The status of each request, and the challenge or what the handler has answered. */
  readonly hono: Readonly<Record<string, readonly [status: number, text: string]>>
  readonly features: readonly FeatureAnswer[]
  /** Statuses, and the text of the start-up error if there is no `statusList`. */
  readonly revocation: {
    readonly session: readonly number[]
    readonly user: readonly number[]
    readonly list: readonly number[] | string
  }
  readonly transport: { readonly answer: TokenAnswer; readonly through: 'global fetch' | 'something else' }
}
