// Installs what `npm run demo` or `npm test` needs. Runs under any Node the machine has, before anything is installed.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

import { PNPM } from './pnpm.mjs'

// How old a release must be is asked when the lockfile changes. To ask again here costs one request for every package in
// it, several hundred, which registries answer slowly; what is downloaded is held to the lockfile's hashes anyway.
const everything = ['install', '--frozen-lockfile', '--config.minimumReleaseAge=0']
const demoOnly = [...everything, '--prod', '--filter', '.', '--filter', '@claimgate-examples/demo...']

// A developer's full installation already holds what the demo needs; a narrower install would prune it.
const fullyInstalled = existsSync(new URL('../node_modules/vitest', import.meta.url))
const wanted = process.argv[2] === 'demo' && !fullyInstalled ? demoOnly : everything

const { status, error } = spawnSync('npx', ['--yes', PNPM, ...wanted], { stdio: ['ignore', 'inherit', 'inherit'] })
if (error) throw error
process.exit(status ?? 1)
