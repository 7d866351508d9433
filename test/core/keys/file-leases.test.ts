import type { JwkSetSeed } from '@claimgate/core'
import { fileJwkSets } from '@claimgate/core/node'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

const root = mkdtempSync(join(tmpdir(), 'claimgate-leases-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
afterEach(() => vi.restoreAllMocks())

let folders = 0
let folder: string
beforeEach(() => {
  folders += 1
  folder = join(root, String(folders))
})

const URI = 'https://auth.example.com/keys'
const seed = (fetchedAt: number): JwkSetSeed => ({ uri: URI, jwks: { keys: [] }, fetchedAt })
const files = (): readonly string[] => readdirSync(folder)
const fileOf = (end: string): string => join(folder, files().find((name) => name.endsWith(end)) ?? '')

describe('the lease of a key set', () => {
  it.each([
    [4999, true],
    [5000, false],
  ])('is released by its holder %d ms after it was taken: %s', async (milliseconds, released) => {
    const now = vi.spyOn(performance, 'now').mockReturnValue(70_000)
    const store = fileJwkSets(folder, { lease: 5 })
    await store.get(URI, { seconds: 0 })
    const lease = fileOf('.lease')
    now.mockReturnValue(70_000 + milliseconds)
    await store.set(URI, seed(1))
    expect(existsSync(lease)).toBe(!released)
  })

  it('is released once, and never for the next holder', async () => {
    const [first, second] = [fileJwkSets(folder), fileJwkSets(folder)]
    await first.get(URI, { seconds: 0 })
    await first.failed?.(URI)
    expect(files()).toEqual([])
    await second.get(URI, { seconds: 0 })
    await first.failed?.(URI)
    expect(files()).toHaveLength(1)
    await second.failed?.(URI)
    expect(files()).toEqual([])
  })

  it.each([
    [5000, false],
    [5001, true],
    [-5000, false],
    [-5001, true],
  ])('is taken over when its file is %d ms old: %s', async (milliseconds, takenOver) => {
    await fileJwkSets(folder).get(URI, { seconds: 0 })
    const lease = fileOf('.lease')
    utimesSync(lease, 1_000_000, 1_000_000)
    vi.spyOn(Date, 'now').mockReturnValue(1_000_000_000 + milliseconds)
    await fileJwkSets(folder, { lease: 5 }).get(URI, { seconds: 0 })
    expect(statSync(lease).mtimeMs !== 1_000_000_000).toBe(takenOver)
  })
})

describe('the file of a key set', () => {
  it('may have 4 MiB', async () => {
    const store = fileJwkSets(folder)
    await store.set(URI, seed(1))
    writeFileSync(fileOf('.json'), JSON.stringify(seed(2)).padEnd(4 * 1_048_576))
    await expect(store.get(URI)).resolves.toEqual(seed(2))
  })

  it('is closed after it was read, and after it was refused', async () => {
    const store = fileJwkSets(folder)
    await store.set(URI, seed(1))
    const file = fileOf('.json')
    const handle = await open(file)
    await handle.close()
    const opened: FileHandle[] = []
    const prototype = Object.getPrototypeOf(handle) as FileHandle
    const { stat } = prototype
    vi.spyOn(prototype, 'stat').mockImplementation(async function (this: FileHandle) {
      opened.push(this)
      return stat.call(this) as Promise<never>
    })
    await store.get(URI)
    chmodSync(file, 0o606)
    await expect(store.get(URI)).rejects.toThrow('not a file of this user')
    // The descriptor of a closed file is -1.
    expect(opened.map(({ fd }) => fd)).toEqual([-1, -1])
  })

  it('may be written by others where the system shows no permissions, as on Windows', async () => {
    const { geteuid } = process
    mkdirSync(folder)
    chmodSync(folder, 0o777)
    Object.assign(process, { geteuid: undefined })
    try {
      const store = fileJwkSets(folder)
      await store.set(URI, seed(1))
      chmodSync(fileOf('.json'), 0o666)
      await expect(store.get(URI)).resolves.toEqual(seed(1))
    } finally {
      Object.assign(process, { geteuid })
    }
  })
})

describe('the path of a folder', () => {
  it.each<[string, unknown, string]>([
    ['a number', 5, '5'],
    ['bytes', new Uint8Array(1), 'a Uint8Array'],
    ['a URL', new URL('file:///tmp/keys'), 'a URL'],
    ['an empty text', '', '""'],
  ])('is not %s', (_, path, found) => {
    expect(() => fileJwkSets(path as string)).toThrow(
      new TypeError(
        `Cannot store key sets in files: give the path of a folder, such as /var/cache/my-api/keys, found ${found}`,
      ),
    )
  })
})
