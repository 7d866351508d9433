import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { chart } from './chart.mjs'
import { describeMachine, versions } from './machine.mjs'
import { page, withSections } from './page.mjs'

const DOCS = join(import.meta.dirname, '../../../docs')

/**
 * Writes `docs/benchmarks.md` and its chart. The results of some sections alone replace only these sections of the page; the chart stays.
 *
 * @param {readonly import('./section.mjs').SectionResult[]} results
 * @param {string} command the command line
 * @param {readonly string[]} order the titles of all sections
 */
export function writePage(results, command, order) {
  const date = new Date().toISOString().slice(0, 10)
  const circumstances = { date, command, machine: describeMachine(), versions: versions() }
  const file = join(DOCS, 'benchmarks.md')
  if (results.length < order.length)
    return writeFileSync(file, withSections(readFileSync(file, 'utf8'), results, circumstances, order))
  writeFileSync(join(DOCS, 'benchmarks.svg'), chart(results))
  return writeFileSync(file, page(results, circumstances))
}
