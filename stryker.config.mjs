// Mutation tests: does a test fail when a guard is changed? `npm run mutation` runs them and checks the score of each folder.

/** @type {import('@stryker-mutator/core').PartialStrykerOptions} */
export default {
  // Stryker rewrites a tsconfig with an API that TypeScript 7 does not have; vitest needs no tsconfig, so it gets none.
  tsconfigFile: 'none',
  testRunner: 'vitest',
  vitest: { configFile: 'vitest.mutation.config.ts', related: false },
  plugins: ['@stryker-mutator/vitest-runner'],
  ignorePatterns: ['dist', 'reports', '.git', 'examples/*/dist', 'packages/*/dist'],
  // A mutant in code that runs once, when a module loads, needs every test: about one in twelve is skipped for that.
  ignoreStatic: true,
  concurrency: 2,
  dryRunTimeoutMinutes: 20,
  incremental: true,
  incrementalFile: 'reports/mutation/incremental.json',
  reporters: ['json', 'progress', 'html'],
  jsonReporter: { fileName: 'reports/mutation/mutation.json' },
  htmlReporter: { fileName: 'reports/mutation/index.html' },
  tempDirName: '.stryker-tmp',
}
