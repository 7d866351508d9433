import { createAuthenticator } from '@claimgate/core'
import { denylist, type DenylistStore } from '@claimgate/core/denylist'
import { accessToken, options, outcomeOf } from './world.ts'

/** The part of a Redis client that the toy needs. */
interface ToyClient {
  mGet(keys: readonly string[]): Promise<readonly (string | null)[]>
  set(key: string, value: string): Promise<void>
}

/** A store that several processes share. A client that fails makes the store unavailable. */
function toyRedisDenylist(client: ToyClient): DenylistStore {
  return {
    find: async (keys) => (await client.mGet(keys)).map((value) => (value === null ? undefined : Number(value))),
    add: (key, { issuedUpTo }) => client.set(key, String(issuedUpTo)),
  }
}

export async function run(): Promise<unknown> {
  const entries = new Map<string, string>()
  let isDown = false
  const client: ToyClient = {
    mGet: async (keys) => {
      if (isDown) throw new Error('connection lost')
      return keys.map((key) => entries.get(key) ?? null)
    },
    set: async (key, value) => void entries.set(key, value),
  }
  const revoked = denylist({ store: toyRedisDenylist(client) })
  const authenticator = createAuthenticator({ ...options, checks: [revoked] })
  const authorization = `Bearer ${await accessToken({ jti: 'a' })}`
  const before = await outcomeOf(authenticator, { authorization })
  await revoked.denySubject(options.issuer, 'ada')
  const after = await outcomeOf(authenticator, { authorization })
  isDown = true
  return [before, after, await outcomeOf(authenticator, { authorization })]
}

export const expected = [
  '200 Bearer',
  '401 token_refused Bearer realm="api", error="invalid_token"',
  '503 check_unavailable',
]
