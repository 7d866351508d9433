import { type BadToken, badTokens, createTestKeys } from '@claimgate/testing'
import { decodeJwt, decodeProtectedHeader, type JWK } from 'jose'

import { CannotSay } from '../outcome.ts'

/** A good token, and bad ones made from it that the API which accepts it must refuse. */
export interface BadTokenList {
  readonly good: string
  readonly bad: readonly BadToken[]
}

/** What is known about the key of the good token. */
export interface KnownKey {
  readonly publicJwk: JWK
  /** The public key as SPKI PEM. */
  readonly publicPem: string
  /** Signs with the private key. */
  readonly signWith?: (signingInput: string) => Promise<string>
}

/** Rules of the API that make some of the tokens good. */
export interface ApiRules {
  readonly audience?: unknown
  readonly idTokens?: 'accept' | 'refuse' | undefined
}

const [AUDIENCE, OTHER_KINDS, HMAC_CONFUSION] = [19, 21, 2]

// No server takes header fields that long.
const LONGEST = 65_536

// In place of a signature that only the private key can make. The marks are what some tokens look for in a signature.
const PLACEHOLDER = 'NOT0SIGNED0BY0THE0KEY'
const placeholder = async (): Promise<string> => `-_${PLACEHOLDER}`

/**
 * The bad tokens of the test kit that an API must refuse. Without the private key, those that need a valid signature are left out, and
 * without the public key also those that use it as an HMAC secret.
 *
 * @throws CannotSay if the good token is not a signed JWT with an asymmetric algorithm
 */
export async function listBadTokens(good: string, key?: KnownKey, rules: ApiRules = {}): Promise<BadTokenList> {
  const { alg, claims } = read(good)
  const known = key ?? (await createTestKeys(alg, { kid: 'unknown' }).catch(() => undefined))
  if (known === undefined) throw new CannotSay(`Bad tokens can only be made from a token with an asymmetric "alg".`)
  const { publicJwk, publicPem } = known
  const all = await badTokens({ token: good, publicJwk, publicPem, signWith: key?.signWith ?? placeholder })
  const hasAudience = 'audience' in rules ? rules.audience !== null : claims.aud !== undefined
  const bad = all.filter(({ token, requirement, refusal, name }) => {
    if (refusal !== 'required' || token === good || token.length > LONGEST || token.includes(PLACEHOLDER)) return false
    if (requirement.includes(HMAC_CONFUSION)) return key !== undefined
    if (requirement.includes(AUDIENCE)) return hasAudience
    if (requirement.includes(OTHER_KINDS) && name.startsWith('ID token')) return rules.idTokens !== 'accept'
    return true
  })
  return { good, bad }
}

function read(token: string): { readonly alg: string; readonly claims: { readonly aud?: unknown } } {
  try {
    return { alg: String(decodeProtectedHeader(token).alg), claims: decodeJwt(token) }
  } catch {
    throw new CannotSay('The token is not a signed JWT of three parts.')
  }
}
