// npm run bench [-- --quick] [--only verify,cached] [--write]
import { parseArgs } from 'node:util'

import { printComparison } from './report/print.mjs'
import { verifySection } from './sections/verify.mjs'

/**
 * @typedef {object} Pace
 * @property {number} rounds
 * @property {number} slice milliseconds of a contender's turn
 * @property {number} warmUp milliseconds
 */

const PACES = { full: { rounds: 60, slice: 40, warmUp: 600 }, quick: { rounds: 15, slice: 15, warmUp: 120 } }
const SECTIONS = { verify: verifySection }

const { values } = parseArgs({
  options: { quick: { type: 'boolean' }, only: { type: 'string' }, write: { type: 'boolean' } },
})
const only = values.only?.split(',') ?? Object.keys(SECTIONS)
const pace = values.quick ? PACES.quick : PACES.full
for (const name of only) {
  const results = await SECTIONS[name](pace)
  for (const result of results) printComparison(result)
}
