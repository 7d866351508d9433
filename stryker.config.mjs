// Mutation tests: does a test fail when a guard is changed? `npm run mutation` starts Stryker once for each folder, whose name it
// gives in MUTATED_FOLDER, and checks the score.
const reports = `reports/mutation/${process.env['MUTATED_FOLDER']}`

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
  // A busy machine must not look like a mutant that never ends.
  timeoutMS: 30_000,
  incremental: true,
  incrementalFile: `${reports}/incremental.json`,
  reporters: ['json', 'clear-text', 'html'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false, reportScoreTable: false },
  jsonReporter: { fileName: `${reports}/mutation.json` },
  htmlReporter: { fileName: `${reports}/index.html` },
  // No folder name with a dot, because servers of files refuse those.
  tempDirName: 'reports/sandbox',
}
