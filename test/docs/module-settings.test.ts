import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { pageAt } from '../support/docs/pages.ts'

const require = createRequire(import.meta.url)

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(import.meta.dirname, '.run-'))
})
afterAll(async () => rm(folder, { recursive: true, force: true }))

/** Codes of the errors in a file that imports core. The file is a module, unless its name makes it CommonJS. */
async function errorsOf(compiler: string, settings: object, file: string): Promise<readonly string[]> {
  await writeFile(
    join(folder, file),
    `import { scope } from '@claimgate/core'\nexport const read = scope('orders:read')\n`,
  )
  const compilerOptions = { target: 'es2022', strict: true, skipLibCheck: true, noEmit: true, types: [], ...settings }
  const project = join(folder, 'tsconfig.json')
  await writeFile(project, JSON.stringify({ compilerOptions, files: [file] }))
  const tsc = join(dirname(require.resolve(`${compiler}/package.json`)), 'bin/tsc')
  const { stdout } = await promisify(execFile)(process.execPath, [tsc, '-p', project]).catch(
    (error: unknown) => error as { readonly stdout: string },
  )
  return [...stdout.matchAll(/error (TS\d+)/g)].map(([, code = '']) => code)
}

it.each<[compiler: string, module: string, resolution: string | undefined, file: string, codes: readonly string[]]>([
  ['typescript-5.9', 'nodenext', undefined, 'app.cts', []],
  ['typescript-5.9', 'esnext', 'bundler', 'app.ts', []],
  ['typescript-5.9', 'commonjs', undefined, 'app.ts', ['TS2307']],
  ['typescript-5.9', 'esnext', undefined, 'app.ts', ['TS2792']],
  ['typescript', 'nodenext', undefined, 'app.ts', []],
  ['typescript', 'preserve', 'bundler', 'app.ts', []],
  ['typescript', 'node20', undefined, 'app.cts', []],
  ['typescript', 'node16', undefined, 'app.ts', []],
  ['typescript', 'node16', undefined, 'app.cts', ['TS1479']],
  ['typescript', 'node18', undefined, 'app.cts', ['TS1479']],
  ['typescript', 'commonjs', undefined, 'app.ts', []],
  ['typescript', 'esnext', undefined, 'app.ts', []],
])('%s with module %s and moduleResolution %s compiles %s as docs/getting-started.md says', async (...row) => {
  const [compiler, module, moduleResolution, file, codes] = row
  const settings = { module, ...(moduleResolution !== undefined && { moduleResolution }) }
  expect(await errorsOf(compiler, settings, file)).toEqual(codes)
  for (const code of codes) expect(pageAt('docs/getting-started.md')).toContain(`\`${code}: `)
})
