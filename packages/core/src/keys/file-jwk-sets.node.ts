import { createHash, randomUUID } from 'node:crypto'
import { mkdirSync, statSync } from 'node:fs'
import { open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { systemClock } from '../model/runtime.ts'
import { bare } from '../model/values.ts'
import { misconfigured, numberIn, type OptionTable } from '../options/option-rules.ts'
import { readOptions } from '../options/read-options.ts'
import { isSeedOf, leasedJwkSets } from './remote/leased-store.ts'
import type { JwkSetSeed, JwkSetStore } from './remote/options.ts'

/** Options of `fileJwkSets`. */
export interface FileJwkSetOptions {
  /**
   * Seconds that one process has to fetch a key set before another one fetches. If a process crashes during its fetch, the others wait at most
   * this long, and never longer than the `softWait` of their verifiers. From 0.05 to 60. @defaultValue 5
   */
  readonly lease?: number | undefined
}

/**
 * Fetched JWK Sets in a folder, shared by the processes and threads of one machine: `createVerifier({ …, keySet: { store:
 * fileJwkSets('/var/cache/my-api/keys') } })`. One process fetches a set, the others use it, and a restart finds it again.
 *
 * Anyone who can write to the folder can install keys, so it must belong to the user of the process, and no other user may write to it. It is
 * created if it does not exist; its parent must exist. If a file cannot be read or written, each process fetches. Only local disks: other
 * file systems may not let one process alone create a file.
 *
 * @throws TypeError for wrong options, and for a folder that cannot be used or that other users can write to
 */
export function fileJwkSets(folder: string, options: FileJwkSetOptions = {}): JwkSetStore {
  const { lease } = readOptions(ACTION, options, FILE_JWK_SETS) as { readonly lease: number }
  preparePrivateFolder(folder)
  /** The leases of this store, by key set: the end of each, monotonic milliseconds. */
  const leases = new Map<string, number>()
  // An address may contain any characters, and be longer than the name of a file.
  const fileOf = (uri: string): string => join(folder, createHash('sha256').update(uri).digest('hex'))

  const read = async (uri: string): Promise<JwkSetSeed | undefined> => {
    const text = await readFile(`${fileOf(uri)}.json`, 'utf8').catch((error: unknown) => {
      if (isCode(error, 'ENOENT')) return undefined
      throw error
    })
    if (text === undefined) return undefined
    const seed: unknown = JSON.parse(text)
    return isSeedOf(uri, seed) ? seed : undefined
  }

  const write = async (uri: string, seed: JwkSetSeed): Promise<void> => {
    // A reader finds the old file or the new one, never a part.
    const temporary = `${fileOf(uri)}.${randomUUID()}`
    try {
      await writeFile(temporary, JSON.stringify(seed), bare({ flag: 'wx', mode: 0o600 }))
      await rename(temporary, `${fileOf(uri)}.json`)
    } catch (error) {
      await rm(temporary, FORCE)
      throw error
    }
  }

  const takeLease = async (uri: string): Promise<boolean> => {
    const file = `${fileOf(uri)}.lease`
    // Two processes that find the same old lease may both fetch, which costs one request.
    const age = await stat(file).then(
      ({ mtimeMs }) => Math.abs(Date.now() - mtimeMs),
      () => 0,
    )
    if (age > lease * 1000) await rm(file, FORCE)
    try {
      const handle = await open(file, 'wx', 0o600)
      await handle.close()
    } catch (error) {
      if (isCode(error, 'EEXIST')) return false
      throw error
    }
    leases.set(uri, systemClock.monotonic() + lease * 1000)
    return true
  }

  const releaseLease = async (uri: string): Promise<void> => {
    const until = leases.get(uri)
    leases.delete(uri)
    // A lease that has run out may belong to another process now.
    if (until !== undefined && systemClock.monotonic() < until) await rm(`${fileOf(uri)}.lease`, FORCE)
  }

  return leasedJwkSets({ read, write, takeLease, releaseLease }, systemClock)
}

const ACTION = 'store key sets in files'
const FORCE = bare({ force: true })

/** The options of `fileJwkSets`. */
export const FILE_JWK_SETS: OptionTable<FileJwkSetOptions> = {
  lease: numberIn({ least: 0.05, most: 60, default: 5 }),
}

function preparePrivateFolder(folder: unknown): void {
  if (typeof folder !== 'string' || folder === '')
    throw misconfigured(ACTION, 'give the path of a folder, such as /var/cache/my-api/keys', folder)
  try {
    mkdirSync(folder, bare({ mode: 0o700 }))
  } catch (error) {
    if (!isCode(error, 'EEXIST'))
      throw misconfigured(ACTION, 'the folder must exist, or its parent must let this user create it', folder)
  }
  const found = statSync(folder)
  if (!found.isDirectory()) throw misconfigured(ACTION, 'the path must be that of a folder', folder)
  // Windows has other permissions, which Node does not show.
  const user = process.getuid?.()
  if (user !== undefined && (found.uid !== user || (found.mode & 0o022) !== 0))
    throw misconfigured(
      ACTION,
      'the folder must belong to the user of this process, and others must not write to it (chmod 700)',
      folder,
    )
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
