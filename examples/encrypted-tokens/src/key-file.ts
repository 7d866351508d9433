import { generateKeyPair, randomBytes } from 'node:crypto'
import { mkdir, open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { KeyPlace } from './settings.ts'

/** A private key on P-256, encrypted. */
export interface KeyFile {
  /** PKCS #8 in PEM. */
  readonly pem: string
  readonly passphrase: string
}

/**
 * Reads the key with that name, or creates it if there is none. A key in memory is encrypted with a random passphrase, so that all keys
 * are used in the same way.
 *
 * @throws Error for a file that other users can read
 */
export const keyFile = async (name: string, place: KeyPlace): Promise<KeyFile> => {
  if (place.kind === 'memory') return newKey(randomBytes(32).toString('base64url'))
  const { folder, passphrase } = place
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, `${name}.pem`)
  const made = await newKey(passphrase)
  return { pem: (await writeNew(path, made.pem)) ? made.pem : await readOwn(path), passphrase }
}

const newKey = async (passphrase: string): Promise<KeyFile> => {
  const { privateKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' })
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase })
  return { pem: pem.toString(), passphrase }
}

// Created exclusively: if two programs start at once, one creates the key and the other reads it.
const writeNew = async (path: string, pem: string): Promise<boolean> => {
  try {
    await writeFile(path, pem, { flag: 'wx', mode: 0o600 })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

const readOwn = async (path: string): Promise<string> => {
  const file = await open(path, 'r')
  try {
    const { mode } = await file.stat()
    if ((mode & 0o077) !== 0) throw new Error(`Others may read ${path}: make it yours alone with "chmod 600"`)
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}
