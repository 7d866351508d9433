#!/usr/bin/env node
import { nodeFlaw } from './node-version.ts'

const flaw = nodeFlaw(process.versions.node)
if (flaw === undefined) {
  // An older Node cannot even load the program.
  const { messageOf, runProgram } = await import('./program.ts')
  // Node's own exit code would be 1, which says that a token is refused.
  process.on('uncaughtException', (error) => {
    process.stderr.write(`claimgate: ${messageOf(error)}\n`)
    process.exit(2)
  })
  process.exitCode = await runProgram(process.argv.slice(2))
} else {
  process.stderr.write(`claimgate: ${flaw}\n`)
  process.exitCode = 2
}
