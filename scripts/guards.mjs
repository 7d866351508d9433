// Removes each guard of test/tools/guards.json from a copy of core, and expects a test of its requirement to fail:
// `npm run guards`, or `npm run guards -- 11 18` for some requirements. Needs an installation, but no build.
import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { applyEdit, readGuards, readNumberedTests } from './guards/guard-list.mjs'

const root = join(import.meta.dirname, '..')
const core = join(root, 'packages/core')
const copies = join(root, 'reports/guards')
const AT_ONCE = 2

const only = process.argv.slice(2)
const tests = readNumberedTests(root)
const guards = readGuards(root).filter(({ requirement }) => only.length === 0 || only.includes(requirement))

rmSync(copies, { recursive: true, force: true })
mkdirSync(copies, { recursive: true })

const numbers = [...new Set(guards.map(({ requirement }) => requirement))]
const untouched = await runWithout({ requirement: numbers.join('|'), edits: [] }, 'untouched')
if (untouched.failed.length > 0 || untouched.passed === 0) {
  console.log(`With every guard in place: ${untouched.passed} passed, failed: ${untouched.failed.join('; ') || 'none'}`)
  process.exit(1)
}

const results = Array.from({ length: guards.length })
let next = 0
await Promise.all(Array.from({ length: AT_ONCE }, worker))
rmSync(copies, { recursive: true, force: true })

const survivors = results.filter(({ killer }) => killer === undefined)
console.log('| requirement | guard removed | killed by |')
console.log('| --- | --- | --- |')
for (const { requirement, guard, killer, others } of results)
  console.log(`| ${requirement} | ${guard} | ${killer ?? '**nothing**'}${others > 0 ? ` and ${others} more` : ''} |`)
console.log(`${results.length} guards of ${numbers.length} requirements removed, ${survivors.length} not noticed`)
process.exitCode = survivors.length > 0 || results.length === 0 ? 1 : 0

async function worker() {
  while (next < guards.length) {
    const index = next++
    const { failed, broken } = await runWithout(guards[index], String(index))
    if (broken !== undefined) console.log(`Without "${guards[index].guard}" nothing runs: ${broken}`)
    results[index] = { ...guards[index], killer: failed[0], others: failed.length - 1 }
    if (process.stdout.isTTY) process.stdout.write(`\r${index + 1} of ${guards.length}\r`)
  }
}

/** Runs the tests of a guard's requirement against a copy of core without the guard. */
async function runWithout({ requirement, edits }, name) {
  const copy = join(copies, name)
  cpSync(join(core, 'src'), join(copy, 'src'), { recursive: true })
  cpSync(join(core, 'package.json'), join(copy, 'package.json'))
  symlinkSync(join(core, 'node_modules'), join(copy, 'node_modules'))
  for (const edit of edits) {
    const path = join(copy, 'src', edit.file)
    writeFileSync(path, applyEdit(readFileSync(path, 'utf8'), edit))
  }
  const files = [...new Set(requirement.split('|').flatMap((number) => tests.get(number) ?? []))]
  if (files.length === 0) throw new Error(`no test is named by requirement ${requirement}`)
  const report = join(copy, 'report.json')
  const output = await run(files, `(?:^| )(?:${requirement})\\. `, copy, report)
  const outcome = readReport(report, output)
  rmSync(copy, { recursive: true, force: true })
  return outcome
}

function readReport(path, output) {
  const { testResults } = JSON.parse(readFileSync(path, 'utf8'))
  // A test file that fails to load must not count as a detected guard. A file skipped after many failures has no message.
  const broken = testResults.find(
    ({ assertionResults, message, status }) => status === 'failed' && assertionResults.length === 0 && message !== '',
  )
  if (broken !== undefined) return { passed: 0, failed: [], broken: `${broken.message}\n${output.slice(-2000)}` }
  const all = testResults.flatMap(({ assertionResults }) => assertionResults)
  return {
    passed: all.filter(({ status }) => status === 'passed').length,
    failed: all.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName.trim().slice(0, 120)),
  }
}

function run(files, pattern, copy, report) {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  const limits = ['--testTimeout=10000', '--maxWorkers=1', '--bail=20']
  const options = [...limits, '--reporter=json', `--outputFile.json=${report}`]
  const child = spawn(process.execPath, [vitest, 'run', ...files, '-t', pattern, ...options], {
    cwd: root,
    env: { ...process.env, GUARDED_CORE: copy },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout.on('data', (text) => (output += text))
  child.stderr.on('data', (text) => (output += text))
  return new Promise((resolve) => child.on('close', () => resolve(output)))
}
