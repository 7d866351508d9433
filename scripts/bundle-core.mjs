// Joins core's built files into the few that are published: see docs/decisions/0005-published-as-a-bundle.md. `pnpm pack`
// and `pnpm publish` run it by core's `prepack`, under whatever Node the machine has.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { build } from 'esbuild'

// npm knows nothing of the `exports` in `publishConfig`: what it packs would lead to files that are not in it.
if (process.env.npm_lifecycle_event === 'prepack' && process.env.PNPM_SCRIPT_SRC_DIR === undefined)
  throw new Error('Pack with pnpm, and not with npm')

const core = join(import.meta.dirname, '../packages/core')
const bundle = join(core, 'bundle')

const { publishConfig } = JSON.parse(readFileSync(join(core, 'package.json'), 'utf8'))

const { outputFiles } = await build({
  absWorkingDir: core,
  entryPoints: publishedEntries().map((entry) => ({ in: join(core, 'dist', entry), out: entry.replace(/\.js$/, '') })),
  outdir: bundle,
  write: false,
  bundle: true,
  // What two entries share is in a file that both import, so that an AuthError is the same class wherever it comes from.
  splitting: true,
  chunkNames: 'shared/[hash]',
  format: 'esm',
  platform: 'neutral',
  target: 'es2023',
  packages: 'external',
  // The runtime chooses what stands behind `#bytes` and `#default-fetch`, not the bundler.
  external: Object.keys(publishConfig.imports),
  sourcemap: true,
  logLevel: 'warning',
})

writeChanged(outputFiles)

/** Everything in `bundle` that the published manifest leads to. */
function publishedEntries() {
  const paths = pathsIn([publishConfig.exports, publishConfig.imports])
  return [...new Set(paths)].flatMap((path) => /^\.\/bundle\/(.+\.js)$/.exec(path)?.[1] ?? [])
}

function pathsIn(target) {
  return typeof target === 'string' ? [target] : Object.values(target).flatMap(pathsIn)
}

/** Leaves alone what is as it should be: somebody else may be packing the same files. */
function writeChanged(files) {
  const wanted = new Set(files.map(({ path }) => path))
  for (const path of filesIn(bundle)) if (!wanted.has(path)) rmSync(path)
  for (const { path, contents } of files) {
    if (existsSync(path) && readFileSync(path).equals(contents)) continue
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, contents)
  }
}

function filesIn(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
}
