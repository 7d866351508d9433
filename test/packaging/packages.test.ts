import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'

import { createTestKeys, startFaultyJwksServer } from '@claimgate/testing'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { installPackages } from '../../scripts/install-packed.mjs'
import { packPackages, publicPackages } from '../../scripts/pack.mjs'
import { takeFinds } from '../support/secrets/watch.ts'

const root = join(import.meta.dirname, '../..')

interface Manifest {
  readonly bin?: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, unknown>>
  readonly imports?: Readonly<Record<string, unknown>>
  readonly dependencies?: Readonly<Record<string, string>>
}

let packed: ReturnType<typeof packPackages>
beforeAll(() => {
  packed = packPackages(root)
  return packed
}, 60_000)
afterAll(async () => (await packed).remove())

const folderOf = async (name: string): Promise<string> => {
  const found = (await packed).packages.find((entry) => entry.name === name)
  if (found === undefined) throw new Error(`packages/${name} was not packed`)
  return found.folder
}

const manifestOf = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest

const filesOf = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))

/** Every path in a conditional target, under any condition. */
const targetsOf = (target: unknown): readonly string[] =>
  typeof target === 'string' ? [target] : Object.values(target ?? {}).flatMap(targetsOf)

/** The file that the package's name resolves to, or its program. */
const mainOf = (folder: string): string | undefined => {
  const { exports, bin } = manifestOf(folder)
  return targetsOf(exports['.'] ?? bin)
    .at(-1)
    ?.slice(2)
}

describe.each(publicPackages(root))('the tarball of packages/%s', (name) => {
  it('contains only the built files, the manifest, the licence and a page for the registry', async () => {
    const outside = filesOf(await folderOf(name)).filter((file) => !/^(dist|bundle)\//.test(file))
    expect(outside.toSorted()).toEqual(['LICENSE', 'README.md', 'package.json'])
  })

  it('contains no tests and no build state', async () => {
    const folder = await folderOf(name)
    const files = filesOf(folder)
    expect(files.filter((file) => /\.test\.|\.tsbuildinfo$/.test(file))).toEqual([])
    expect(files).toContain(mainOf(folder))
  })

  it('contains the sources of its source maps within the maps', async () => {
    const folder = await folderOf(name)
    const maps = filesOf(folder).filter((file) => file.endsWith('.map'))
    expect(maps).toContain(`${mainOf(folder)}.map`)
    const without = maps.filter((file) => {
      const map = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Readonly<Record<string, readonly string[]>>
      return map['sourcesContent']?.length !== map['sources']?.length
    })
    expect(without).toEqual([])
  })

  it('has every file that its exports and imports name', async () => {
    const folder = await folderOf(name)
    const { bin, exports, imports } = manifestOf(folder)
    const targets = [bin, exports, imports].flatMap(targetsOf)
    expect(targets.length).toBeGreaterThan(1)
    expect(targets.filter((target) => !existsSync(join(folder, target)))).toEqual([])
  })

  it('names its workspace dependencies by version', async () => {
    const { dependencies = {} } = manifestOf(await folderOf(name))
    expect(Object.values(dependencies).filter((range) => range.startsWith('workspace:'))).toEqual([])
  })
})

it('runs the packed command line with npx', async () => {
  const { publicJwk } = await createTestKeys('ES256')
  const server = await startFaultyJwksServer({ jwks: { keys: [publicJwk] } })
  const { packages } = await packed
  const project = installPackages(
    root,
    packages.filter(({ name }) => ['cli', 'core', 'issuer', 'testing'].includes(name)),
  )
  try {
    // Begins with the Node of this process, because another one on the path may be too old.
    const PATH = [dirname(process.execPath), process.env['PATH']].join(delimiter)
    const options = { cwd: project.folder, env: { ...process.env, PATH } }
    const { stdout } = await promisify(execFile)('npx', ['--no-install', 'claimgate', 'keys', server.url], options)
    expect(stdout).toContain('1 key, 1 usable')
    // The process itself, because npx would outlive a signal.
    const bin = join(project.folder, 'node_modules/.bin/claimgate')
    const serve = spawn(bin, ['serve', '--port', '0', '--json'], { ...options, stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = (await once(serve.stdout, 'data')) as readonly unknown[]
    const { metadata, issuer } = JSON.parse(String(line)) as { readonly metadata: string; readonly issuer: string }
    const minted = await promisify(execFile)(
      bin,
      ['mint', '--port', new URL(metadata).port, '--claim', 'sub=bob'],
      options,
    )
    takeFinds()
    serve.kill()
    expect(decodeJwt(minted.stdout)).toMatchObject({ iss: issuer, sub: 'bob' })
  } finally {
    project.remove()
    await server.close()
  }
})
