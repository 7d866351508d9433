import type { ReplayStore } from '@claimgate/core/dpop'
import { insertUnique, type RedisClient } from './client.ts'
import { guardedConnection } from './eviction.ts'
import { REDIS_GUARD, type RedisGuardOptions, resolveOptions } from './options.ts'

/** A replay store on Redis. */
export interface RedisReplayStore extends ReplayStore {
  /**
   * Rejects unless Redis answers and keeps all entries. Await it at start-up to stop there.
   *
   * @throws RedisStoreError
   */
  ready(): Promise<void>
}

/**
 * The DPoP proofs that were accepted, on Redis or Valkey, shared by all processes: `dpop({ …, replay: redisReplayStore(client) })`.
 *
 * One `SET NX PX` decides: of any number of processes that get the same proof at once, one accepts it. If Redis fails, is full or does not
 * answer, `insertIfAbsent` rejects with a `RedisStoreError`, and requests get status 503. A failover that loses acknowledged writes lets
 * their proofs be replayed.
 *
 * @throws TypeError for another client, and for options out of range
 */
export function redisReplayStore(client: RedisClient, options: RedisGuardOptions = {}): RedisReplayStore {
  const read = resolveOptions(ACTION, options, REDIS_GUARD)
  const { ask, ready } = guardedConnection(ACTION, client, read)
  const prefix = `${read.prefix}proof:`
  return Object.freeze<RedisReplayStore>({
    insertIfAbsent: async (key, seconds) =>
      ask(async (commands) => (await insertUnique(commands, prefix + key, seconds)) !== undefined),
    ready,
  })
}

const ACTION = 'create replay store on Redis'
