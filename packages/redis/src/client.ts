import { bare, misconfigured, own } from '@claimgate/core/adapter'
import { malformed } from './error.ts'

/**
 * A client of Redis or Valkey: of `redis` 5 or 6 (`createClient`, `createCluster`, `createSentinel`, `createClientPool`), `ioredis` 5 or 6, or
 * `iovalkey` (`Redis`, `Cluster`). You connect and close it. Listen to its `error` events: without a listener, they end a Node process.
 */
export interface RedisClient {
  readonly get: Method
  readonly set: Method
  readonly eval: Method
  readonly info: Method
}

type Method = (...args: never[]) => unknown

/** The commands of the stores, each about one key, so they work in a cluster. */
export interface Commands {
  get(key: string): Promise<unknown>
  put(key: string, value: string, milliseconds: number): Promise<unknown>
  /** `SET NX PX`: sets the key unless it exists. */
  insert(key: string, value: string, milliseconds: number): Promise<unknown>
  run(script: string, key: string, ...args: readonly string[]): Promise<unknown>
  /** What `INFO memory` says. A cluster client asks one of the nodes. */
  memory(): Promise<unknown>
}

/**
 * Sets a key to a value that no other caller uses, unless the key exists.
 *
 * @returns the value, or `undefined` if the key existed
 * @throws RedisStoreError `malformed`
 */
export async function insertUnique(
  { insert, get }: Commands,
  key: string,
  seconds: number,
): Promise<string | undefined> {
  const value = crypto.randomUUID()
  const answer = await insert(key, value, Math.ceil(seconds * 1000))
  if (answer === 'OK') return value
  if (answer !== null) throw malformed('an answer to SET NX')
  // If a connection breaks before the answer, ioredis and iovalkey send the command again, and then find what it has set itself.
  return (await get(key)) === value ? value : undefined
}

/**
 * The commands of a client, whatever library it is of.
 *
 * @throws TypeError for anything else
 */
export function commandsOf(action: string, client: unknown): Commands {
  const methods = ['get', 'set', 'eval', 'info'] as const
  if (typeof client === 'object' && client !== null && methods.every((name) => isMethod(client, name))) {
    // Only ioredis and iovalkey have `defineCommand`.
    if (isMethod(client, 'defineCommand')) return positional(client as PositionalClient)
    if (isMethod(client, 'sendCommand')) return withOptions(client as OptionsClient)
  }
  throw misconfigured(action, 'give a client of "redis", "ioredis" or "iovalkey"')
}

function isMethod(client: object, name: string): boolean {
  return typeof own(client, name) === 'function'
}

interface PositionalClient {
  get(key: string): Promise<unknown>
  set(key: string, value: string, ...options: readonly (string | number)[]): Promise<unknown>
  eval(script: string, keys: number, ...keysAndArguments: readonly string[]): Promise<unknown>
  info(section: string): Promise<unknown>
}

function positional(client: PositionalClient): Commands {
  return {
    get: async (key) => client.get(key),
    put: async (key, value, milliseconds) => client.set(key, value, 'PX', milliseconds),
    insert: async (key, value, milliseconds) => client.set(key, value, 'PX', milliseconds, 'NX'),
    run: async (script, key, ...args) => client.eval(script, 1, key, ...args),
    memory: async () => client.info('memory'),
  }
}

interface OptionsClient {
  get(key: string): Promise<unknown>
  set(key: string, value: string, options: object): Promise<unknown>
  eval(script: string, options: object): Promise<unknown>
  info(section: string): Promise<unknown>
}

function withOptions(client: OptionsClient): Commands {
  const lasting = (value: number): object => ({ expiration: bare({ type: 'PX', value }) })
  return {
    get: async (key) => client.get(key),
    put: async (key, value, milliseconds) => client.set(key, value, bare(lasting(milliseconds))),
    insert: async (key, value, milliseconds) =>
      client.set(key, value, bare({ ...lasting(milliseconds), condition: 'NX' })),
    run: async (script, key, ...args) => client.eval(script, bare({ keys: [key], arguments: args })),
    memory: async () => client.info('memory'),
  }
}
