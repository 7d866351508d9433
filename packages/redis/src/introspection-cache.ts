import type { IntrospectionAnswer, IntrospectionCacheStore } from '@claimgate/core/introspection'
import type { RedisClient } from './client.ts'
import { connectionOf } from './connection.ts'
import { malformed } from './error.ts'
import { REDIS, type RedisOptions, resolveOptions } from './options.ts'
import { parsedObject } from './stored-json.ts'

/**
 * The answers of an introspection endpoint on Redis or Valkey, shared by all processes:
 * `createIntrospectionVerifier({ …, cache: { store: redisIntrospectionCache(client) } })`.
 *
 * Keys are hashes: no token reaches Redis, but answers contain claims. Anyone who can write to Redis can make any token valid. If Redis fails,
 * methods reject with a `RedisStoreError`, and the endpoint is asked instead.
 *
 * @throws TypeError for another client, and for options out of range
 */
export function redisIntrospectionCache(client: RedisClient, options: RedisOptions = {}): IntrospectionCacheStore {
  const read = resolveOptions(ACTION, options, REDIS)
  const connection = connectionOf(ACTION, client, read)
  const prefix = `${read.prefix}answer:`
  return Object.freeze<IntrospectionCacheStore>({
    get: async (key) => {
      const stored = await connection.ask(async (commands) => commands.get(prefix + key))
      if (stored === null) return undefined
      const answer = parsedObject(stored)
      if (answer === undefined || !Object.hasOwn(answer, 'active') || typeof answer['active'] !== 'boolean')
        throw malformed('an introspection answer')
      return answer as IntrospectionAnswer
    },
    set: async (key, answer, seconds) => {
      const milliseconds = Math.floor(seconds * 1000)
      if (!(milliseconds >= 1)) return
      await connection.ask(async (commands) => commands.put(prefix + key, JSON.stringify(answer), milliseconds))
    },
  })
}

const ACTION = 'create introspection cache on Redis'
