import type { JWK } from 'jose'
import type { ResolvedOptions } from './issuer-options.ts'
import type { KeyPair } from './key-material.ts'
import type { KeyRing } from './key-ring.ts'
import { localSigner } from './local-signer.ts'
import { type PublishedKey, publishedKey } from './published-key.ts'
import { refusal } from './refusal.ts'
import type { Signer } from './signer.ts'

/** Where an issuer's keys come from. */
export interface KeySource {
  /** The keys to start with; the first one signs. */
  initial(): Promise<readonly [PublishedKey, ...PublishedKey[]]>
  /**
   * A key that is not in the ring and never was withdrawn from it.
   *
   * @throws Error where `createSigner` gives a key that is known already.
   */
  fresh(ring: KeyRing): Promise<PublishedKey>
}

/** The {@link KeySource} that the options describe. */
export const createKeySource = ({ keys, algorithm, createSigner, clock }: ResolvedOptions): KeySource => {
  const create = async (): Promise<PublishedKey> =>
    publishedKey(await (createSigner ? createSigner() : localSigner(undefined, { algorithm })))
  return {
    initial: async () => {
      const [first, ...others] = keys
      if (first === undefined) return [await create()]
      const published: [PublishedKey, ...PublishedKey[]] = [await given(first, 0, algorithm)]
      for (const [index, key] of others.entries()) published.push(await given(key, index + 1, algorithm))
      const repeated = published.find(({ signer }, index) => published.findIndex(sameKid(signer.kid)) !== index)
      if (repeated) throw refusal('create issuer', '"keys" must have different key IDs', repeated.signer.kid)
      return published
    },
    fresh: async (ring) => {
      const key = await create()
      const { kid } = key.signer
      if (!ring.knows(kid, clock.now())) return key
      throw new Error(`Cannot add key: "createSigner" must give a new key, found the known key ${JSON.stringify(kid)}`)
    },
  }
}

const sameKid =
  (kid: string) =>
  ({ signer }: PublishedKey): boolean =>
    signer.kid === kid

const given = async (
  key: JWK | KeyPair | Signer,
  index: number,
  algorithm: ResolvedOptions['algorithm'],
): Promise<PublishedKey> => {
  const name = `"keys[${index}]"`
  if (typeof key !== 'object' || key === null) throw refusal('create issuer', `${name} must be a key`, typeof key)
  try {
    return await publishedKey(isSigner(key) ? key : await localSigner(key, { algorithm }))
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause
    throw new TypeError(cause.message.replace('Cannot use key:', `Cannot create issuer: ${name} is unfit:`), { cause })
  }
}

const isSigner = (key: JWK | KeyPair | Signer): key is Signer => 'sign' in key && typeof key.sign === 'function'
