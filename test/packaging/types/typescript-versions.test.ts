import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const require = createRequire(import.meta.url)
const project = join(import.meta.dirname, '../../support/types/consumer')

/** Every line that a compiler prints about the consumer. */
async function diagnostics(compiler: string, lib: string): Promise<readonly string[]> {
  const tsc = join(dirname(require.resolve(`${compiler}/package.json`)), 'bin/tsc')
  const { stdout } = await promisify(execFile)(process.execPath, [tsc, '-p', project, '--lib', lib]).catch(
    (error: unknown) => error as { readonly stdout: string },
  )
  return stdout.split('\n').filter((line) => line !== '')
}

describe.each([
  ['typescript-5.4', '5.4.'],
  ['typescript-5.9', '5.9.'],
  ['typescript', '7.'],
])('a program that uses every package, compiled by %s', (compiler, version) => {
  it.each([
    ['with only the types of Node', 'es2023'],
    ['also with those of browsers', 'es2023,dom,dom.iterable'],
  ])('has the expected types, %s', { timeout: 240_000 }, async (_, lib) => {
    const manifest = JSON.parse(readFileSync(require.resolve(`${compiler}/package.json`), 'utf8')) as object
    expect(manifest).toHaveProperty('version', expect.stringMatching(`^${version.replaceAll('.', '\\.')}`))
    expect(await diagnostics(compiler, lib)).toEqual([])
  })
})
