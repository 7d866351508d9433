// Installs the dependencies of `npm run demo` and `npm run claimgate`, or of `npm test`. Runs before anything is installed, with any Node version.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

import { PNPM } from './pnpm.mjs'

// The minimum age of releases is checked when the lockfile changes. Checking it again here would cost several hundred slow requests,
// one per package; downloads are verified against the lockfile's hashes anyway.
const everything = ['install', '--frozen-lockfile', '--config.minimumReleaseAge=0']
const demoOnly = [
  ...everything,
  '--prod',
  '--filter',
  '.',
  '--filter',
  '@claimgate-examples/demo...',
  '--filter',
  '@claimgate/cli...',
]

// A full installation already contains the demo's dependencies; a narrower install would remove the rest.
const fullyInstalled = existsSync(new URL('../node_modules/vitest', import.meta.url))
const wanted = process.argv[2] === 'demo' && !fullyInstalled ? demoOnly : everything

const { status, error } = spawnSync('npx', ['--yes', PNPM, ...wanted], { stdio: ['ignore', 'inherit', 'inherit'] })
if (error) throw error
process.exit(status ?? 1)
