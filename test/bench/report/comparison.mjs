import { median, ratioSpread } from '../measure/statistics.mjs'

/**
 * @typedef {object} Row
 * @property {string} name
 * @property {'limit' | 'ours' | 'peer'} role
 * @property {number} value the median over all rounds, in the comparison's unit
 * @property {import('../measure/statistics.mjs').Spread} ofLimit how much of the limit's speed it has; 1 is as fast
 * @property {import('../measure/statistics.mjs').Spread} ofOurs how much of our speed it has
 */

/**
 * @typedef {object} Comparison
 * @property {string} title
 * @property {string} unit
 * @property {readonly Row[]} rows the limit, ours and the peers, as they were given
 */

/**
 * @param {object} measured
 * @param {string} measured.title
 * @param {string} measured.unit
 * @param {Readonly<Record<string, readonly number[]>>} measured.samples by name and round
 * @param {string} measured.limit the name of what no verifier can beat
 * @param {string} measured.ours
 * @param {'more' | 'less'} [measured.better] whether larger numbers are faster @defaultValue 'less'
 * @returns {Comparison}
 */
export function comparison({ title, unit, samples, limit, ours, better = 'less' }) {
  const speed = (name, other) =>
    better === 'less' ? ratioSpread(samples[other], samples[name]) : ratioSpread(samples[name], samples[other])
  const rows = Object.entries(samples).map(([name, numbers]) => ({
    name,
    role: name === limit ? 'limit' : name.startsWith(ours) ? 'ours' : 'peer',
    value: median(numbers),
    ofLimit: speed(name, limit),
    ofOurs: speed(name, ours),
  }))
  return { title, unit, rows }
}
