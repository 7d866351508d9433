import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { denylistStoreCases } from '@claimgate/testing'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { snippets } from '../support/docs/pages.ts'
import { takeFinds } from '../support/secrets/watch.ts'

// Examples are run as printed on the page, with the reader's vitest and the built packages.
const onPage = snippets.filter(({ page }) => page === 'docs/testing.md')
// This one is a program, not a test.
const isProgram = (name: string | undefined): boolean => name === 'development-issuer'
const examples = onPage.filter(({ name }) => !isProgram(name))
const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url))

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(fileURLToPath(new URL('.', import.meta.url)), '.run-'))
  // Without this file, the run would use the configuration of this repository.
  await writeFile(join(folder, 'vitest.config.mjs'), 'export default {}')
  await Promise.all(examples.map(async ({ name, code }) => writeFile(join(folder, `${name}.test.mjs`), code)))
})
afterAll(async () => rm(folder, { recursive: true, force: true }))

describe('docs/testing.md', () => {
  it('has examples for the issuer, msw, the clock, the server, bad tokens, KMS and denylist stores', () => {
    expect(examples.map(({ name }) => name)).toEqual([
      'issuer',
      'msw',
      'clock',
      'outage',
      'bad-tokens',
      'kms',
      'denylist-store',
    ])
  })

  it('has a development issuer on a fixed port, which prints a token', async () => {
    const [program] = onPage.filter(({ name }) => isProgram(name))
    expect(program?.code).toContain('port: 9000')
    const file = join(folder, 'development-issuer.mjs')
    // On a free port, because another program may use that one; and it ends here.
    await writeFile(file, `${program?.code.replace('port: 9000', 'port: 0')}\nprocess.exit()\n`)
    const { stdout } = await promisify(execFile)(process.execPath, [file])
    expect(takeFinds(), 'printed here alone').toEqual(['stdout of a child process: a signed token'])
    expect(decodeJwt(stdout.trim())).toMatchObject({ aud: 'https://api.example.com', sub: 'ada', scope: 'orders:read' })
  })

  it('has examples that pass', async () => {
    const file = join(folder, 'report.json')
    const args = [vitest, 'run', '--root', folder, '--reporter=json', '--outputFile', file]
    // Its output is only relevant if it fails, and then the report contains it.
    await promisify(execFile)(process.execPath, args, { env: { ...process.env, NO_COLOR: '1' } }).catch(() => undefined)
    const text = await readFile(file, 'utf8')
    const tests = 8 + denylistStoreCases.length
    const report = JSON.parse(text) as { readonly testResults: readonly unknown[] }
    expect(report, text).toMatchObject({ success: true, numPassedTests: tests, numTotalTests: tests })
    expect(report.testResults).toHaveLength(examples.length)
    // It starts another vitest.
  }, 120_000)
})
