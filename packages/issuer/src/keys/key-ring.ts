import type { PublishedKey } from './published-key.ts'

/** A key that is published but does not sign yet. */
export interface WaitingKey {
  readonly kid: string
  /** When it begins to sign, in epoch milliseconds. */
  readonly signsFrom: number
}

/**
 * Tracks which keys are published and which one signs at a given time. There are no timers: every call first updates the ring to
 * its `now` (epoch milliseconds).
 *
 * A key passes through these states in one direction only: in line (published, no start time), waiting, signing, kept (until the
 * last token it signed has expired), gone. A clock that jumps back therefore never makes an older key sign again.
 */
export interface KeyRing {
  /** Whether a key signs at `now`. False only after a withdrawal. */
  signs(now: number): boolean
  /** The key that signs a token with this `expiry` (epoch seconds). The key stays published at least until then. */
  take(now: number, expiry: number): PublishedKey | undefined
  /** The keys to publish: the signing one, the waiting one, those in line, then the kept ones. */
  published(now: number): readonly PublishedKey[]
  /** The waiting key, if any. */
  waiting(now: number): WaitingKey | undefined
  /** Adds a key that signs from `signsFrom`, or from `now` if no key signs. Only one key can wait. */
  add(key: PublishedKey, signsFrom: number, now: number): void
  /** Puts a key at the end of the line. */
  lineUp(key: PublishedKey, now: number): void
  /**
   * Takes the first key out of the line. It signs once it has been published for `publishAhead` seconds, or from `now` if no key
   * signs. Returns its key ID, or `undefined` if the line is empty. Only one key can wait.
   */
  callUp(publishAhead: number, now: number): string | undefined
  /** Adds a key of earlier tokens, kept until `expiry` (epoch seconds). */
  keep(key: PublishedKey, expiry: number): void
  /** Makes the waiting key sign from `signsFrom` if that is sooner than planned. */
  hasten(signsFrom: number, now: number): void
  /** Removes a key at once. Returns false if no such key is published. */
  withdraw(kid: string, now: number): boolean
  /** Whether a key with this ID is published or was withdrawn. */
  knows(kid: string, now: number): boolean
}

interface HeldKey {
  readonly key: PublishedKey
  readonly signsFrom: number
  lastExpiry: number
}

interface LinedUpKey {
  readonly key: PublishedKey
  /** When it was published, in epoch milliseconds. */
  readonly since: number
}

/** Creates an empty {@link KeyRing}. Keys are kept until `clockTolerance` seconds after their last token has expired. */
export const createKeyRing = ({ clockTolerance }: { readonly clockTolerance: number }): KeyRing => {
  let signing: HeldKey | undefined
  let next: HeldKey | undefined
  let line: readonly LinedUpKey[] = []
  let kept: readonly HeldKey[] = []
  const withdrawn = new Set<string>()

  const settle = (now: number): void => {
    if (next !== undefined && (signing === undefined || next.signsFrom <= now)) {
      if (signing !== undefined) kept = [signing, ...kept]
      signing = next
      next = undefined
    }
    kept = kept.filter(({ lastExpiry }) => now < (lastExpiry + clockTolerance) * 1000)
  }
  const all = (now: number): readonly PublishedKey[] => {
    settle(now)
    return [signing, next, ...line, ...kept].flatMap((held) => (held === undefined ? [] : [held.key]))
  }
  const has = (kid: string, now: number): boolean => all(now).some(({ signer }) => signer.kid === kid)
  const isOther =
    (kid: string) =>
    ({ key }: { readonly key: PublishedKey }): boolean =>
      key.signer.kid !== kid
  const add = (key: PublishedKey, signsFrom: number, now: number): void => {
    next = { key, signsFrom, lastExpiry: 0 }
    settle(now)
  }

  return {
    signs: (now) => {
      settle(now)
      return signing !== undefined
    },
    take: (now, expiry) => {
      settle(now)
      if (signing !== undefined) signing.lastExpiry = Math.max(signing.lastExpiry, expiry)
      return signing?.key
    },
    published: all,
    waiting: (now) => {
      settle(now)
      return next && { kid: next.key.signer.kid, signsFrom: next.signsFrom }
    },
    add,
    lineUp: (key, now) => {
      line = [...line, { key, since: now }]
    },
    callUp: (publishAhead, now) => {
      const [first, ...others] = line
      if (first === undefined) return undefined
      line = others
      add(first.key, Math.max(now, first.since + publishAhead * 1000), now)
      return first.key.signer.kid
    },
    keep: (key, expiry) => {
      kept = [...kept, { key, signsFrom: 0, lastExpiry: expiry }]
    },
    hasten: (signsFrom, now) => {
      if (next !== undefined) next = { ...next, signsFrom: Math.min(next.signsFrom, signsFrom) }
      settle(now)
    },
    withdraw: (kid, now) => {
      if (!has(kid, now)) return false
      withdrawn.add(kid)
      const stays = isOther(kid)
      if (signing !== undefined && !stays(signing)) signing = undefined
      if (next !== undefined && !stays(next)) next = undefined
      line = line.filter(stays)
      kept = kept.filter(stays)
      settle(now)
      return true
    },
    knows: (kid, now) => withdrawn.has(kid) || has(kid, now),
  }
}
