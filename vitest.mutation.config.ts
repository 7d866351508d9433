import { defineConfig } from 'vitest/config'

import { sourceAliases } from './scripts/source-aliases.mjs'

// Only tests that are fast and about core: each runs once for every mutant it covers.
export default defineConfig({
  resolve: { alias: sourceAliases(import.meta.dirname) },
  test: {
    include: ['test/core/**/*.test.ts'],
    testTimeout: 10_000,
    maxWorkers: 1,
    // A fresh module graph for every file costs five times as much, and these tests share nothing.
    isolate: false,
    pool: 'threads',
  },
})
