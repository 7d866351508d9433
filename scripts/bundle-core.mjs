// Bundles core's built files into the few that are published: see docs/decisions/0005-published-as-a-bundle.md. `pnpm pack` and
// `pnpm publish` run it through core's `prepack`, with the Node of the machine.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { build } from 'esbuild'

// npm ignores the `exports` in `publishConfig`, so its package would point to files that it does not contain.
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
  // Code shared by two entries goes into a file that both import, so that AuthError is the same class in both.
  splitting: true,
  chunkNames: 'shared/[hash]',
  format: 'esm',
  platform: 'neutral',
  target: 'es2023',
  packages: 'external',
  // The runtime resolves `#bytes` and `#default-fetch`, not the bundler.
  external: Object.keys(publishConfig.imports),
  // Lets the application's bundler drop tables that it does not use.
  pure: [
    'Object.freeze',
    'Object.keys',
    'Object.fromEntries',
    'bare',
    'bareThrough',
    'recentMap',
    'recreations',
    'numberIn',
    'oneOf',
    'listOf',
    'optionsOf',
    'objectWith',
  ],
  sourcemap: true,
  logLevel: 'warning',
})

writeChanged(outputFiles)

/** All files in `bundle` that the published manifest refers to. */
function publishedEntries() {
  const paths = pathsIn([publishConfig.exports, publishConfig.imports])
  return [...new Set(paths)].flatMap((path) => /^\.\/bundle\/(.+\.js)$/.exec(path)?.[1] ?? [])
}

function pathsIn(target) {
  return typeof target === 'string' ? [target] : Object.values(target).flatMap(pathsIn)
}

/** Does not rewrite files that are already correct, because another process may be packing them. */
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
