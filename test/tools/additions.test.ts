import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
const toys = join(root, 'test/support/additions')
const names = readdirSync(toys)
  .map((file) => file.replace(/\.ts$/, ''))
  .filter((name) => name !== 'world')

/** What a toy may import: packages by name, and what all toys share. */
const PUBLIC = /^(?:@claimgate\/(?:core|express|fastify|fetch|testing)(?:\/[a-z]+)?|node:http|\.\/world\.ts)$/

/** A toy of each kind of addition, in a folder outside of the repository, that imports only public entry points. */
describe('docs/architecture.md, "Where additions go"', () => {
  let scratch: string
  let results: Readonly<Record<string, { readonly result: unknown; readonly expected: unknown }>>

  const run = (command: string, ...args: readonly string[]): string => {
    const { status, stdout, stderr } = spawnSync(command, args, { cwd: scratch, encoding: 'utf8' })
    if (status !== 0) throw new Error(`${command} ended with ${status}:\n${stdout}${stderr}`)
    return stdout
  }

  beforeAll(() => {
    scratch = mkdtempSync(join(tmpdir(), 'claimgate-additions-'))
    cpSync(toys, scratch, { recursive: true })
    symlinkSync(join(root, 'test/node_modules'), join(scratch, 'node_modules'))
    writeFileSync(join(scratch, 'package.json'), JSON.stringify({ type: 'module' }))
    const main = `const results = {}
for (const name of ${JSON.stringify(names)}) {
  const { run, expected } = await import('./' + name + '.js')
  results[name] = { result: await run(), expected }
}
console.log(JSON.stringify(results))
`
    writeFileSync(join(scratch, 'main.mjs'), main)
    const compilerOptions = {
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      module: 'nodenext',
      target: 'es2023',
      lib: ['es2023', 'dom'],
      types: ['node'],
      typeRoots: [join(root, 'node_modules/@types')],
      rewriteRelativeImportExtensions: true,
      skipLibCheck: true,
    }
    writeFileSync(join(scratch, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }))
    run(join(root, 'node_modules/.bin/tsc'), '-p', '.')
    results = JSON.parse(run(process.execPath, 'main.mjs')) as typeof results
  })

  afterAll(() => rmSync(scratch, { recursive: true, force: true }))

  it('names a toy of each kind', () => {
    const page = readFileSync(join(root, 'docs/architecture.md'), 'utf8')
    const [, section = ''] = page.split('## Where additions go')
    const named = [...section.matchAll(/additions\/(\w+)\.ts/g)].map(([, name]) => name)
    expect(new Set(named)).toEqual(new Set(names))
  })

  it.each(names)('%s imports only public entry points', (name) => {
    const text = readFileSync(join(toys, `${name}.ts`), 'utf8')
    const imported = [...text.matchAll(/from '([^']+)'/g)].map(([, specifier]) => specifier)
    expect(imported.filter((specifier) => !PUBLIC.test(specifier ?? ''))).toEqual([])
  })

  it.each(names)('%s works', (name) => {
    const { result, expected } = results[name] ?? {}
    expect(result).toEqual(expected)
  })
})
