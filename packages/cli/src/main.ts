#!/usr/bin/env node
import { nodeFlaw } from './node-version.ts'

const flaw = nodeFlaw(process.versions.node)
if (flaw === undefined) {
  // An older Node cannot even load the program.
  const { runProgram } = await import('./program.ts')
  process.exitCode = await runProgram(process.argv.slice(2))
} else {
  process.stderr.write(`claimgate: ${flaw}\n`)
  process.exitCode = 2
}
