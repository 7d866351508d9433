// `node scripts/release.mjs v0.1.0` publishes all packages with that version. Started by the release workflow.
// pnpm publishes, because npm ignores `exports` in `publishConfig`.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { publicPackages } from './pack.mjs'
import { PNPM } from './pnpm.mjs'

const root = join(import.meta.dirname, '..')
const [tag] = process.argv.slice(2)

for (const name of publicPackages(root)) {
  const { version } = JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'))
  if (tag === `v${version}`) continue
  console.error(`packages/${name} has version ${version}: push the tag v${version}, not ${tag}`)
  process.exit(1)
}

const filters = publicPackages(root).flatMap((name) => ['--filter', `./packages/${name}`])
const publish = ['-r', ...filters, 'publish', '--access', 'public', '--provenance', '--no-git-checks']
const { status } = spawnSync('npx', ['--yes', PNPM, ...publish], { cwd: root, stdio: 'inherit' })
process.exitCode = status ?? 1
