import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { publicPackages } from '../../scripts/pack.mjs'

const root = join(import.meta.dirname, '../..')

describe('npm run pack', () => {
  let folder: string
  let lines: readonly string[]
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'claimgate-tarballs-'))
    const args = [join(root, 'scripts/pack.mjs'), folder]
    const { stdout } = await promisify(execFile)(process.execPath, args)
    lines = stdout.split('\n').filter((line) => line.startsWith('npm install '))
  }, 60_000)
  afterAll(async () => rm(folder, { recursive: true, force: true }))

  const namesIn = (line = ''): readonly string[] =>
    line.split(' ').map((word) => basename(word).replace(/-\d+\.\d+\.\d+\S*\.tgz$/, ''))

  it('prints a line for each package that installs it with its dependencies', () => {
    expect(lines.map(namesIn)).toEqual([
      ['npm', 'install', '--save-dev', 'claimgate-core', 'claimgate-issuer', 'claimgate-testing', 'claimgate-cli'],
      ['npm', 'install', 'claimgate-core'],
      ['npm', 'install', 'express', 'claimgate-core', 'claimgate-express'],
      ['npm', 'install', 'fastify', 'claimgate-core', 'claimgate-fastify'],
      ['npm', 'install', 'claimgate-core', 'claimgate-fetch'],
      ['npm', 'install', 'hono', 'claimgate-core', 'claimgate-hono'],
      ['npm', 'install', 'claimgate-issuer'],
      ['npm', 'install', 'claimgate-core', 'claimgate-lambda'],
      ['npm', 'install', 'claimgate-core', 'claimgate-mcp'],
      ['npm', 'install', 'common', 'core', 'reflect-metadata', 'rxjs', 'claimgate-core', 'claimgate-nestjs'],
      ['npm', 'install', 'api', 'claimgate-core', 'claimgate-otel'],
      ['npm', 'install', 'claimgate-core', 'claimgate-redis'],
      ['npm', 'install', '--save-dev', 'claimgate-core', 'claimgate-issuer', 'claimgate-testing'],
    ])
  })

  it('writes every tarball that the lines name', () => {
    const tarballs = lines.flatMap((line) => line.split(' ').filter((word) => word.endsWith('.tgz')))
    expect(tarballs.filter((path) => !existsSync(path))).toEqual([])
  })
})

describe.each(publicPackages(root))('the manifest of packages/%s', (name) => {
  it("has the project's addresses for the page on npm", async () => {
    const manifest = JSON.parse(await readFile(join(root, 'packages', name, 'package.json'), 'utf8')) as object
    expect(manifest).toMatchObject({
      repository: {
        type: 'git',
        url: 'git+https://github.com/claimgate/claimgate.git',
        directory: `packages/${name}`,
      },
      homepage: 'https://github.com/claimgate/claimgate#readme',
      bugs: { url: 'https://github.com/claimgate/claimgate/issues' },
      keywords: expect.arrayContaining(['jwt', 'oauth2', 'access-token']) as readonly string[],
    })
  })
})
