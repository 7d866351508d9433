import { median, ratioSpread } from '../measure/statistics.mjs'

/**
 * @typedef {object} Row
 * @property {string} name
 * @property {'limit' | 'ours' | 'peer'} role
 * @property {number} value the median over all rounds, in the comparison's unit
 * @property {import('../measure/statistics.mjs').Spread} ofBase its speed relative to the base; 1 is as fast
 * @property {import('../measure/statistics.mjs').Spread} ofOurs its speed relative to ours
 */

/**
 * @typedef {object} Comparison
 * @property {string} title
 * @property {string} unit
 * @property {string} base the name of the row that ratios are relative to
 * @property {readonly Row[]} rows in the order they were given
 */

/**
 * @param {object} measured
 * @param {string} measured.title
 * @param {string} measured.unit
 * @param {Readonly<Record<string, readonly number[]>>} measured.samples by name and round
 * @param {string} measured.ours
 * @param {string} [measured.limit] the name of the upper limit; if omitted, ours is the base of the ratios
 * @param {readonly string[]} [measured.otherLimits] names of further rows that are not verifiers
 * @param {'more' | 'less'} [measured.better] whether larger or smaller numbers are faster @defaultValue 'less'
 * @returns {Comparison}
 */
export function comparison({ title, unit, samples, ours, limit, otherLimits = [], better = 'less' }) {
  const base = limit ?? ours
  const speed = (name, other) =>
    better === 'less' ? ratioSpread(samples[other], samples[name]) : ratioSpread(samples[name], samples[other])
  const rows = Object.entries(samples).map(([name, numbers]) => ({
    name,
    role: roleOf(name, { limits: [limit, ...otherLimits], ours }),
    value: median(numbers),
    ofBase: speed(name, base),
    ofOurs: speed(name, ours),
  }))
  return { title, unit, base, rows }
}

function roleOf(name, { limits, ours }) {
  if (limits.includes(name)) return 'limit'
  return name === ours ? 'ours' : 'peer'
}
