import type { RedisClient } from '@claimgate/redis'
import { Redis } from 'ioredis'
import { Redis as Valkey } from 'iovalkey'
import { createClient } from 'redis'

/** A connected client. */
export interface TestClient {
  readonly client: RedisClient
  close(): Promise<void>
}

interface Library {
  readonly library: string
  connect(url: string): Promise<TestClient>
}

const ignore = (): void => {}

/** Each library, with its usual settings. */
export const LIBRARIES: readonly [Library, Library, Library] = [
  {
    library: 'redis',
    connect: async (url) => {
      const client = createClient({ url }).on('error', ignore)
      // It keeps trying, so a server that is away must not be waited for.
      await Promise.race([client.connect(), new Promise((resolve) => setTimeout(resolve, 200))])
      return { client, close: async () => client.destroy() }
    },
  },
  {
    library: 'ioredis',
    connect: async (url) => {
      const client = new Redis(url).on('error', ignore)
      return { client, close: async () => client.disconnect() }
    },
  },
  {
    library: 'iovalkey',
    connect: async (url) => {
      const client = new Valkey(url).on('error', ignore)
      return { client, close: async () => client.disconnect() }
    },
  },
]

/** A client for what tests themselves do. */
export async function adminOf(url: string): Promise<{
  /** All keys with a prefix. */
  keys(prefix: string): Promise<readonly string[]>
  send(...command: readonly string[]): Promise<unknown>
  /** Lets seconds pass for the entries with a prefix, as the server sees it: they expire earlier. */
  pass(prefix: string, seconds: number): Promise<void>
  /** Removes the entries with a prefix, and nothing else. */
  remove(prefix: string): Promise<void>
  close(): Promise<void>
}> {
  const client = createClient({ url }).on('error', ignore)
  await client.connect()
  const keys = async (prefix: string): Promise<readonly string[]> => {
    const found: string[] = []
    for await (const some of client.scanIterator({ MATCH: `${prefix}*`, COUNT: 20_000 })) found.push(...some)
    return found
  }
  return {
    keys,
    send: async (...command) => client.sendCommand([...command]),
    pass: async (prefix, seconds) => {
      for (const key of await keys(prefix)) {
        const left = await client.pTTL(key)
        if (left >= 0) await client.pExpire(key, left - seconds * 1000)
      }
    },
    remove: async (prefix) => {
      const all = await keys(prefix)
      if (all.length > 0) await client.del([...all])
    },
    close: async () => client.destroy(),
  }
}
