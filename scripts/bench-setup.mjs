// Installs the libraries that `npm run bench` compares with. They have a separate root and lockfile, so that no other install needs them.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

import { PNPM } from './pnpm.mjs'

// setup.mjs explains --config.minimumReleaseAge.
const { status, error } = spawnSync(
  'npx',
  ['--yes', PNPM, 'install', '--frozen-lockfile', '--config.minimumReleaseAge=0'],
  { cwd: join(import.meta.dirname, '../test/bench'), stdio: ['ignore', 'inherit', 'inherit'] },
)
if (error) throw error
process.exit(status ?? 1)
