import {
  type RedisClient,
  redisDenylist,
  redisIntrospectionCache,
  redisJwkSets,
  redisReplayStore,
  RedisStoreError,
} from '@claimgate/redis'
import { createTestClock } from '@claimgate/testing'
import { describe, expect, it } from 'vitest'
import { foreignError, malformed } from '../../packages/redis/src/error.ts'
import { guardedConnection } from '../../packages/redis/src/eviction.ts'
import { parsedObject } from '../../packages/redis/src/stored-json.ts'

type Command = (...args: never[]) => unknown

const clientThat = (commands: Partial<Record<'get' | 'set' | 'eval' | 'info', Command>> = {}): RedisClient =>
  ({
    get: async () => null,
    set: async () => 'OK',
    eval: async () => 1,
    info: async () => 'maxmemory_policy:noeviction\r\n',
    sendCommand: async () => null,
    ...commands,
  }) as RedisClient

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const messageOf = async (asked: Promise<unknown>): Promise<unknown> =>
  asked.then(
    () => 'answered',
    (error: unknown) => (error as Error).message,
  )

describe('46. The error of a client', () => {
  it.each<readonly [string, unknown, string, string, string | undefined]>([
    [
      'a system error',
      Object.assign(new Error('secret'), { code: 'ECONNREFUSED' }),
      'connection',
      'Redis is unavailable (ECONNREFUSED)',
      'ECONNREFUSED',
    ],
    ['another error', new Error('secret'), 'connection', 'Redis is unavailable', undefined],
    [
      'an error that only holds a word in capitals',
      new Error('the OOM'),
      'connection',
      'Redis is unavailable',
      undefined,
    ],
    ['no error', 'OOM secret', 'connection', 'Redis is unavailable', undefined],
    [
      'a full memory',
      new Error('OOM command not allowed'),
      'refused',
      'Redis has refused a command (OOM): its memory is full',
      'OOM',
    ],
    [
      'a replica',
      new Error("READONLY You can't write"),
      'refused',
      'Redis has refused a command (READONLY)',
      'READONLY',
    ],
    ['an error of a script', new Error('Error: ERR secret'), 'refused', 'Redis has refused a command (ERR)', 'ERR'],
  ])('keeps only a code: %s', (_, error, reason, message, code) => {
    const kept = foreignError(error)
    expect([kept.name, kept.reason, kept.message, kept.code, kept.cause]).toEqual([
      'RedisStoreError',
      reason,
      message,
      code,
      undefined,
    ])
  })

  it('of a store stays the same', () => {
    const known = new RedisStoreError('timeout', 'late')
    expect(foreignError(known)).toBe(known)
    expect(malformed('a b')).toMatchObject({ reason: 'malformed', message: 'Redis holds something else than a b' })
  })
})

describe('46. What Redis holds', () => {
  it('is an object in JSON, without a prototype', () => {
    const value = parsedObject('{"a":1}')
    expect([{ ...value }, Object.getPrototypeOf(value)]).toEqual([{ a: 1 }, null])
  })

  it.each([[1], [null], [undefined], ['1'], ['"a"'], ['null'], ['[]'], ['true'], ['{'], ['']])(
    'is nothing that can be used, if it is %j',
    (stored) => {
      expect(parsedObject(stored)).toBeUndefined()
    },
  )

  it('has at most 2 MiB', () => {
    const stored = '{}'.padEnd(2_097_152, ' ')
    expect(parsedObject(stored)).toEqual({})
    expect(parsedObject(`${stored} `)).toBeUndefined()
  })

  it.each<readonly [string, () => Promise<unknown>, string]>([
    [
      'a denylist entry',
      () => redisDenylist(clientThat({ get: async () => 'x' })).find(['a']),
      'the number of a denylist entry',
    ],
    [
      'a denylist entry that is added to',
      () => redisDenylist(clientThat({ eval: async () => 0 })).add('a', { issuedUpTo: 1, expiresAt: 2 }),
      'the number of a denylist entry',
    ],
    [
      'an answer',
      () => redisIntrospectionCache(clientThat({ get: async () => '{}' })).get('a'),
      'an introspection answer',
    ],
    [
      'a key set',
      async () => redisJwkSets(clientThat({ get: async () => '{}' })).get('https://a.example/jwks', { seconds: 1 }),
      'the key set asked for',
    ],
    [
      'the answer to SET',
      () => redisReplayStore(clientThat({ set: async () => 1 })).insertIfAbsent('a', 1),
      'an answer to SET NX',
    ],
  ])('is named if it is something else: %s', async (_, ask, what) => {
    expect(await messageOf(ask())).toBe(`Redis holds something else than ${what}`)
  })
})

describe('46. A denylist on Redis', () => {
  it.each([
    [1010, '10000'],
    [1000.0004, '1'],
    [1, '1'],
  ])('keeps an entry that ends at %s s for %s ms', async (expiresAt, milliseconds) => {
    const asked: unknown[] = []
    const clock = createTestClock({ wall: 1_000_000 })
    const client = clientThat({ eval: async (_script: string, options: object) => (asked.push({ ...options }), 1) })
    await redisDenylist(client, { clock }).add('a', { issuedUpTo: 5, expiresAt })
    expect(asked).toEqual([{ keys: ['claimgate:denied:a'], arguments: ['5', milliseconds] }])
  })
})

describe('46. A client', () => {
  it.each<readonly [string, unknown]>([
    ['null', null],
    ['a text', 'redis'],
    ['a client without a command', { ...clientThat(), eval: undefined }],
    ['a client with one command', { get: () => null, sendCommand: () => null }],
  ])('is not %s', (_, client) => {
    expect(() => redisReplayStore(client as RedisClient)).toThrow(
      'Cannot create replay store on Redis: give a client of "redis", "ioredis" or "iovalkey"',
    )
  })

  it.each(['sendCommand', 'defineCommand'])('with %s is asked for its memory', async (method) => {
    const sections: unknown[] = []
    const info = async (section: string): Promise<string> => (sections.push(section), 'maxmemory_policy:noeviction')
    await redisReplayStore({ ...clientThat({ info }), [method]: () => null }).ready()
    expect(sections).toEqual(['memory'])
  })

  it('may have a prefix of 200 characters', () => {
    expect(() => redisReplayStore(clientThat(), { prefix: 'p'.repeat(200) })).not.toThrow()
  })

  it('is overloaded once 10,000 commands wait', async () => {
    const cache = redisIntrospectionCache(clientThat({ get: () => new Promise(() => {}) }), {
      clock: createTestClock(),
    })
    for (let count = 0; count < 10_000; count += 1) cache.get('a').catch(() => {})
    await expect(cache.get('a')).rejects.toMatchObject({
      reason: 'overloaded',
      message: '10000 commands wait for Redis already',
    })
  })
})

describe('46. A server that may evict entries', () => {
  const guard = (info: Command, rules: object = {}) => {
    const lines: string[] = []
    const clock = createTestClock()
    const asked = { times: 0 }
    const counted: Command = (...given) => {
      asked.times += 1
      return info(...given)
    }
    const log = { warn: (line: string): void => void lines.push(line) }
    const options = { timeout: 1, eviction: 'refuse', log, clock, ...rules } as const
    return { lines, clock, asked, connection: guardedConnection('ask', clientThat({ info: counted }), options) }
  }
  const EVICTS =
    'Redis may evict entries: maxmemory-policy is "allkeys-lru". Redis would drop them without a trace: set it to "noeviction", or accept replays and lost revocations with eviction: "accept"'
  const UNKNOWN =
    'Redis may evict entries: INFO memory names no maxmemory-policy. Let this client read it, and set it to "noeviction", or accept replays and lost revocations with eviction: "accept"'

  it('is logged once, and named by each refusal', async () => {
    const { lines, clock, connection } = guard(async () => 'maxmemory_policy:allkeys-lru\r\nb:1')
    expect(await messageOf(connection.ready())).toBe(EVICTS)
    clock.advance(10_000)
    expect(await messageOf(connection.ask(async () => 1))).toBe(EVICTS)
    await settled()
    expect(lines).toEqual([EVICTS])
  })

  it('is asked again after ten seconds of use', async () => {
    const { clock, asked, connection } = guard(async () => 'maxmemory_policy:noeviction')
    await connection.ready()
    for (const [milliseconds, times] of [
      [9999, 1],
      [1, 2],
      [9999, 2],
      [1, 3],
    ] as const) {
      clock.advance(milliseconds)
      expect(await connection.ask(async () => 1)).toBe(1)
      await settled()
      expect(asked.times).toBe(times)
    }
  })

  it.each<readonly [string, Command, string]>([
    ['names its policy at the end of the answer', async () => 'a:1\nmaxmemory_policy:noeviction', 'answered'],
    ['names its policy before spaces', async () => 'maxmemory_policy:noeviction  \r\nb:1', 'answered'],
    ['names no policy', async () => 'used_memory:1', UNKNOWN],
    ['gives no text', async () => 7, UNKNOWN],
    ['forbids the question', async () => Promise.reject(new Error('NOPERM no')), UNKNOWN],
    ['does not know the question', async () => Promise.reject(new Error('ERR unknown command')), UNKNOWN],
    ['is loading', async () => Promise.reject(new Error('LOADING data')), 'Redis has refused a command (LOADING)'],
    ['is away', async () => Promise.reject(new Error('closed')), 'Redis is unavailable'],
    [
      'is away, in the words of a refusal',
      async () => Promise.reject(Object.assign(new Error('ERR'), { code: 'ECONNRESET' })),
      'Redis is unavailable (ECONNRESET)',
    ],
  ])('or that %s', async (_, info, message) => {
    expect(await messageOf(guard(info).connection.ready())).toBe(message)
  })

  it('is used if that is accepted', async () => {
    const { connection, lines } = guard(async () => 'maxmemory_policy:allkeys-lru', { eviction: 'accept' })
    expect(await connection.ask(async () => 1)).toBe(1)
    expect(lines).toEqual([EVICTS])
  })
})
