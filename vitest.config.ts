import { join } from 'node:path'

import { defineConfig } from 'vitest/config'

import { sourceAliases } from './scripts/source-aliases.mjs'

const inCi = Boolean(process.env['CI'])
const root = import.meta.dirname
const core = join(root, 'packages/core')
// `npm run guards` runs tests against a copy of core that lacks a guard.
const testedCore = process.env['GUARDED_CORE'] ?? core

export default defineConfig({
  resolve: {
    alias: sourceAliases(root).map(({ find, replacement }) => ({
      find,
      replacement: replacement.replace(core, testedCore),
    })),
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
