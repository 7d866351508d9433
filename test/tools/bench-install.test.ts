import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
const bench = join(root, 'test/bench')

interface Manifest {
  readonly version: string
  readonly dependencies: Readonly<Record<string, string>>
}

describe('the installation of the benchmarks', () => {
  const { dependencies } = manifest(bench)

  it('pins every peer to one version', () => {
    expect(Object.values(dependencies).filter((range) => !/^\d+\.\d+\.\d+$/.test(range))).toEqual([])
  })

  it('compares with the version of jose that core uses', () => {
    expect(dependencies['jose']).toBe(manifest(join(root, 'packages/core')).dependencies['jose'])
  })

  it('has a separate lockfile that names every peer and no address', () => {
    const lockfile = readFileSync(join(bench, 'pnpm-lock.yaml'), 'utf8')
    for (const [name, version] of Object.entries(dependencies)) expect(lockfile).toContain(`${name}@${version}`)
    expect(lockfile).not.toMatch(/https?:\/\//)
  })

  it('is not part of the workspace that the tests install', () => {
    expect(readFileSync(join(root, 'pnpm-lock.yaml'), 'utf8')).not.toMatch(/^ {2}test\/bench:/m)
  })
})

function manifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
}
