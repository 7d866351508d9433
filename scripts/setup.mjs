// Installs what `npm run demo` or `npm test` needs. Runs under any Node the machine has, before anything is installed.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

import { PNPM } from './pnpm.mjs'

const everything = ['install', '--frozen-lockfile']
const demoOnly = [...everything, '--prod', '--filter', '.', '--filter', '@claimgate-examples/demo...']

// A developer's full installation already holds what the demo needs; a narrower install would prune it.
const fullyInstalled = existsSync(new URL('../node_modules/vitest', import.meta.url))
const wanted = process.argv[2] === 'demo' && !fullyInstalled ? demoOnly : everything

const { status, error } = spawnSync('npx', ['--yes', PNPM, ...wanted], { stdio: ['ignore', 'inherit', 'inherit'] })
if (error) throw error
process.exit(status ?? 1)
