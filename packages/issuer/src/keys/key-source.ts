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
  /** The keys that sign next, in this order. */
  readonly line: readonly PublishedKey[]
  /** Keys that may have signed tokens still in use. */
  readonly earlier: readonly PublishedKey[]
}

/** Supplies the keys of an issuer. */
interface KeySource {
  /** The keys to start with. */
  initial(): Promise<InitialKeys>
  /**
   * Creates a key that is not in the ring and was never withdrawn from it.
   *
   * @throws Error if `createSigner` returns a known key, or is missing when `signer` or `signers` is given.
   */
  fresh(ring: KeyRing): Promise<PublishedKey>
}

/** The {@link KeySource} that the options describe. */
export const createKeySource = (options: ResolvedOptions): KeySource => {
  const { keys, signers, signersOption, algorithm, createSigner, clock } = options
  const create = async (): Promise<PublishedKey> => {
    if (createSigner !== undefined) return publishedKey(await createSigner())
    // If your keys are in a key service, a local key must not silently replace them.
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

/** Options for one rotation. They override the issuer's options. */
export interface RotateOptions {
  /** Seconds the key is published before it signs. From 0 (at once) to 86400. @defaultValue `overlap.publishAhead` */
  readonly publishAhead?: number
}

/** The result of a rotation. */
export interface Rotation {
  /** The ID of the key that signs next. */
  readonly kid: string
  /** When it begins to sign, in epoch milliseconds. */
  readonly signsFrom: number
}

// Verifiers limit the size of a set; Claimgate's default limit is 64.
const MOST_KEYS = 64

/**
 * Takes the next key in line, or publishes a new one. If a key is already waiting, it may sign sooner instead.
 *
 * @throws TypeError if `publishAhead` is out of range; Error if too many keys are published.
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
  // Counted from publication, not from the call, because creating a key may be slow.
  const published = clock.now()
  ring.add(key, from(published), published)
  return { kid: key.signer.kid, signsFrom: ring.waiting(published)?.signsFrom ?? published }
}
