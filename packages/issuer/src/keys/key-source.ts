import type { JWK } from 'jose'
import type { ResolvedOptions } from '../issuer-options.ts'
import { assertSeconds, knownOptions } from '../option-rules.ts'
import { own, quote, refusal } from '../refusal.ts'
import type { KeyPair } from '../signer/key-material.ts'
import { localSigner } from '../signer/local-signer.ts'
import { assertSigner, type Signer } from '../signer/signer.ts'
import type { KeyRing } from './key-ring.ts'
import { type PublishedKey, publishedKey } from './published-key.ts'

/** The keys an issuer starts with. */
export interface InitialKeys {
  readonly signing: PublishedKey
  /** Those that sign next, in this order. */
  readonly line: readonly PublishedKey[]
  /** Those that may have signed tokens that are still in use. */
  readonly earlier: readonly PublishedKey[]
}

/** Where an issuer's keys come from. */
interface KeySource {
  /** The keys to start with. */
  initial(): Promise<InitialKeys>
  /**
   * A key that is not in the ring and never was withdrawn from it.
   *
   * @throws Error where `createSigner` gives a key that is known already, or is missing beside signers of one's own.
   */
  fresh(ring: KeyRing): Promise<PublishedKey>
}

/** The {@link KeySource} that the options describe. */
export const createKeySource = (options: ResolvedOptions): KeySource => {
  const { keys, signers, signersOption, algorithm, createSigner, clock } = options
  const create = async (): Promise<PublishedKey> => {
    if (createSigner !== undefined) return publishedKey(await createSigner())
    // Never a local key behind the back of somebody whose keys are in a key service.
    if (signers !== undefined) throw noneLeft()
    return publishedKey(await localSigner(undefined, { algorithm }))
  }
  const asSigner = async (key: JWK | KeyPair | Signer): Promise<Signer> =>
    isSigner(key) ? key : localSigner(key, { algorithm })
  return {
    initial: async () => {
      if (signers !== undefined) {
        const [signing, ...line] = await publishedKeys(signers, signersOption, asItIs)
        return { signing: signing ?? (await create()), line, earlier: [] }
      }
      const [signing, ...earlier] = await publishedKeys(keys, 'keys', asSigner)
      return { signing: signing ?? (await create()), line: [], earlier }
    },
    fresh: async (ring) => {
      const key = await create()
      const { kid } = key.signer
      if (!ring.knows(kid, clock.now())) return key
      throw new Error(`Cannot add key: "createSigner" must give a new key, found the known key ${quote(kid)}`)
    },
  }
}

const noneLeft = (): Error =>
  new Error('Cannot add key: no signer is left in line: list more of them in "signers", or give "createSigner"')

const asItIs = (signer: Signer): Signer => {
  assertSigner(signer)
  return signer
}

const publishedKeys = async <Key>(
  keys: readonly Key[],
  option: string,
  asSigner: (key: Key) => Signer | Promise<Signer>,
): Promise<readonly PublishedKey[]> => {
  const published: PublishedKey[] = []
  for (const [index, key] of keys.entries()) {
    published.push(await given(key, option === 'signer' ? '"signer"' : `"${option}[${index}]"`, asSigner))
  }
  const repeated = published.find(({ signer }, index) => published.findIndex(sameKid(signer.kid)) !== index)
  if (repeated) throw refusal('create issuer', `"${option}" must have different key IDs`, repeated.signer.kid)
  return published
}

const sameKid =
  (kid: string) =>
  ({ signer }: PublishedKey): boolean =>
    signer.kid === kid

const given = async <Key>(
  key: Key,
  name: string,
  asSigner: (key: Key) => Signer | Promise<Signer>,
): Promise<PublishedKey> => {
  if (typeof key !== 'object' || key === null) throw refusal('create issuer', `${name} must be a key`, typeof key)
  try {
    return await publishedKey(await asSigner(key))
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause
    throw new TypeError(cause.message.replace('Cannot use key:', `Cannot create issuer: ${name} is unfit:`), { cause })
  }
}

const isSigner = (key: JWK | KeyPair | Signer): key is Signer => typeof own(key, 'sign') === 'function'

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
  rotation: RotateOptions,
): Promise<Rotation> => {
  const options = knownOptions('rotate', rotation, ['publishAhead'])
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
