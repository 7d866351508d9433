/** Environment variables by name, like `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>

/** The storage of private keys. */
export type KeyPlace =
  /** In memory: new keys at each start. */
  | { readonly kind: 'memory' }
  /** In PEM files of a folder, encrypted with a passphrase. */
  | { readonly kind: 'folder'; readonly folder: string; readonly passphrase: string }

/** The `iss` of the tokens. */
export const ISSUER = 'https://tokens.example'

/** The `aud` of the tokens. */
export const AUDIENCE = 'orders-api'

const SHORTEST_PASSPHRASE = 12

/**
 * Reads the setting for keys: `KEY_FOLDER` keeps them across restarts; without it, each start creates new keys. The passphrase comes
 * from `KEY_PASSPHRASE`, never from a file next to the keys.
 *
 * @throws TypeError for a folder without a passphrase
 */
export const keyPlace = (env: Environment): KeyPlace => {
  const { KEY_FOLDER: folder, KEY_PASSPHRASE: passphrase = '' } = env
  if (folder === undefined || folder === '') return { kind: 'memory' }
  if (passphrase.length < SHORTEST_PASSPHRASE)
    throw new TypeError(`KEY_FOLDER needs KEY_PASSPHRASE, of at least ${SHORTEST_PASSPHRASE} characters`)
  return { kind: 'folder', folder, passphrase }
}

/**
 * The secret with which the client requests tokens.
 *
 * @throws TypeError if it is missing
 */
export const clientSecret = (env: Environment): string => {
  const { CLIENT_SECRET: secret } = env
  if (secret === undefined || secret === '') throw new TypeError('CLIENT_SECRET is missing')
  return secret
}
