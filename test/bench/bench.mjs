// npm run bench [-- --quick] [--only verify,cached] [--beside COMMIT] [--write]
// A full run writes the page. A quick one omits slow sections unless `--only` names them. `--write` also writes it after a quick one, or replaces the sections of `--only` on it.
// `--beside` also measures the refusals of an earlier commit of this repository.
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { buildEarlier } from './processes/build-earlier.mjs'
import { startProcess } from './processes/start-process.mjs'
import { goalLines } from './report/goals.mjs'
import { assertOwnNode, assertSameJose } from './report/machine.mjs'
import { printSection } from './report/print.mjs'
import { PACES } from './report/section.mjs'
import { writePage } from './report/write-page.mjs'
import { SECTIONS } from './sections.mjs'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean' },
    only: { type: 'string' },
    beside: { type: 'string' },
    write: { type: 'boolean' },
  },
})
const usual = Object.keys(SECTIONS).filter((id) => !values.quick || !SECTIONS[id].slow)
const only = values.only?.split(',') ?? usual
const unknown = only.filter((id) => !Object.hasOwn(SECTIONS, id))
if (unknown.length > 0)
  throw new Error(`There is no section ${unknown.join(', ')}; there are ${Object.keys(SECTIONS).join(', ')}`)
assertOwnNode()
assertSameJose()

const beside = values.beside === undefined ? undefined : buildEarlier(values.beside)
const pace = { ...(values.quick ? PACES.quick : PACES.full), beside }
const results = []
for (const id of only) {
  const { title, about, charted, core } = SECTIONS[id]
  const companion = startProcess(join(import.meta.dirname, 'processes/section-process.mjs'), { core })
  const result = { id, title, about, charted, ...(await companion.ask('run', { section: id, pace })) }
  await companion.stop()
  printSection(result)
  results.push(result)
}

console.log(`\n=== Goals\n${goalLines(results).join('\n')}`)

const everything = values.only === undefined && !values.quick
const titles = Object.values(SECTIONS).map(({ title }) => title)
if (everything || values.write) writePage(results, ['npm run bench', ...rest()].join(' '), titles)

function rest() {
  return process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : []
}
