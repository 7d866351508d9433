/**
 * How long to measure. Durations are milliseconds.
 *
 * @typedef {object} Pace
 * @property {number} rounds
 * @property {number} slice a contender's turn in a round
 * @property {number} warmUp
 * @property {number} httpRounds
 * @property {number} httpSlice
 * @property {number} httpWarmUp
 * @property {import('../processes/build-earlier.mjs').EarlierBuild} [beside] measured too, where a section can do it
 */

/**
 * @typedef {object} Fact
 * @property {string} name
 * @property {number} value
 * @property {string} unit empty for a plain number
 */

/**
 * @typedef {object} SectionResult
 * @property {string} id
 * @property {string} title
 * @property {string} about what the numbers mean
 * @property {boolean} charted whether its comparisons are in the chart
 * @property {readonly import('./comparison.mjs').Comparison[]} comparisons
 * @property {readonly Fact[]} facts single numbers
 * @property {string} [skipped] why nothing was measured
 */

/** @type {Readonly<Record<'full' | 'quick', Pace>>} */
export const PACES = {
  full: { rounds: 60, slice: 40, warmUp: 1000, httpRounds: 60, httpSlice: 300, httpWarmUp: 4000 },
  quick: { rounds: 11, slice: 12, warmUp: 150, httpRounds: 12, httpSlice: 100, httpWarmUp: 1500 },
}
