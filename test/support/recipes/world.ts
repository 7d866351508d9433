import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTestKeys, type FaultyJwksServer, startFaultyJwksServer } from '@claimgate/testing'
import { INSTALLED, recipeCode } from './page.ts'

/** An issuer whose keys a recipe fetches, and the code of the recipe. */
export interface RecipeWorld {
  /** Serves the keys at `JWKS_URI`, which is in the environment with `JWT_ISSUER` and `JWT_AUDIENCE`. */
  readonly keys: FaultyJwksServer
  /** A token for Ada with the scope `orders:read` that lives for ten minutes, with other claims instead or besides. */
  token(claims?: object): Promise<string>
  /** A token with the right claims and key ID that another key has signed. */
  forgedToken(): Promise<string>
  /** Imports the recipe again, with keys that have not been fetched yet. */
  load<T>(file: string): Promise<T>
  close(): Promise<void>
}

/**
 * Writes the code of a page to files, and starts an issuer.
 *
 * @param page the name of the page, such as `koa`
 * @param files the names of its code by file, such as `{ 'app.mjs': 'app' }`
 * @param more the code of other files, which use the recipe
 */
export async function startRecipe(
  page: string,
  files: Readonly<Record<string, string>>,
  more: Readonly<Record<string, string>> = {},
): Promise<RecipeWorld> {
  const [key, forger] = await Promise.all([createTestKeys('ES256'), createTestKeys('ES256', { generation: 1 })])
  const keys = await startFaultyJwksServer({ jwks: { keys: [key.publicJwk] } })
  Object.assign(process.env, { JWT_ISSUER: keys.origin, JWT_AUDIENCE: 'orders-api', JWT_JWKS_URI: keys.url })
  const folders: string[] = []
  const claims = (other: object): object => {
    const now = Date.now() / 1000
    return { iss: keys.origin, aud: 'orders-api', sub: 'ada', iat: now, exp: now + 600, scope: 'orders:read', ...other }
  }
  return {
    keys,
    token: (other = {}) => key.sign(claims(other)),
    forgedToken: () => forger.sign(claims({}), { kid: key.publicJwk.kid }),
    load: async <T>(file: string) => {
      const folder = await mkdtemp(join(INSTALLED, '.run-'))
      folders.push(folder)
      for (const [path, name] of Object.entries(files)) await writeFile(join(folder, path), recipeCode(page, name))
      for (const [path, code] of Object.entries(more)) await writeFile(join(folder, path), code)
      return (await import(join(folder, file))) as T
    },
    close: async () => {
      await keys.close()
      await Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true })))
    },
  }
}

/**
 * Runs an attempt with tokens that live for a short time, and again with longer ones while the machine is too slow for them.
 *
 * @param attempt gets how long its tokens live, in seconds; resolves to `undefined` if they had expired too early
 */
export async function withShortLife<T>(attempt: (seconds: number) => Promise<T | undefined>): Promise<T> {
  for (const seconds of [0.3, 2, 10]) {
    const result = await attempt(seconds)
    if (result !== undefined) return result
  }
  throw new Error('The machine is too slow for tokens that live for ten seconds')
}
