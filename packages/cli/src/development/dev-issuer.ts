import { randomUUID } from 'node:crypto'

import { createTestKeys, type TestKeys } from '@claimgate/testing'
import type { JSONWebKeySet } from 'jose'

import { type BadTokenList, listBadTokens } from './bad-token-list.ts'
import type { TokenChanges, TokenParts, TokenPlan } from './token-plan.ts'

/** A signed token and its parts. */
export interface Minted extends TokenParts {
  readonly token: string
}

/** An issuer for development. Its keys exist only in this process. */
export interface DevIssuer {
  readonly plan: TokenPlan
  mint(changes?: TokenChanges): Promise<Minted>
  badTokens(): Promise<BadTokenList>
  /** Signs with a new key from now on. The set keeps the old ones, up to five keys. */
  rotate(): Promise<{ readonly kid: string; readonly published: readonly string[] }>
  jwks(): JSONWebKeySet
}

// Keys in the set, the signing one included.
const MOST_KEYS = 5

/** @throws JOSENotSupported for an algorithm that the runtime lacks */
export async function createDevIssuer(plan: TokenPlan): Promise<DevIssuer> {
  const newKeys = (): Promise<TestKeys> => createTestKeys(plan.algorithm, { kid: randomUUID() })
  let signing = await newKeys()
  let published: readonly TestKeys[] = [signing]
  return {
    plan,
    mint: async (changes) => mintWith(signing, plan, changes),
    badTokens: async () => {
      const { token } = await mintWith(signing, plan)
      return listBadTokens(token, signing, rulesOf(plan))
    },
    rotate: async () => {
      signing = await newKeys()
      published = [signing, ...published].slice(0, MOST_KEYS)
      return { kid: signing.kid, published: published.map(({ kid }) => kid) }
    },
    jwks: () => ({ keys: published.map(({ publicJwk }) => publicJwk) }),
  }
}

/** A token of a plan, signed with any key. */
export async function mintWith(keys: TestKeys, plan: TokenPlan, changes?: TokenChanges): Promise<Minted> {
  const parts = plan.parts(changes)
  const header = { alg: keys.alg, kid: keys.kid, ...parts.header }
  return { token: await keys.sign(parts.claims, header), header, claims: parts.claims }
}

/** The rules of an API that accepts the tokens of a plan. */
export function rulesOf({ provider }: TokenPlan): {
  readonly audience?: unknown
  readonly idTokens?: 'accept' | 'refuse' | undefined
} {
  return provider === undefined ? {} : { audience: provider.policy.audience, idTokens: provider.policy.idTokens }
}
