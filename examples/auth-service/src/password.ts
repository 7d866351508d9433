import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'

const COST = { N: 16_384, r: 8, p: 5 } as const
const KEY_BYTES = 32

/** A scrypt hash of `password` with a random salt: `scrypt$N$r$p$salt$key`, salt and key in base64url. */
export const hashPassword = async (password: string): Promise<string> => {
  const salt = randomBytes(16)
  return written(salt, await derive(password, salt, COST))
}

/** A hash of the same form and cost for an unknown password. */
export const decoyHash = (): string => written(randomBytes(16), randomBytes(KEY_BYTES))

/**
 * Whether `password` matches `hash`, compared in constant time with the cost parameters of the hash.
 *
 * @throws Error if the hash does not come from {@link hashPassword}.
 */
export const passwordMatches = async (password: string, hash: string): Promise<boolean> => {
  const [scheme, N, r, p, salt = '', key = ''] = hash.split('$')
  const expected = Buffer.from(key, 'base64url')
  if (scheme !== 'scrypt' || expected.length !== KEY_BYTES)
    throw new Error('Cannot check password: unknown hash format')
  const cost = { N: Number(N), r: Number(r), p: Number(p) }
  return timingSafeEqual(await derive(password, Buffer.from(salt, 'base64url'), cost), expected)
}

interface Cost {
  readonly N: number
  readonly r: number
  readonly p: number
}

const written = (salt: Buffer, key: Buffer): string =>
  ['scrypt', COST.N, COST.r, COST.p, salt.toString('base64url'), key.toString('base64url')].join('$')

const derive = (password: string, salt: Buffer, cost: Cost): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    // Normalized, because keyboards compose the same character in different ways.
    scrypt(password.normalize('NFKC'), salt, KEY_BYTES, cost, (error, key) => (error ? reject(error) : resolve(key)))
  })
