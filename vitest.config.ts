import { defineConfig } from 'vitest/config'

import { SlowFilesFirst } from './scripts/slow-files-first.mjs'
import { sourceAliases } from './scripts/source-aliases.mjs'

// These measure memory, load modules in their own way, or replace globals.
const SEPARATE = [
  'test/core/{calls/call-guard,http/memory,pipeline/memory}.test.ts',
  'test/core/platform/*.test.ts',
  'test/testing/mock-agent.test.ts',
  'test/issuer/parameter-store/secrets.test.ts',
]
// These share nothing, and a fresh module graph for each file takes longer than most of the tests.
const SHARED = ['core', 'issuer', 'testing']

const inCi = Boolean(process.env['CI'])

export default defineConfig({
  resolve: {
    alias: sourceAliases(import.meta.dirname),
  },
  test: {
    projects: [
      {
        extends: true,
        test: { name: 'shared', include: [`test/{${SHARED.join()}}/**/*.test.ts`], exclude: SEPARATE, isolate: false },
      },
      {
        extends: true,
        test: {
          name: 'others',
          include: [`test/!(${SHARED.join('|')}|recipes)/**/*.test.ts`, ...SEPARATE, 'examples/*/src/**/*.test.ts'],
        },
      },
      {
        extends: true,
        // `npm run test:recipes` installs what these need. Node itself loads the code of a recipe and the built packages, as for a user.
        test: {
          name: 'recipes',
          include: ['test/recipes/*.test.ts'],
          server: { deps: { external: [/\/test\/recipes\/\.run-/] } },
        },
      },
    ],
    setupFiles: ['test/support/secrets/setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    maxWorkers: 2,
    sequence: { sequencer: SlowFilesFirst },
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
