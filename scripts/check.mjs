// Runs all checks except the tests. Each step returns the problems it found. To add a step, add a line to STEPS.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { checkBundleSize } from './check/bundle-size.mjs'
import { checkDocs } from './check/docs.mjs'
import { checkLayering } from './check/layering.mjs'
import { checkPackaging } from './check/packaging.mjs'
import { checkPublicDocs } from './check/public-docs.mjs'
import { runCommand } from './check/run-command.mjs'

const root = join(import.meta.dirname, '..')

// Types come first and alone, because that step builds the files that lint, packaging and size need.
const STEPS = {
  types: () => runCommand('tsc', ['-b', '.', 'test'], root),
  format: () => runCommand('oxfmt', ['--check'], root),
  lint: () => runCommand('oxlint', [], root),
  layering: async () => checkLayering(root),
  'unused-code': () => runCommand('knip', [], root),
  packaging: () => checkPackaging(root),
  'bundle-size': () => checkBundleSize(root),
  docs: async () => [...checkDocs(root), ...checkPublicDocs(root)],
}

const only = process.argv.slice(2)
const unknown = only.filter((name) => !Object.hasOwn(STEPS, name))
if (unknown.length > 0) {
  console.error(`There is no step ${unknown.join(', ')}; the steps are ${Object.keys(STEPS).join(', ')}`)
  process.exit(1)
}
const chosen = Object.entries(STEPS).filter(([name]) => only.length === 0 || only.includes(name))

let failed = 0
await report(chosen.filter(([name]) => name === 'types'))
await report(chosen.filter(([name]) => name !== 'types'))

const passed = chosen.length - failed
mkdirSync(join(root, 'reports'), { recursive: true })
writeFileSync(join(root, 'reports/check.json'), JSON.stringify({ passed, failed }))
console.log(`${passed} checks passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0

/** Runs steps at the same time, and prints their results in order. */
async function report(steps) {
  const results = steps.map(async ([name, run]) => {
    const started = performance.now()
    const problems = await run().catch((error) => [error.stack])
    return { name, problems, seconds: ((performance.now() - started) / 1000).toFixed(1) }
  })
  for await (const { name, problems, seconds } of results) {
    if (problems.length > 0) failed += 1
    console.log(`${problems.length > 0 ? 'failed' : 'ok    '} ${name} (${seconds} s)`)
    for (const problem of problems) console.log(`       ${problem}`)
  }
}
