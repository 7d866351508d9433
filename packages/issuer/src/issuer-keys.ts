import type { JWK } from 'jose'
import type { ResolvedOptions } from './issuer-options.ts'
import { createKeyRing, type Rotation } from './key-ring.ts'
import { readOptions, type Rules } from './options.ts'
import * as rule from './rules.ts'
import { type PublishedKey, publishedKey } from './publish.ts'
import { own, refusal } from './refusal.ts'
import { type KeyPair, localSigner } from './signer/local-signer.ts'
import type { Signer } from './signer/signer.ts'

/** Options for one rotation. They override the issuer's options. */
export interface RotateOptions {
  /** Seconds the key is published before it signs. From 0 (at once) to 86400. @defaultValue `overlap.publishAhead` */
  readonly publishAhead?: number
}

/** The keys of an issuer: those it started with, and those it adds. */
export interface IssuerKeys {
  /** The key that signs a token with this `expiry` (epoch seconds). After a withdrawal it waits for the replacement. */
  take(expiry: number): Promise<PublishedKey>
  /** The keys to publish, the signing one first. */
  published(): readonly PublishedKey[]
  /** As described at `Issuer.rotate`. */
  rotate(options?: RotateOptions): Promise<Rotation>
  /** As described at `Issuer.revoke`. */
  revoke(kid: string): Promise<void>
}

// Verifiers limit the size of a set; Claimgate's default limit is 64.
const MOST_KEYS = 64

const ROTATE_RULES: Rules<RotateOptions> = { publishAhead: rule.seconds(0, 86_400) }

/**
 * Prepares the given keys, or creates the first one.
 *
 * @throws TypeError if a given key is unfit. Errors of a signer are passed on unchanged.
 */
export const createIssuerKeys = async (options: ResolvedOptions): Promise<IssuerKeys> => {
  const { overlap, keysOption } = options
  const [signing = await newKey(options), ...others] = await givenKeys(options)
  const [line, earlier] = keysOption === 'keys' ? [[], others] : [others, []]
  const ring = createKeyRing(options.clock, overlap.clockTolerance, { signing, line, earlier })
  const inTurn = oneAtATime()

  const replace = async (): Promise<void> => {
    if (!ring.signs() && ring.advance(0) === undefined) ring.add(await newKey(options), 0)
  }
  const rotate = async (given: RotateOptions): Promise<Rotation> => {
    const { publishAhead } = readOptions('rotate', given, ROTATE_RULES, { publishAhead: overlap.publishAhead })
    const planned = ring.advance(publishAhead)
    if (planned !== undefined) return planned
    if (ring.published().length >= MOST_KEYS)
      throw new Error(
        `Cannot rotate: at most ${MOST_KEYS} keys may be published, and the oldest still have live tokens`,
      )
    // The time ahead counts from publication, not from the call, because creating a key may be slow.
    return ring.add(await newKey(options), publishAhead)
  }

  return {
    take: async (expiry) => {
      const key = ring.take(expiry)
      if (key !== undefined) return key
      // Creates the replacement if an earlier attempt failed.
      await inTurn(replace)
      const replacement = ring.take(expiry)
      if (replacement !== undefined) return replacement
      throw new Error('Cannot issue token: the signing key was withdrawn and has no replacement yet')
    },
    published: ring.published,
    rotate: (given = {}) => inTurn(() => rotate(given)),
    revoke: async (kid) => {
      if (!ring.withdraw(kid)) throw refusal('revoke key', '"kid" must be that of a published key', kid)
      await inTurn(replace)
    },
  }
}

const newKey = async ({ createSigner, keysOption, algorithm }: ResolvedOptions): Promise<PublishedKey> => {
  if (createSigner !== undefined) return publishedKey(await createSigner())
  if (keysOption === 'keys') return publishedKey(await localSigner(undefined, { algorithm }))
  // If your keys are in a key service, a local key must not silently replace them.
  throw new Error('Cannot add key: no signer is left in line: list more of them in "signers", or give "createSigner"')
}

const givenKeys = async ({ keys, keysOption, algorithm }: ResolvedOptions): Promise<readonly PublishedKey[]> => {
  const published: PublishedKey[] = []
  for (const [index, key] of keys.entries()) {
    const name = keysOption === 'signer' ? '"signer"' : `"${keysOption}[${index}]"`
    if (typeof key !== 'object' || key === null) throw refusal('create issuer', `${name} must be a key`, typeof key)
    try {
      const signer = keysOption !== 'keys' || isSigner(key) ? (key as Signer) : await localSigner(key, { algorithm })
      published.push(await publishedKey(signer))
    } catch (cause) {
      if (!(cause instanceof TypeError)) throw cause
      throw new TypeError(cause.message.replace('Cannot use key:', `Cannot create issuer: ${name} is unfit:`), {
        cause,
      })
    }
  }
  const kids = published.map(({ signer }) => signer.kid)
  const repeated = kids.find((kid, index) => kids.indexOf(kid) !== index)
  if (repeated === undefined) return published
  throw refusal('create issuer', `"${keysOption}" must have different key IDs`, repeated)
}

const isSigner = (key: JWK | KeyPair | Signer): key is Signer => typeof own(key, 'sign') === 'function'

/** Runs asynchronous actions one after another, in call order. A failed action does not stop later ones. */
export const oneAtATime = (): (<T>(action: () => Promise<T>) => Promise<T>) => {
  let last: Promise<unknown> = Promise.resolve()
  return (action) => {
    const turn = last.then(action)
    last = turn.catch(() => undefined)
    return turn
  }
}
