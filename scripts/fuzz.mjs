// The long fuzz run: two million malformed tokens from a new seed, a proportional number of event sequences for the token cache, a
// thousand issued tokens of each algorithm, and every value on Object.prototype.
// `npm run fuzz -- 5000000 42` sets the count and the seed.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const [count = '2000000', seed = String(Date.now() % 2 ** 31)] = process.argv.slice(2)

const tests = [
  'credential-places',
  'issuer-tokens',
  'malformed-tokens',
  'quick-path',
  'test/core/pipeline/token-cache',
  'test/pollution',
]
const { status } = spawnSync(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...tests], {
  cwd: root,
  env: { ...process.env, FUZZ_COUNT: count, FUZZ_SEED: seed },
  stdio: 'inherit',
})
process.exitCode = status ?? 1
