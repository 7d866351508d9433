// Prints the final lines of `.ci/run` from the reports of the commands. Runs with any Node version.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { summarize } from './ci/summarize.mjs'

const [testStatus, recipesStatus, checkStatus, siteStatus] = process.argv.slice(2).map(Number)
const { passed, failed, skipped } = summarize({
  test: { status: testStatus, report: readReport('vitest.json') },
  recipes: { status: recipesStatus, report: readReport('recipes.json') },
  check: { status: checkStatus, report: readReport('check.json') },
  site: { status: siteStatus, report: readReport('docs-site.json') },
})

for (const name of skipped) console.log(`skipped: ${name}`)
process.exitCode = failed > 0 ? 1 : 0
console.log(`${passed} passed, ${failed} failed`)

function readReport(name) {
  try {
    return JSON.parse(readFileSync(join(fileURLToPath(import.meta.url), '../../reports', name), 'utf8'))
  } catch {
    return undefined
  }
}
