import { quote } from './refusal.ts'
import { type Clock, LONGEST_TTL } from './issuer-options.ts'
import type { PublishedKey } from './publish.ts'

/** The result of a rotation. */
export interface Rotation {
  /** The ID of the key that signs next. */
  readonly kid: string
  /** When it begins to sign, in epoch milliseconds. */
  readonly signsFrom: number
}

/**
 * Tracks which keys are published and which one signs. There are no timers: every call first updates the ring to the time of its
 * clock.
 *
 * A key passes through these states in one direction only: in line (published, no start time), waiting, signing, kept (until the
 * last token it signed has expired), gone. A clock that jumps back therefore never makes an older key sign again.
 */
export interface KeyRing {
  /** Whether a key signs. False only after a withdrawal. */
  signs(): boolean
  /** The key that signs a token with this `expiry` (epoch seconds). It stays published at least until then. */
  take(expiry: number): PublishedKey | undefined
  /** The keys to publish: the signing one, the waiting one, those in line, then the kept ones. */
  published(): readonly PublishedKey[]
  /**
   * Adds a key that signs after `publishAhead` seconds, or at once if no key signs. Only one key can wait.
   *
   * @throws Error if a key with this ID is published or was withdrawn.
   */
  add(key: PublishedKey, publishAhead: number): Rotation
  /**
   * Makes the waiting key sign in `publishAhead` seconds if that is sooner than planned. If no key waits, it takes the first one out
   * of the line, which signs once it has been published for `publishAhead` seconds. Returns `undefined` if there is neither.
   */
  advance(publishAhead: number): Rotation | undefined
  /** Removes a key at once. Returns false if no such key is published. */
  withdraw(kid: string): boolean
}

interface HeldKey {
  readonly key: PublishedKey
  /** When it was published, in epoch milliseconds. */
  readonly since: number
  /** When it begins to sign, in epoch milliseconds, once it waits. */
  readonly signsFrom: number
  /** When the last token it signed expires, in epoch seconds. */
  lastExpiry: number
}

/** The keys that a ring starts with. */
interface InitialKeys {
  readonly signing: PublishedKey
  /** The keys that sign next, in this order. */
  readonly line: readonly PublishedKey[]
  /** Keys that may have signed tokens still in use, kept for the longest lifetime of a token. */
  readonly earlier: readonly PublishedKey[]
}

/** Creates a {@link KeyRing}. Keys are kept until `clockTolerance` seconds after their last token has expired. */
export const createKeyRing = (clock: Clock, clockTolerance: number, initial: InitialKeys): KeyRing => {
  const held = (key: PublishedKey, since: number, lastExpiry = 0): HeldKey => ({ key, since, signsFrom: 0, lastExpiry })
  const start = clock.now()
  let signing: HeldKey | undefined = held(initial.signing, start)
  let waiting: HeldKey | undefined
  let line: readonly HeldKey[] = initial.line.map((key) => held(key, start))
  let kept: readonly HeldKey[] = initial.earlier.map((key) => held(key, start, Math.ceil(start / 1000) + LONGEST_TTL))
  const withdrawn = new Set<string>()

  const settle = (now: number): number => {
    if (waiting !== undefined && (signing === undefined || waiting.signsFrom <= now)) {
      if (signing !== undefined) kept = [signing, ...kept]
      signing = waiting
      waiting = undefined
    }
    kept = kept.filter(({ lastExpiry }) => now < (lastExpiry + clockTolerance) * 1000)
    return now
  }
  const published = (): readonly PublishedKey[] => {
    settle(clock.now())
    return [signing, waiting, ...line, ...kept].flatMap((one) => (one === undefined ? [] : [one.key]))
  }
  const isPublished = (kid: string): boolean => published().some(({ signer }) => signer.kid === kid)
  const wait = (next: HeldKey, from: number, now: number): Rotation => {
    const signsFrom = signing === undefined ? now : Math.max(now, from)
    waiting = { ...next, signsFrom }
    settle(now)
    return { kid: next.key.signer.kid, signsFrom }
  }

  return {
    signs: () => {
      settle(clock.now())
      return signing !== undefined
    },
    take: (expiry) => {
      settle(clock.now())
      if (signing !== undefined) signing.lastExpiry = Math.max(signing.lastExpiry, expiry)
      return signing?.key
    },
    published,
    add: (key, publishAhead) => {
      const { kid } = key.signer
      if (withdrawn.has(kid) || isPublished(kid))
        throw new Error(`Cannot add key: "createSigner" must return a new key, found the known key ${quote(kid)}`)
      const now = clock.now()
      return wait(held(key, now), now + publishAhead * 1000, now)
    },
    advance: (publishAhead) => {
      const now = settle(clock.now())
      const ahead = publishAhead * 1000
      if (waiting !== undefined) return wait(waiting, Math.min(waiting.signsFrom, now + ahead), now)
      const [first, ...others] = line
      if (first === undefined) return undefined
      line = others
      return wait(first, first.since + ahead, now)
    },
    withdraw: (kid) => {
      if (!isPublished(kid)) return false
      withdrawn.add(kid)
      const stays = (one: HeldKey | undefined): boolean => one?.key.signer.kid !== kid
      if (!stays(signing)) signing = undefined
      if (!stays(waiting)) waiting = undefined
      line = line.filter(stays)
      kept = kept.filter(stays)
      return true
    },
  }
}
