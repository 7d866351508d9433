import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { chart } from './chart.mjs'
import { describeMachine, versions } from './machine.mjs'
import { page } from './page.mjs'

const DOCS = join(import.meta.dirname, '../../../docs')

/**
 * Writes `docs/benchmarks.md` and its chart.
 *
 * @param {readonly import('./section.mjs').SectionResult[]} results
 * @param {string} command the command line
 */
export function writePage(results, command) {
  const date = new Date().toISOString().slice(0, 10)
  writeFileSync(join(DOCS, 'benchmarks.svg'), chart(results))
  writeFileSync(
    join(DOCS, 'benchmarks.md'),
    page(results, { date, command, machine: describeMachine(), versions: versions() }),
  )
}
