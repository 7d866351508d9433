import type { Clock } from '@claimgate/core/adapter'
import { type Commands, commandsOf } from './client.ts'
import { foreignError, RedisStoreError } from './error.ts'

/** The commands of a client, within limits of time and number. */
export interface Connection {
  /** @throws RedisStoreError if Redis fails or does not answer in time */
  ask<T>(use: (commands: Commands) => Promise<T>): Promise<T>
}

// While Redis is away, clients keep commands in a queue without limits.
const MOST_WAITING = 10_000

/** @throws TypeError if `client` is not of a known library */
export function connectionOf(
  action: string,
  client: unknown,
  { timeout, clock }: { readonly timeout: number; readonly clock: Clock },
): Connection {
  const commands = commandsOf(action, client)
  let waiting = 0

  /** Counts until the client is done, which may be long after the deadline. */
  const counted = async <T>(use: (commands: Commands) => Promise<T>): Promise<T> => {
    waiting += 1
    try {
      return await use(commands)
    } catch (error) {
      throw foreignError(error)
    } finally {
      waiting -= 1
    }
  }

  return {
    ask: async (use) => {
      if (waiting >= MOST_WAITING)
        throw new RedisStoreError('overloaded', `${MOST_WAITING} commands wait for Redis already`)
      // Not `answeredWithin`, which needs the error in advance: its stack trace would cost more than the command.
      return new Promise((resolve, reject) => {
        const fail = (): void => reject(new RedisStoreError('timeout', `Redis has not answered within ${timeout} s`))
        const cancel = clock.setTimeout(fail, timeout * 1000)
        counted(use).finally(cancel).then(resolve, reject)
      })
    },
  }
}
