/**
 * The value below which this share of the numbers is, with linear interpolation between neighbours.
 *
 * @param {readonly number[]} numbers at least one
 * @param {number} share from 0 to 1
 * @returns {number}
 */
export function quantile(numbers, share) {
  if (numbers.length === 0) throw new RangeError('a quantile needs at least one number')
  const sorted = numbers.toSorted((a, b) => a - b)
  const place = (sorted.length - 1) * share
  const below = Math.floor(place)
  const above = Math.ceil(place)
  return sorted[below] + (sorted[above] - sorted[below]) * (place - below)
}

/**
 * @param {readonly number[]} numbers at least one
 * @returns {number}
 */
export function median(numbers) {
  return quantile(numbers, 0.5)
}

/**
 * @typedef {object} Spread
 * @property {number} median
 * @property {number} low the lower quartile
 * @property {number} high the upper quartile
 */

/**
 * @param {readonly number[]} numbers at least one
 * @returns {Spread}
 */
export function spread(numbers) {
  return { median: median(numbers), low: quantile(numbers, 0.25), high: quantile(numbers, 0.75) }
}

/**
 * The speed of one contender relative to another: a ratio for every round, so that a slow round cancels out.
 *
 * @param {readonly number[]} dividends one number a round
 * @param {readonly number[]} divisors the same rounds
 * @returns {Spread}
 */
export function ratioSpread(dividends, divisors) {
  if (dividends.length !== divisors.length) throw new RangeError('ratios need the same rounds of both')
  return spread(dividends.map((dividend, round) => dividend / divisors[round]))
}
