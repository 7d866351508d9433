import { mkdtempSync, rmSync, writeFileSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { checkDocs } from '../../scripts/check/docs.mjs'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'claimgate-docs-'))
})
afterEach(() => rmSync(root, { recursive: true }))

const write = (path: string, text: string): void => {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}

// Assembled here, so that this file is not itself a violation.
const machinePath = ['', 'root', 'project'].join('/')
const registry = ['https:', '', 'registry.example.org', 'jose'].join('/')

describe('docs accept', () => {
  it('links to files, folders, headings and other sites', () => {
    write('docs/errors.md', '# Errors\n\n## `token_expired` (401)\n\n## Twice\n\n## Twice\n')
    write(
      'README.md',
      '[a](docs/errors.md#token_expired-401) [b](docs) [c](https://example.org/x) [d](docs/errors.md#twice-1)',
    )
    expect(checkDocs(root)).toEqual([])
  })

  it('the page of files, if they exist', () => {
    write('packages/core/src/keys/one.ts', '')
    write('scripts/two.mjs', '')
    write('docs/architecture.md', '`keys/one.ts`, `one.ts`, `scripts/two.mjs`, `one.tsx`, `packages/NAME`')
    expect(checkDocs(root)).toEqual([])
  })

  it('links in code, and installed or built files', () => {
    write('README.md', '```md\n[a](missing.md)\n```\n`[b](missing.md)`')
    write('node_modules/x/README.md', '[a](missing.md)')
    write('dist/a.js', machinePath)
    expect(checkDocs(root)).toEqual([])
  })
})

describe('docs refuse', () => {
  it.each([
    ['a link to a missing file', 'README.md', '[a](docs/none.md)', 'the link docs/none.md has no target'],
    ['a link to a missing heading', 'README.md', '# One\n[a](#two)', 'the link #two has no target'],
    ['a link out of the repository', 'README.md', '[a](../..)', 'the link ../.. has no target'],
    ['a missing file on the page of files', 'docs/architecture.md', '`keys/none.ts`', 'there is no file keys/none.ts'],
    ['a path of one machine', 'src/a.ts', `const a = '${machinePath}/a'`, `${machinePath} is a path of one machine`],
    ['the same in a file URL', '.ci/run', `file://${machinePath}`, `${machinePath} is a path of one machine`],
    ["a registry's address", 'package.json', `{ "a": "${registry}" }`, "is a registry's address"],
    [
      'any address in the lockfile',
      'pnpm-lock.yaml',
      'tarball: https://example.org/a.tgz',
      'ties the lockfile to a host',
    ],
  ])('%s', (_, path, text, reason) => {
    write(path, text)
    expect(checkDocs(root)).toEqual([expect.stringContaining(reason)])
  })
})
