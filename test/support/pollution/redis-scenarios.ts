import {
  type RedisClient,
  redisDenylist,
  type RedisGuardOptions,
  redisIntrospectionCache,
  redisJwkSets,
  redisReplayStore,
} from '@claimgate/redis'
import { outcome, type Scenario } from './scenario.ts'

/** Entries in memory behind the methods of a client. */
class OptionsClient {
  readonly entries = new Map<string, string>()
  async get(key: string): Promise<string | null> {
    return this.entries.get(key) ?? null
  }
  async set(key: string, value: string, options: object): Promise<string | null> {
    const isNew = !this.entries.has(key)
    if (!isNew && 'condition' in options) return null
    this.entries.set(key, value)
    return 'OK'
  }
  async eval(_script: string, options: { readonly keys: readonly string[]; readonly arguments: readonly string[] }) {
    const [[key = ''], [value = '']] = [options.keys, options.arguments]
    this.entries.set(key, value)
    return 1
  }
  async info(): Promise<string> {
    return 'maxmemory_policy:noeviction\r\n'
  }
  async sendCommand(): Promise<null> {
    return null
  }
}

class PositionalClient {
  readonly inner = new OptionsClient()
  get = async (key: string): Promise<string | null> => this.inner.get(key)
  set = async (key: string, value: string, ...options: readonly unknown[]): Promise<string | null> =>
    this.inner.set(key, value, options.includes('NX') ? { condition: 'NX' } : Object.create(null))
  eval = async (script: string, _keys: number, key: string, ...args: readonly string[]): Promise<number> =>
    this.inner.eval(script, { keys: [key], arguments: args })
  info = async (): Promise<string> => this.inner.info()
  defineCommand = (): void => {}
}

const URI = 'https://auth.example.com/keys'

/** The answers of the stores on Redis, with clients of both kinds. */
export function redisScenarios(): readonly Scenario[] {
  const kinds = { options: () => new OptionsClient(), positional: () => new PositionalClient() }
  return [
    ...Object.entries(kinds).map(([kind, open]): Scenario => ({
      name: `stores on Redis, with the ${kind} of a client`,
      start: () => {
        const client = open() as RedisClient
        const [replay, denied] = [redisReplayStore(client), redisDenylist(client)]
        const [cache, sets] = [redisIntrospectionCache(client), redisJwkSets(client)]
        const entries =
          client instanceof PositionalClient ? client.inner.entries : (client as never as OptionsClient).entries
        return async () => {
          entries.clear()
          const first = await outcome(() => replay.insertIfAbsent('proof', 60))
          entries.set('claimgate:answer:odd', '{}')
          entries.set(`claimgate:keys:${URI}/odd`, '{}')
          return {
            proof: first,
            'the same proof': await outcome(() => replay.insertIfAbsent('proof', 60)),
            'no entry': await outcome(() => denied.find(['a'])),
            added: await outcome(() => denied.add('a', { issuedUpTo: 7, expiresAt: 4_000_000_000 })),
            'an entry': await outcome(() => denied.find(['a', 'b'])),
            'no answer': await outcome(() => cache.get('a')),
            'another answer': await outcome(() => cache.get('odd')),
            stored: await outcome(() => cache.set('a', { active: false }, 60)),
            'an answer': await outcome(() => cache.get('a')),
            'no keys': await outcome(() => sets.get(URI, { seconds: 1 })),
            'other keys': await outcome(() => sets.get(`${URI}/odd`)),
            'new keys': await outcome(() => sets.set(URI, { uri: URI, jwks: { keys: [] }, fetchedAt: 1 })),
            keys: await outcome(() => sets.get(URI, { seconds: 1 })),
            entries: [...entries.keys()].join(' '),
          }
        }
      },
    })),
    {
      name: 'a client of no known library, and a server that may evict',
      start: () => async () => {
        const odd = { get: () => null, set: () => null, eval: () => null, info: () => null }
        const evicting = Object.assign(new OptionsClient(), { info: async () => 'maxmemory_policy:allkeys-lru\r\n' })
        const log = Object.freeze({ warn: () => undefined })
        const given: RedisGuardOptions = { log }
        return {
          odd: await outcome(() => `accepted ${typeof redisDenylist(odd)}`),
          evicting: await outcome(() => redisReplayStore(evicting, given).insertIfAbsent('proof', 60)),
        }
      },
    },
  ]
}
