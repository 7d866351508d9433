import { type Clock, ignoreRejection } from '@claimgate/core/adapter'
import { type Connection, connectionOf } from './connection.ts'
import { foreignError, RedisStoreError } from './error.ts'
import type { RedisGuardOptions, RedisLog } from './options.ts'

/** A connection whose `ask` also rejects if Redis may evict entries. */
export interface GuardedConnection extends Connection {
  /** Rejects unless Redis answers and keeps all entries. @throws RedisStoreError */
  ready(): Promise<void>
}

interface EvictionRules {
  readonly timeout: number
  readonly eviction: NonNullable<RedisGuardOptions['eviction']>
  readonly log: RedisLog | false
  readonly clock: Clock
}

// Milliseconds. After a failover, another server may have another policy.
const AGAIN = 10_000
const KEEPS_ALL = 'noeviction'
const UNKNOWN = 'unknown'

/**
 * Reads `maxmemory-policy` when it is made, and again every ten seconds of use. `INFO` is read, because `CONFIG` is often forbidden.
 *
 * @throws TypeError if `client` is not of a known library
 */
export function guardedConnection(action: string, client: unknown, rules: EvictionRules): GuardedConnection {
  const { eviction, log, clock } = rules
  const connection = connectionOf(action, client, rules)
  let policy: string | undefined
  let askedAt = Number.NEGATIVE_INFINITY
  let asking: Promise<void> | undefined

  const record = (found: string): void => {
    if (found === policy) return
    policy = found
    if (found !== KEEPS_ALL && log !== false) warn(log, `Redis may evict entries: ${mayEvict(found)}`)
  }

  const askOnce = async (): Promise<void> => {
    askedAt = clock.monotonic()
    try {
      // An answer after the deadline still counts.
      await connection.ask(async (commands) => record(await commands.memory().then(policyIn, policyUnlessRefused)))
    } finally {
      asking = undefined
    }
  }
  const ask = async (): Promise<void> => (asking ??= askOnce())

  const assertKept = (): void => {
    if (eviction === 'refuse' && policy !== KEEPS_ALL)
      throw new RedisStoreError('eviction', `Redis may evict entries: ${mayEvict(policy ?? UNKNOWN)}`)
  }

  const ready = async (): Promise<void> => {
    await ask()
    assertKept()
  }

  ignoreRejection(ask())
  return {
    ask: async (use) => {
      if (policy === undefined) await ready()
      else if (clock.monotonic() - askedAt >= AGAIN) ignoreRejection(ask())
      assertKept()
      return connection.ask(use)
    },
    ready,
  }
}

const ADVICE = 'set it to "noeviction", or accept replays and lost revocations with eviction: "accept"'

function mayEvict(policy: string): string {
  return policy === UNKNOWN
    ? `INFO memory names no maxmemory-policy. Let this client read it, and ${ADVICE}`
    : `maxmemory-policy is "${policy}". Redis would drop them without a trace: ${ADVICE}`
}

function policyIn(info: unknown): string {
  const [, policy] = (typeof info === 'string' && /^maxmemory_policy:([a-z-]{1,40})\s*$/m.exec(info)) || []
  return policy ?? UNKNOWN
}

/** Redis may forbid INFO. Other failures say nothing about its policy. */
function policyUnlessRefused(error: unknown): string {
  const { reason, code } = foreignError(error)
  if (reason === 'refused' && (code === 'NOPERM' || code === 'ERR')) return UNKNOWN
  throw foreignError(error)
}

function warn(log: RedisLog, message: string): void {
  try {
    ignoreRejection(log.warn(message))
  } catch {
    // A failing log must not change an answer.
  }
}
