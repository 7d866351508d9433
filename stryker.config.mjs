// Mutation tests: does a test fail when a guard is changed? Run by `npm run mutation`, not by CI.
const GUARDED = [
  'keys',
  'jws',
  'pipeline',
  'claims',
  'http',
  'errors',
  'authorization',
  'confirmation',
  'authenticator',
]

/** @type {import('@stryker-mutator/core').PartialStrykerOptions} */
export default {
  mutate: [`packages/core/src/{${GUARDED.join(',')}}/**/*.ts`, '!**/*.d.ts'],
  // Stryker rewrites a tsconfig with an API that TypeScript 7 does not have; vitest needs no tsconfig, so it gets none.
  tsconfigFile: 'none',
  testRunner: 'vitest',
  vitest: { configFile: 'vitest.mutation.config.ts', related: false },
  plugins: ['@stryker-mutator/vitest-runner'],
  ignorePatterns: ['dist', 'reports', '.git', 'examples/*/dist', 'packages/*/dist'],
  // A mutant in what is evaluated once, when a module loads, needs every test to run: about one in twelve is left out for that.
  ignoreStatic: true,
  concurrency: 2,
  thresholds: { high: 95, low: 90, break: 85 },
  incremental: true,
  incrementalFile: 'reports/mutation/incremental.json',
  reporters: ['clear-text', 'progress', 'html'],
  htmlReporter: { fileName: 'reports/mutation/index.html' },
  clearTextReporter: { logTests: false, reportTests: false },
  tempDirName: '.stryker-tmp',
}
