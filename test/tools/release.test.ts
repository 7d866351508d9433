import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const { version } = JSON.parse(read('packages/core/package.json')) as { version: string }

describe('a release', () => {
  it.each(['v0.0.1', version, ''])('does not start for the tag %j', (tag) => {
    const { status, stderr } = spawnSync(process.execPath, [join(root, 'scripts/release.mjs'), tag], {
      encoding: 'utf8',
    })
    expect(status).toBe(1)
    expect(stderr).toContain(`push the tag v${version}, not ${tag}`)
  })

  it('has the same version in all packages, in the User-Agent and in the changelog', () => {
    const manifests = readdirSync(join(root, 'packages')).map((name) => read(`packages/${name}/package.json`))
    expect(manifests.map((text) => (JSON.parse(text) as { version: string }).version)).toEqual(
      manifests.map(() => version),
    )
    expect(read('packages/core/src/keys/fetch/fetch-document.ts')).toContain(`'claimgate/${version}'`)
    expect(read('CHANGELOG.md')).toContain(`\n## ${version}`)
  })
})

describe.each(readdirSync(join(root, '.github/workflows')))('the workflow %s', (name) => {
  const text = read(`.github/workflows/${name}`)

  it('runs only existing commands', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Readonly<Record<string, string>> }
    const commands = [...text.matchAll(/- run: (.+)/g)].map(([, command = '']) => command)
    expect(commands).not.toEqual([])
    for (const command of commands) {
      const [program = '', ...words] = command.split(' ')
      // The system's package manager, and not of this repository.
      if (command.startsWith('sudo apt-get ')) continue
      if (program === 'npm') expect(scripts).toHaveProperty([words.at(-1) ?? ''])
      else expect(existsSync(join(root, program === 'node' ? (words[0] ?? '') : program)), command).toBe(true)
    }
  })

  it('can only read the repository', () => {
    expect(text).toMatch(/^permissions:\n {2}contents: read\n/m)
    expect(text).not.toMatch(/: write(?<!id-token: write)$/m)
  })
})
