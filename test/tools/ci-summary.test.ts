import { describe, expect, it } from 'vitest'

import { summarize } from '../../scripts/ci/summarize.mjs'

const passing = {
  test: { status: 0, report: { numPassedTests: 7, numFailedTests: 0, testResults: [] as unknown[] } },
  recipes: { status: 0, report: { numPassedTests: 3, numFailedTests: 0, testResults: [] as unknown[] } },
  check: { status: 0, report: { passed: 8, failed: 0 } },
  site: { status: 0, report: { passed: 4, failed: 0 } },
}

describe('the closing line of the CI run', () => {
  it('adds tests, tests of recipes, check steps and the steps of the documentation site', () => {
    expect(summarize(passing)).toEqual({ passed: 22, failed: 0, skipped: [] })
  })

  it('counts failing tests and failing steps', () => {
    const test = { status: 1, report: { numPassedTests: 5, numFailedTests: 2, testResults: [] } }
    const check = { status: 1, report: { passed: 5, failed: 3 } }
    const site = { status: 1, report: { passed: 2, failed: 2 } }
    expect(summarize({ ...passing, test, check, site })).toMatchObject({ passed: 15, failed: 7 })
  })

  it('counts a test file that did not load', () => {
    const testResults = [{ status: 'failed', assertionResults: [] }]
    const test = { status: 1, report: { numPassedTests: 5, numFailedTests: 0, testResults } }
    expect(summarize({ ...passing, test })).toMatchObject({ passed: 20, failed: 1 })
  })

  it.each([
    ['the test command fails without a failed test', { ...passing, test: { ...passing.test, status: 1 } }],
    ['the tests did not run', { ...passing, test: { status: 1, report: undefined } }],
    ['the tests wrote no report', { ...passing, test: { status: 0, report: undefined } }],
    ['the recipes did not run', { ...passing, recipes: { status: 1, report: undefined } }],
    ['the checks did not run', { ...passing, check: { status: 2, report: undefined } }],
    ['the site was not built', { ...passing, site: { status: 1, report: undefined } }],
  ])('is a failure if %s', (_, commands) => {
    expect(summarize(commands).failed).toBe(1)
  })

  it('names every skipped test', () => {
    const testResults = [{ status: 'passed', assertionResults: [{ status: 'skipped', fullName: 'bun verifies' }] }]
    const test = { status: 0, report: { ...passing.test.report, testResults } }
    expect(summarize({ ...passing, test }).skipped).toEqual(['bun verifies'])
  })
})
