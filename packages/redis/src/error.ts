import { systemCode } from '@claimgate/core/adapter'

/** Why a store on Redis could not answer. Contains no key, no value and no address, so it may be logged. */
export class RedisStoreError extends Error {
  override readonly name: string = 'RedisStoreError'
  /**
   * - `timeout`: Redis has not answered in time
   * - `overloaded`: too many commands wait for Redis already
   * - `connection`: the client is not connected
   * - `refused`: Redis answered with an error, such as `OOM` for a full memory
   * - `malformed`: Redis contains something that these stores do not write
   * - `eviction`: Redis may evict entries, or does not say that it does not
   */
  readonly reason: 'timeout' | 'overloaded' | 'connection' | 'refused' | 'malformed' | 'eviction'
  /** The first word of an error of Redis (`OOM`, `READONLY`), or the code of a system error (`ECONNREFUSED`). */
  readonly code: string | undefined

  constructor(reason: RedisStoreError['reason'], message: string, code?: string) {
    super(message)
    this.reason = reason
    this.code = code
  }
}

/** Something in Redis that these stores do not write, or an answer that no client gives. */
export function malformed(what: string): RedisStoreError {
  return new RedisStoreError('malformed', `Redis holds something else than ${what}`)
}

// Errors of Redis begin with a word in capitals.
const REPLY = /^(?:Error: )?([A-Z]{2,30})(?: |$)/

/** An error of a client. Its message and members may contain keys, values and addresses, so only a code is kept. */
export function foreignError(error: unknown): RedisStoreError {
  if (error instanceof RedisStoreError) return error
  const system = systemCode(error)
  if (system !== undefined) return new RedisStoreError('connection', `Redis is unavailable (${system})`, system)
  const [, reply] = (error instanceof Error && REPLY.exec(error.message)) || []
  if (reply === undefined) return new RedisStoreError('connection', 'Redis is unavailable')
  const full = reply === 'OOM' ? ': its memory is full' : ''
  return new RedisStoreError('refused', `Redis has refused a command (${reply})${full}`, reply)
}
