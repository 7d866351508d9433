// Installs a folder that has a separate root and lockfile, because only one command needs its packages: `install-apart.mjs test/bench`.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

import { PNPM } from './pnpm.mjs'

const [, , folder] = process.argv
// setup.mjs explains --config.minimumReleaseAge.
const { status, error } = spawnSync(
  'npx',
  ['--yes', PNPM, 'install', '--frozen-lockfile', '--config.minimumReleaseAge=0'],
  { cwd: join(import.meta.dirname, '..', folder), stdio: ['ignore', 'inherit', 'inherit'] },
)
if (error) throw error
process.exit(status ?? 1)
