import { defineConfig } from 'vitest/config'

import { keptWorker } from './scripts/mutation/kept-worker.mjs'
import { testsOf } from './scripts/mutation/scores.mjs'
import { sourceAliases } from './scripts/source-aliases.mjs'

// Tests that start other processes, or that take long: each test would run once for every mutant it covers.
const SLOW = [
  'bad-tokens',
  'credential-places',
  'decryption-failures',
  'fetching-keys-27-28',
  'fetching-keys-30',
  'fetching-keys-31',
  'malformed-tokens',
  'many-tenants',
  'memory',
  'messages',
  'outage',
  'quick-path',
  'replaced-promise',
  'schedules',
  'thrown-values',
  'token-cache',
]

export default defineConfig({
  plugins: [keptWorker()],
  resolve: { alias: sourceAliases(import.meta.dirname) },
  test: {
    include: testsOf(process.env['MUTATED_FOLDER'] ?? ''),
    exclude: [`**/{${SLOW.join(',')}}.test.ts`],
    setupFiles: ['scripts/mutation/setup.mjs'],
    // A mutant that keeps a test waiting must not keep you waiting.
    testTimeout: 10_000,
    hookTimeout: 10_000,
    maxWorkers: 1,
    // A fresh module graph for every file costs five times as much, and these tests share nothing.
    isolate: false,
    pool: 'threads',
  },
})
