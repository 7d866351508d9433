import type { DenylistStore } from '@claimgate/core/denylist'
import type { RedisClient } from './client.ts'
import { malformed } from './error.ts'
import { guardedConnection } from './eviction.ts'
import { REDIS_GUARD, type RedisGuardOptions, resolveOptions } from './options.ts'

/** A denylist store on Redis. */
export interface RedisDenylist extends DenylistStore {
  /**
   * Rejects unless Redis answers and keeps all entries. Await it at start-up to stop there.
   *
   * @throws RedisStoreError
   */
  ready(): Promise<void>
}

/**
 * The entries of a denylist on Redis or Valkey, shared by all processes: `denylist({ store: redisDenylist(client) })`.
 *
 * A look-up is one `GET` for each key, sent together. If Redis fails, is full or does not answer, methods reject with a
 * `RedisStoreError`, and requests get status 503. A failover that loses acknowledged writes loses their revocations. Read from primaries
 * only: a replica may not have the latest revocations yet.
 *
 * @throws TypeError for another client, and for options out of range
 */
export function redisDenylist(client: RedisClient, options: RedisGuardOptions = {}): RedisDenylist {
  const read = resolveOptions(ACTION, options, REDIS_GUARD)
  const { ask, ready } = guardedConnection(ACTION, client, read)
  const prefix = `${read.prefix}denied:`
  return Object.freeze<RedisDenylist>({
    find: async (keys) => {
      const found = await ask(async ({ get }) => Promise.all(keys.map(async (key) => get(prefix + key))))
      return found.map((value) => {
        if (value === null) return undefined
        if (typeof value === 'string' && NUMBER.test(value)) return Number(value)
        throw malformed('the number of a denylist entry')
      })
    },
    add: async (key, { issuedUpTo, expiresAt }) => {
      const [value, left] = [String(issuedUpTo), String(Math.max(1, Math.ceil(expiresAt * 1000 - read.clock.now())))]
      if (!NUMBER.test(value) || !NUMBER.test(left)) throw new TypeError('Cannot add to denylist: give whole numbers')
      const added = await ask(async ({ run }) => run(ADD, prefix + key, value, left))
      if (added !== 1) throw malformed('the number of a denylist entry')
    },
    ready,
  })
}

const ACTION = 'create denylist on Redis'
const NUMBER = /^\d{1,15}$/

// Keeps the larger of both numbers, in one atomic step. An entry without an end keeps none.
const ADD = `
local stored = redis.call('GET', KEYS[1])
local value, left = ARGV[1], tonumber(ARGV[2])
if stored then
  if not string.match(stored, '^%d+$') then return 0 end
  if tonumber(stored) > tonumber(value) then value = stored end
  local kept = redis.call('PTTL', KEYS[1])
  if kept == -1 then
    redis.call('SET', KEYS[1], value)
    return 1
  end
  if kept > left then left = kept end
end
redis.call('SET', KEYS[1], value, 'PX', string.format('%.0f', left))
return 1
`
