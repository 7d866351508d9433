import type { ResolvedOptions } from '../issuer-options.ts'
import { knownOptions } from '../known-options.ts'
import { assertSeconds } from '../seconds.ts'
import type { KeyRing } from './key-ring.ts'
import type { KeySource } from './key-source.ts'

/** What holds for one rotation in place of the issuer's options. */
export interface RotateOptions {
  /** Seconds the key is published before it signs. From 0 (at once) to 86400. @defaultValue `overlap.publishAhead` */
  readonly publishAhead?: number
}

/** What a rotation has set up. */
export interface Rotation {
  /** The ID of the key that signs next. */
  readonly kid: string
  /** When it begins to sign, in epoch milliseconds. */
  readonly signsFrom: number
}

// Verifiers refuse sets without a bound: 64 is what Claimgate's own take by default.
const MOST_KEYS = 64

/**
 * Calls up the next key in line or publishes a new one, or brings the waiting one forward.
 *
 * @throws TypeError where `publishAhead` is out of range; Error where too many keys are published.
 */
export const rotateKeys = async (
  ring: KeyRing,
  source: KeySource,
  { clock, overlap }: ResolvedOptions,
  given: RotateOptions,
): Promise<Rotation> => {
  const options = knownOptions('rotate', given, ['publishAhead'])
  const { publishAhead = overlap.publishAhead } = options
  assertSeconds('rotate', 'publishAhead', publishAhead, { min: 0, max: 86_400 })
  const from = (now: number): number => now + publishAhead * 1000
  const called = clock.now()
  const waiting = ring.waiting(called)
  if (waiting !== undefined) {
    ring.hasten(from(called), called)
    return { kid: waiting.kid, signsFrom: ring.waiting(called)?.signsFrom ?? called }
  }
  const calledUp = ring.callUp(publishAhead, called)
  if (calledUp !== undefined) return { kid: calledUp, signsFrom: ring.waiting(called)?.signsFrom ?? called }
  if (ring.published(called).length >= MOST_KEYS) {
    throw new Error(`Cannot rotate: at most ${MOST_KEYS} keys may be published, and the oldest still have live tokens`)
  }
  const key = await source.fresh(ring)
  // Counted from the publication, not from the call: a key service may take its time.
  const published = clock.now()
  ring.add(key, from(published), published)
  return { kid: key.signer.kid, signsFrom: ring.waiting(published)?.signsFrom ?? published }
}
