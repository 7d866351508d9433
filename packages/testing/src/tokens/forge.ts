import type { JWK } from 'jose'

import { createTestKeys, fromBase64url, type TestKeys, toBase64url } from '../keys/test-keys.ts'
import { unresolvable } from '../jwks-server/faulty-jwks-server.ts'

/** A token that a careful resource server must not accept. */
export interface BadToken {
  /** What is wrong with it. Unique in the list. */
  readonly name: string
  /** Numbers of the requirements in the threat model; empty if it is simply not a JWT (RFC 7515, RFC 7519). */
  readonly requirement: readonly number[]
  readonly token: string
  /**
   * - `required`: accepting it is a vulnerability
   * - `optional`: accepting it is fine if its unusual members are harmless: no prototype is changed, and every claim is an own member
   */
  readonly refusal: 'required' | 'optional'
}

/** A row of a table of bad tokens: the name and the token, or a promise of it. */
export type BadTokenRow = readonly [name: string, token: string | Promise<string>]

/** Converts rows with the same requirements to bad tokens. */
export function badTokenTable(
  requirement: readonly number[],
  rows: readonly BadTokenRow[],
  refusal: BadToken['refusal'] = 'required',
): Promise<readonly BadToken[]> {
  return Promise.all(rows.map(async ([name, token]) => ({ name, requirement, token: await token, refusal })))
}

/** A good token and the data needed to create bad tokens from it. */
export interface BadTokensBase {
  /** A token that the verifier under test accepts. Its claims have `iss`, `aud` (a string) and `exp`, its header `kid`. */
  readonly token: string
  /** Signs a signing input with the key of `token`, in base64url: the `signWith` of `createTestKeys`. */
  readonly signWith: (signingInput: string) => Promise<string>
  readonly publicJwk: JWK
  /** The public key as SPKI PEM. */
  readonly publicPem: string
  /** The target of `jku`, `x5u` and `x5t`: a server that must receive no connection. @defaultValue unresolvable() */
  readonly trapUrl?: string
  /** The time of the verifier's clock, in seconds since 1970. @defaultValue the current time */
  readonly now?: number
}

/** Creates tokens from a good one, with valid signatures unless stated otherwise. */
export interface Forge {
  readonly alg: string
  readonly kid: string
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
  /** The three parts of the good token. */
  readonly parts: readonly [header: string, claims: string, signature: string]
  readonly token: string
  readonly publicJwk: JWK
  readonly publicPem: string
  readonly trapUrl: string
  readonly now: number
  /** Another key for the same algorithm that is not published. */
  readonly attacker: TestKeys
  /** Signs two encoded parts unchanged. */
  signParts(header: string, claims: string): Promise<string>
  /** Encodes and signs texts or bytes. */
  signTexts(header: string | Uint8Array, claims: string | Uint8Array): Promise<string>
  /** The good token with changed header members; `undefined` removes one. */
  withHeader(changes: object): Promise<string>
  /** The good token with changed claims; `undefined` removes one. */
  withClaims(changes: object): Promise<string>
}

/** @throws SyntaxError if the token is not a JWT. */
export async function createForge(base: BadTokensBase): Promise<Forge> {
  const parts = threeParts(base.token)
  const header = JSON.parse(fromBase64url(parts[0])) as Record<string, unknown>
  const claims = JSON.parse(fromBase64url(parts[1])) as Record<string, unknown>
  const alg = textOf(header['alg']) ?? ''
  const signParts = async (first: string, second: string): Promise<string> => {
    const input = `${first}.${second}`
    return `${input}.${await base.signWith(input)}`
  }
  return {
    alg,
    kid: textOf(header['kid']) ?? base.publicJwk.kid ?? '',
    header,
    claims,
    parts,
    token: base.token,
    publicJwk: base.publicJwk,
    publicPem: base.publicPem.trimEnd(),
    trapUrl: base.trapUrl ?? unresolvable(),
    now: base.now ?? Math.floor(Date.now() / 1000),
    attacker: await createTestKeys(alg, { kid: 'attacker' }),
    signParts,
    signTexts: (first, second) => signParts(toBase64url(first), toBase64url(second)),
    withHeader: (changes) => signParts(toBase64url(JSON.stringify({ ...header, ...changes })), parts[1]),
    withClaims: (changes) => signParts(parts[0], toBase64url(JSON.stringify({ ...claims, ...changes }))),
  }
}

function threeParts(token: string): readonly [string, string, string] {
  const [header, claims, signature, ...more] = token.split('.')
  if (header && claims && signature && more.length === 0) return [header, claims, signature]
  throw new SyntaxError('Cannot make bad tokens: "token" must be a signed JWT of three parts')
}

/** The value if it is a string, otherwise `undefined`. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
