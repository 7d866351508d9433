// Installs what `npm run bench` compares with: a root of its own with a lockfile of its own, so that nothing else pays for it.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

import { PNPM } from './pnpm.mjs'

// For --config.minimumReleaseAge see setup.mjs.
const { status, error } = spawnSync(
  'npx',
  ['--yes', PNPM, 'install', '--frozen-lockfile', '--config.minimumReleaseAge=0'],
  { cwd: join(import.meta.dirname, '../test/bench'), stdio: ['ignore', 'inherit', 'inherit'] },
)
if (error) throw error
process.exit(status ?? 1)
