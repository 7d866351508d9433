import { defineConfig } from 'vitest/config'

import { sourceAliases } from './scripts/source-aliases.mjs'

const inCi = Boolean(process.env['CI'])

export default defineConfig({
  resolve: {
    alias: sourceAliases(import.meta.dirname),
  },
  test: {
    include: ['test/**/*.test.ts', 'examples/*/src/**/*.test.ts'],
    setupFiles: ['test/support/secrets/setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    maxWorkers: 2,
    reporters: inCi ? ['default', 'json'] : ['default'],
    outputFile: { json: 'reports/vitest.json' },
    coverage: {
      provider: 'v8',
      reporter: ['text-summary', 'html', 'json-summary'],
      reportsDirectory: 'reports/coverage',
      include: ['packages/*/src/**/*.ts'],
    },
  },
})
