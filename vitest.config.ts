import { defineConfig } from 'vitest/config'

import { sourceAliases } from './scripts/source-aliases.mjs'
import { recordingPlugin } from './test/tooling/support/recording/recording-plugin.ts'

const inCi = Boolean(process.env['CI'])

export default defineConfig({
  plugins: [recordingPlugin(import.meta.dirname)],
  resolve: { alias: sourceAliases(import.meta.dirname) },
  test: {
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['packages/*/src/**/*.test.ts', 'examples/*/src/**/*.test.ts'] },
      },
      { extends: true, test: { name: 'integration', include: ['test/**/*.test.ts'] } },
    ],
    setupFiles: ['test/tooling/support/recording/setup.ts'],
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
      exclude: ['**/*.test.ts'],
    },
  },
})
