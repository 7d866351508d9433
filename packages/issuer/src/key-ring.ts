import type { PublishedKey } from './published-key.ts'

/** A key that is published and waits for its time to sign. */
export interface WaitingKey {
  readonly kid: string
  /** When it begins to sign, in epoch milliseconds. */
  readonly signsFrom: number
}

/**
 * Which keys are published and which one signs, at a given time. Nothing here runs by itself: every call brings the
 * ring up to its `now` (epoch milliseconds) first.
 *
 * A key goes one way only: waiting, signing, kept (until the last token it signed has expired), gone. So a clock that
 * steps back never brings an older key back to signing.
 */
export interface KeyRing {
  /** Whether a key signs at `now`. False only after a withdrawal. */
  signs(now: number): boolean
  /** The key to sign with, for a token that expires at `expiry` (epoch seconds). */
  take(now: number, expiry: number): PublishedKey | undefined
  /** The keys to publish: the signing one, the waiting one, then the kept ones. */
  published(now: number): readonly PublishedKey[]
  /** The key that waits, if any. */
  waiting(now: number): WaitingKey | undefined
  /** Adds a key that signs from `signsFrom` on, or from `now` on where no key signs. One key waits at a time. */
  add(key: PublishedKey, signsFrom: number, now: number): void
  /** Adds a key of earlier tokens, kept until `expiry` (epoch seconds). */
  keep(key: PublishedKey, expiry: number): void
  /** Lets the waiting key sign from `signsFrom` on, if that is sooner than planned. */
  hasten(signsFrom: number, now: number): void
  /** Takes a key out at once. False where no such key is published. */
  withdraw(kid: string, now: number): boolean
  /** Whether a key of this ID is published or has been withdrawn. */
  knows(kid: string, now: number): boolean
}

interface HeldKey {
  readonly key: PublishedKey
  readonly signsFrom: number
  lastExpiry: number
}

/** An empty {@link KeyRing}. Keys are kept `clockTolerance` seconds longer than their last token lasts. */
export const createKeyRing = ({ clockTolerance }: { readonly clockTolerance: number }): KeyRing => {
  let signing: HeldKey | undefined
  let next: HeldKey | undefined
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
  const all = (now: number): readonly HeldKey[] => {
    settle(now)
    return [signing, next, ...kept].filter((held) => held !== undefined)
  }
  const has = (kid: string, now: number): boolean => all(now).some(({ key }) => key.signer.kid === kid)
  const unlessNamed = (held: HeldKey | undefined, kid: string): HeldKey | undefined =>
    held?.key.signer.kid === kid ? undefined : held

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
    published: (now) => all(now).map(({ key }) => key),
    waiting: (now) => {
      settle(now)
      return next && { kid: next.key.signer.kid, signsFrom: next.signsFrom }
    },
    add: (key, signsFrom, now) => {
      next = { key, signsFrom, lastExpiry: 0 }
      settle(now)
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
      signing = unlessNamed(signing, kid)
      next = unlessNamed(next, kid)
      kept = kept.filter((held) => unlessNamed(held, kid) !== undefined)
      settle(now)
      return true
    },
    knows: (kid, now) => withdrawn.has(kid) || has(kid, now),
  }
}
