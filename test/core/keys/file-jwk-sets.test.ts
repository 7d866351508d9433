import { createVerifier, type JwkSetSeed } from '@claimgate/core'
import { fileJwkSets, type FileJwkSetOptions } from '@claimgate/core/node'
import { jwkSetStoreCases, startTestIssuer } from '@claimgate/testing'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'

const root = mkdtempSync(join(tmpdir(), 'claimgate-keys-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

let folders = 0
let folder: string
beforeEach(() => {
  folders += 1
  folder = join(root, String(folders))
})

const URI = 'https://auth.example.com/keys'
const seed = (fetchedAt: number): JwkSetSeed => ({ uri: URI, jwks: { keys: [] }, fetchedAt })
const filesOf = (end: string): readonly string[] => readdirSync(folder).filter((name) => name.endsWith(end))
const leaseFile = (): string => join(folder, filesOf('.lease')[0] ?? '')

describe('a store of key sets in a folder', () => {
  it.each(jwkSetStoreCases)('$name', async ({ run }) => {
    await expect(run({ store: fileJwkSets(folder), other: fileJwkSets(folder) })).resolves.toBeUndefined()
  })

  it('keeps files that only the user can read, and leaves no others behind', async () => {
    const store = fileJwkSets(folder)
    await store.get(URI, { seconds: 0.1 })
    await store.set(URI, seed(1))
    expect([readdirSync(folder).length, filesOf('.json').length]).toEqual([1, 1])
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    expect(statSync(join(folder, filesOf('.json')[0] ?? '')).mode & 0o777).toBe(0o600)
  })

  it('lets one of many verifiers fetch, and keeps the set for the next start', async () => {
    const { issuer, server, close } = await startTestIssuer({ audience: 'api' })
    const options = () => ({
      issuer: issuer.issuer,
      audience: 'api',
      keySet: { store: fileJwkSets(folder), timeout: 20, softWait: 10 },
    })
    const verifiers = Array.from({ length: 8 }, () => createVerifier(options()))
    const token = await issuer.issue({ sub: 'ada' })
    await Promise.all(verifiers.map(async (verifier) => verifier.verify(token)))
    const fetched = () => server.stats().requests.filter(({ path }) => path === '/.well-known/jwks.json').length
    expect(fetched()).toBe(1)
    await server.behave({ kind: 'refuse' })
    await expect(createVerifier(options()).verify(token)).resolves.toMatchObject({ claims: { sub: 'ada' } })
    await close()
  })

  it('waits for the process that fetches, and takes its lease over once that has run out', async () => {
    const [crashed, other] = [fileJwkSets(folder), fileJwkSets(folder, { lease: 5 })]
    // Takes the lease, and never stores a set.
    await crashed.get(URI, { seconds: 0.1 })
    const begun = performance.now()
    await expect(other.get(URI, { seconds: 0.1 })).resolves.toBeUndefined()
    expect(performance.now() - begun).toBeGreaterThan(60)
    utimesSync(leaseFile(), 1, 1)
    const takenOver = performance.now()
    await expect(other.get(URI, { seconds: 5 })).resolves.toBeUndefined()
    expect(performance.now() - takenOver).toBeLessThan(2000)
    expect(Date.now() - statSync(leaseFile()).mtimeMs).toBeLessThan(5000)
    // Only the process that holds the lease releases it.
    await fileJwkSets(folder).set(URI, seed(1))
    expect(filesOf('.lease')).toHaveLength(1)
    await other.set(URI, seed(2))
    expect(filesOf('.lease')).toEqual([])
  })

  it('lets the next one fetch as soon as a fetch has failed', async () => {
    const [first, second] = [fileJwkSets(folder), fileJwkSets(folder)]
    await first.get(URI, { seconds: 0.1 })
    await second.failed?.(URI)
    expect(filesOf('.lease')).toHaveLength(1)
    await first.failed?.(URI)
    expect(filesOf('.lease')).toEqual([])
  })

  it.each<[string, string]>([
    ['no JSON', '{"uri"'],
    ['an empty file', ''],
  ])('rejects if a file contains %s, so each process fetches', async (_, text) => {
    const store = fileJwkSets(folder)
    await store.set(URI, seed(1))
    writeFileSync(join(folder, filesOf('.json')[0] ?? ''), text)
    await expect(store.get(URI)).rejects.toThrow(SyntaxError)
  })

  it.each<[string, unknown]>([
    ['another key set', { ...seed(1), uri: `${URI}/2` }],
    ['no keys', { uri: URI, fetchedAt: 1 }],
    ['no time', { uri: URI, jwks: { keys: [] }, fetchedAt: '1' }],
    ['null', null],
    ['a list', [seed(1)]],
  ])('ignores a file of %s', async (_, stored) => {
    const store = fileJwkSets(folder)
    await store.set(URI, seed(1))
    writeFileSync(join(folder, filesOf('.json')[0] ?? ''), JSON.stringify(stored))
    await expect(store.get(URI)).resolves.toBeUndefined()
  })

  it('releases its lease if the set cannot be stored', async () => {
    const store = fileJwkSets(folder)
    await store.set(URI, seed(1))
    await store.get(URI, { newerThan: 1, seconds: 0.1 })
    expect(filesOf('.lease')).toHaveLength(1)
    replaceFile((file) => {
      mkdirSync(file)
      writeFileSync(join(file, 'a'), '')
    })
    await expect(store.set(URI, seed(2))).rejects.toThrow('EISDIR')
    expect(filesOf('.lease')).toEqual([])
    expect(readdirSync(folder)).toHaveLength(1)
  })

  it('rejects if its folder has gone', async () => {
    const store = fileJwkSets(folder)
    rmSync(folder, { recursive: true })
    await expect(store.set(URI, seed(1))).rejects.toThrow('ENOENT')
    await expect(store.get(URI, { seconds: 0.1 })).rejects.toThrow('ENOENT')
  })
})

/** Replaces the file of the stored set. */
function replaceFile(replace: (file: string) => void): void {
  const file = join(folder, filesOf('.json')[0] ?? '')
  renameSync(file, `${folder}.old`)
  replace(file)
}

describe('54. Only a file of this user, which no other may write to,', () => {
  it.each<[string, string, (file: string) => void]>([
    [
      'may be written by others',
      'not a file of this user',
      (file) => {
        writeFileSync(file, JSON.stringify(seed(1)))
        chmodSync(file, 0o606)
      },
    ],
    ['is a link', 'ELOOP', (file) => symlinkSync(`${folder}.old`, file)],
    ['is a pipe without a writer', 'not a file of this user', (file) => void execFileSync('mkfifo', [file])],
    ['is a folder', 'not a file of this user', (file) => mkdirSync(file)],
    [
      'has more than 4 MiB',
      'too large',
      (file) => {
        writeFileSync(file, '')
        truncateSync(file, 4 * 1_048_576 + 1)
      },
    ],
  ])('gives keys, and not one that %s', async (_, message, replace) => {
    const store = fileJwkSets(folder)
    await store.set(URI, seed(1))
    replaceFile(replace)
    await expect(store.get(URI)).rejects.toThrow(message)
  })

  it('gives keys, and not one of another user', async () => {
    const { geteuid } = process
    const store = fileJwkSets(folder)
    await store.set(URI, seed(1))
    process.geteuid = () => 12_345
    try {
      await expect(store.get(URI)).rejects.toThrow('not a file of this user')
    } finally {
      if (geteuid !== undefined) process.geteuid = geteuid
    }
    await expect(store.get(URI)).resolves.toEqual(seed(1))
  })

  it('gives keys, also after the link to its folder has changed', async () => {
    const [link, elsewhere] = [`${folder}.link`, `${folder}.elsewhere`]
    mkdirSync(folder, { mode: 0o700 })
    symlinkSync(folder, link)
    const store = fileJwkSets(link)
    await store.set(URI, seed(1))
    await fileJwkSets(elsewhere).set(URI, seed(2))
    rmSync(link)
    symlinkSync(elsewhere, link)
    await expect(store.get(URI)).resolves.toEqual(seed(1))
  })
})

describe('a folder that cannot be used', () => {
  it.each([0o770, 0o707, 0o777])('is one that others can write to: %o', (mode) => {
    mkdirSync(folder)
    chmodSync(folder, mode)
    expect(() => fileJwkSets(folder)).toThrow('others must not write to it (chmod 700)')
    chmodSync(folder, 0o755)
    expect(() => fileJwkSets(folder)).not.toThrow()
  })

  it('is one of another user', () => {
    const { geteuid } = process
    mkdirSync(folder)
    process.geteuid = () => 12_345
    try {
      expect(() => fileJwkSets(folder)).toThrow('the folder must belong to the user of this process')
    } finally {
      if (geteuid !== undefined) process.geteuid = geteuid
    }
  })

  it.each<[string, () => unknown, object, string]>([
    ['a file', () => writeFileSync(folder, ''), {}, 'the path must be that of a folder'],
    [
      'one whose parent is missing',
      () => (folder = join(folder, 'a/b')),
      {},
      'its parent must let this user create it',
    ],
    ['an empty path', () => (folder = ''), {}, 'give the path of a folder'],
    ['one with a wrong lease', () => {}, { lease: 0 }, '"lease" must be a number of seconds from 0.05 to 60'],
    ['one with an unknown option', () => {}, { ttl: 5 }, '"ttl"'],
  ])('is %s', (_, prepare, options, message) => {
    prepare()
    expect(() => fileJwkSets(folder, options as FileJwkSetOptions)).toThrow(TypeError)
    expect(() => fileJwkSets(folder, options as FileJwkSetOptions)).toThrow(message)
  })
})
