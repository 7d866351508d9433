import { createHash, randomUUID } from 'node:crypto'
import { constants, mkdirSync, realpathSync, type Stats, statSync } from 'node:fs'
import { type FileHandle, open, rename, rm, stat, writeFile } from 'node:fs/promises'
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
 * created if it does not exist; its parent must exist. A file counts only if it is of that user, too, and no other may write to it; never a link. If a
 * file cannot be read or written, each process fetches. Only local disks: other file systems may not let one process alone create a file.
 *
 * @throws TypeError for wrong options, and for a folder that cannot be used or that other users can write to
 */
export function fileJwkSets(path: string, options: FileJwkSetOptions = {}): JwkSetStore {
  const { lease } = readOptions(ACTION, options, FILE_JWK_SETS) as { readonly lease: number }
  const folder = privateFolder(path)
  /** The leases of this store, by key set: the end of each, monotonic milliseconds. */
  const leases = new Map<string, number>()
  // An address may contain any characters, and be longer than the name of a file.
  const fileOf = (uri: string): string => join(folder, createHash('sha256').update(uri).digest('hex'))

  const read = async (uri: string): Promise<JwkSetSeed | undefined> => {
    const text = await readPrivate(`${fileOf(uri)}.json`)
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

/** The real path of a folder of this user, so that a changed link does not lead elsewhere later. */
function privateFolder(path: unknown): string {
  if (typeof path !== 'string' || path === '')
    throw misconfigured(ACTION, 'give the path of a folder, such as /var/cache/my-api/keys', path)
  try {
    mkdirSync(path, bare({ mode: 0o700 }))
  } catch (error) {
    if (!isCode(error, 'EEXIST'))
      throw misconfigured(ACTION, 'the folder must exist, or its parent must let this user create it', path)
  }
  const found = statSync(path)
  if (!found.isDirectory()) throw misconfigured(ACTION, 'the path must be that of a folder', path)
  if (!isPrivate(found))
    throw misconfigured(
      ACTION,
      'the folder must belong to the user of this process, and others must not write to it (chmod 700)',
      path,
    )
  return realpathSync(path)
}

/** Whether only the user of this process may write to a file or folder. Windows has other permissions, which Node does not show. */
function isPrivate({ uid, mode }: Stats): boolean {
  const user = process.geteuid?.()
  return user === undefined || (uid === user && (mode & 0o022) === 0)
}

// Follows no link, and does not wait for the writer of a pipe. Windows has neither constant, which then counts as 0.
const READ = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
// A JWK Set has at most 1 MiB as it is fetched, and may be longer as it is stored.
const MOST_BYTES = 4 * 1_048_576

/** The text of a file that only this user may write to; `undefined` if there is none. */
async function readPrivate(path: string): Promise<string | undefined> {
  let file: FileHandle
  try {
    file = await open(path, READ)
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined
    throw error
  }
  try {
    const found = await file.stat()
    // Others can replace a whole folder if its parent lets them.
    if (!found.isFile() || !isPrivate(found) || found.size > MOST_BYTES)
      throw new Error('The stored key set is not a file of this user, or others may write to it, or it is too large')
    return await file.readFile(UTF8)
  } finally {
    await file.close()
  }
}

const UTF8 = bare({ encoding: 'utf8' as const })

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
