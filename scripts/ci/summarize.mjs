/**
 * Counts tests, tests of recipes, check steps and the steps that build the documentation site. A command that failed without a failure in its report (it did not start, or a test file did not load)
 * counts as one failure, so that the summary never looks better than the exit codes.
 *
 * @param {{ test: Command, recipes: Command, check: Command, site: Command }} commands
 * @typedef {{ status: number, report: any }} Command
 * @returns {{ passed: number, failed: number, skipped: string[] }}
 */
export function summarize({ test, recipes, check, site }) {
  const sums = [countTests(test), countTests(recipes), countSteps(check), countSteps(site)]
  return {
    passed: sums.reduce((sum, { passed }) => sum + passed, 0),
    failed: sums.reduce((sum, { failed }) => sum + failed, 0),
    skipped: [...skippedTests(test.report), ...skippedTests(recipes.report)],
  }
}

function countTests({ status, report }) {
  const files = report?.testResults ?? []
  const unloaded = files.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length
  const failed = (report?.numFailedTests ?? 0) + unloaded
  return { passed: report?.numPassedTests ?? 0, failed: atLeastOneOf(failed, status, report) }
}

function countSteps({ status, report }) {
  return { passed: report?.passed ?? 0, failed: atLeastOneOf(report?.failed ?? 0, status, report) }
}

function atLeastOneOf(failed, status, report) {
  return status === 0 && report !== undefined ? failed : Math.max(failed, 1)
}

function skippedTests(report) {
  return (report?.testResults ?? [])
    .flatMap((file) => file.assertionResults)
    .filter((test) => test.status === 'pending' || test.status === 'skipped' || test.status === 'todo')
    .map((test) => test.fullName)
}
