import type { JwkSetSeed, JwkSetStore } from '@claimgate/core'
import { isSeedOf, leasedJwkSets } from '@claimgate/core/adapter'
import { insertUnique, type RedisClient } from './client.ts'
import { connectionOf } from './connection.ts'
import { malformed } from './error.ts'
import { REDIS_JWK_SETS, type RedisJwkSetOptions, resolveOptions } from './options.ts'
import { parsedObject } from './stored-json.ts'

/**
 * Fetched JWK Sets on Redis or Valkey, shared by all processes: `createVerifier({ …, keySet: { store: redisJwkSets(client) } })`.
 *
 * One process fetches a set, and the others use it. For that, a process takes a lease with `SET NX PX` before it fetches. The others wait for
 * its set, and fetch themselves if its fetch fails, or takes longer than the lease or than they may wait. Anyone who can write to Redis can install keys. If
 * Redis fails, methods reject with a `RedisStoreError`, and each process fetches.
 *
 * @throws TypeError for another client, and for options out of range
 */
export function redisJwkSets(client: RedisClient, options: RedisJwkSetOptions = {}): JwkSetStore {
  const { prefix, clock, lease, timeout } = resolveOptions(ACTION, options, REDIS_JWK_SETS)
  const { ask } = connectionOf(ACTION, client, { timeout, clock })
  /** The random values of the leases of this process, by key set. */
  const leases = new Map<string, string>()
  const keyOf = (uri: string): string => `${prefix}keys:${uri}`
  const leaseOf = (uri: string): string => `${prefix}lease:${uri}`

  const read = async (uri: string): Promise<JwkSetSeed | undefined> => {
    const stored = await ask(async (commands) => commands.get(keyOf(uri)))
    if (stored === null) return undefined
    const seed = parsedObject(stored)
    if (!isSeedOf(uri, seed)) throw malformed('the key set asked for')
    return seed
  }

  const takeLease = async (uri: string): Promise<boolean> => {
    const value = await ask(async (commands) => insertUnique(commands, leaseOf(uri), lease))
    if (value !== undefined) leases.set(uri, value)
    return value !== undefined
  }

  const releaseLease = async (uri: string): Promise<void> => {
    const value = leases.get(uri)
    if (value === undefined) return
    leases.delete(uri)
    await ask(async (commands) => commands.run(RELEASE, leaseOf(uri), value))
  }

  const write = async (uri: string, seed: JwkSetSeed, seconds = DAY): Promise<void> => {
    const milliseconds = Math.max(1, Math.ceil(seconds * 1000))
    await ask(async (commands) => commands.put(keyOf(uri), JSON.stringify(seed), milliseconds))
  }

  return leasedJwkSets({ read, write, takeLease, releaseLease }, clock)
}

const ACTION = 'store key sets on Redis'
const DAY = 86_400

// Only the process that took a lease may release it: it may have run out, and belong to another process now.
const RELEASE = `
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`
