import type { JWK } from 'jose'
import type { ResolvedOptions } from '../issuer-options.ts'
import { own } from '../own.ts'
import { refusal } from '../refusal.ts'
import { assertSigner } from '../signer/assert-signer.ts'
import type { KeyPair } from '../signer/key-material.ts'
import { localSigner } from '../signer/local-signer.ts'
import type { Signer } from '../signer/signer.ts'
import type { KeyRing } from './key-ring.ts'
import { type PublishedKey, publishedKey } from './published-key.ts'
import { quote } from '../quote.ts'

/** The keys an issuer starts with. */
export interface InitialKeys {
  readonly signing: PublishedKey
  /** Those that sign next, in this order. */
  readonly line: readonly PublishedKey[]
  /** Those that may have signed tokens that are still in use. */
  readonly earlier: readonly PublishedKey[]
}

/** Where an issuer's keys come from. */
export interface KeySource {
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
