import {
  AuthError,
  createAuthenticator,
  createVerifier,
  type ErrorCode,
  type HttpOptions,
  type Outcome,
  type RequestView,
  type VerifierOptions,
  type WireError,
} from '@claimgate/core'
import { catalogue } from '@claimgate/core/extend'
import { startFaultyJwksServer, type FaultyJwksServer, type TestKeys } from '@claimgate/testing'
import type { JWK } from 'jose'
import { accessClaims, AUDIENCE, ISSUER, NOW } from './jose-tokens.ts'

export { accessClaims, AUDIENCE, ISSUER, NOW }

/** Options of a verifier for such tokens, with a fixed clock. */
export function optionsWith(changes: object): VerifierOptions {
  return { issuer: ISSUER, audience: AUDIENCE, clock: { now: () => NOW * 1000 }, ...changes }
}

/** A request with these fields; an array is a field that is sent several times. */
export function request(
  fields: Readonly<Record<string, string | readonly string[]>> = {},
  rest: Partial<RequestView> = {},
): RequestView {
  const header = (name: string): readonly string[] => {
    const value = Object.entries(fields).find(([field]) => field.toLowerCase() === name)?.[1] ?? []
    return typeof value === 'string' ? [value] : value
  }
  return { method: 'GET', target: '/orders', ...rest, header }
}

export const bearer = (token: string): RequestView => request({ authorization: `Bearer ${token}` })

/** What a client and a log see of an answer: for a verified token only the status. */
export interface Answer {
  readonly code?: ErrorCode
  readonly status: number
  readonly challenge?: string | undefined
}

export const VERIFIED: Answer = { status: 200 }

const texts: Partial<Record<WireError, string>> = {
  invalid_request: 'The request does not carry exactly one well-formed access token',
  invalid_token: 'The access token is malformed, expired, revoked or not meant for this resource',
  insufficient_scope: 'The access token does not grant what this request needs',
}

/** The answer to a token, or a request, refused with a code: its status and its challenge. */
export function refused(code: ErrorCode): Answer {
  const { status, error } = catalogue[code]
  if ([408, 413, 503].includes(status)) return { code, status, challenge: undefined }
  const why = error === undefined ? '' : `, error="${error}", error_description="${texts[error]}"`
  return { code, status, challenge: `Bearer realm="api"${why}` }
}

/** Sends a token in a request and returns the answer. Other errors are bugs and are rethrown. */
export async function answerTo(token: string, options: VerifierOptions & HttpOptions): Promise<Answer> {
  return describeOutcome(await createAuthenticator(options).authenticate(bearer(token)))
}

export function describeOutcome(outcome: Outcome): Answer {
  if (outcome.kind !== 'refused') return { status: outcome.kind === 'authenticated' ? 200 : 0 }
  const { error, response } = outcome
  if (response.status !== error.status) throw new Error(`the answer has ${response.status}, its error ${error.status}`)
  return { code: error.code, status: response.status, challenge: response.headers['www-authenticate'] }
}

/** Verifies a text that a request could not contain, and returns code and status. */
export async function verdictOn(token: string, options: VerifierOptions): Promise<Answer> {
  try {
    await createVerifier(options).verify(token)
    return VERIFIED
  } catch (error) {
    if (!(error instanceof AuthError)) throw error
    return refused(error.code)
  }
}

/** The whole error, to check hints and messages. */
export async function refusalOf(token: string, options: VerifierOptions): Promise<AuthError> {
  try {
    await createVerifier(options).verify(token)
  } catch (error) {
    if (error instanceof AuthError) return error
    throw error
  }
  throw new Error('the token was not refused')
}

/** A JWK Set server that counts requests, and the options that point to it. */
export interface CountedKeys extends AsyncDisposable {
  readonly server: FaultyJwksServer
  readonly options: VerifierOptions
  /** The number of connections and requests. */
  traffic(): { readonly connections: number; readonly requests: number }
}

export const NO_TRAFFIC = { connections: 0, requests: 0 } as const

/** Serves keys on a real socket; the members need not be valid keys. */
export async function publish(members: readonly unknown[], changes: object = {}): Promise<CountedKeys> {
  const server = await startFaultyJwksServer({ jwks: { keys: members as readonly JWK[] as JWK[] } })
  return {
    server,
    options: optionsWith({ jwksUri: server.url, keySet: { allowLoopbackHttp: true }, ...changes }),
    traffic: () => {
      const { connections, requests } = server.stats()
      return { connections, requests: requests.length }
    },
    [Symbol.asyncDispose]: () => server.close(),
  }
}

/** Signs encoded parts exactly as given. */
export async function signParts(keys: TestKeys, header: string, claims: string): Promise<string> {
  return `${header}.${claims}.${await keys.signWith(`${header}.${claims}`)}`
}

export const encode = (value: string | Uint8Array | object): string =>
  Buffer.from(typeof value === 'string' || value instanceof Uint8Array ? value : JSON.stringify(value)).toString(
    'base64url',
  )
