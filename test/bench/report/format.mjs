/**
 * Three significant digits below a thousand, whole numbers with separators above.
 *
 * @param {number} value
 * @returns {string}
 */
export function formatNumber(value) {
  if (Math.abs(value) >= 999.5) return Math.round(value).toLocaleString('en')
  return Number.isInteger(value) ? String(value) : Number(value.toPrecision(3)).toString()
}

/**
 * @param {import('../measure/statistics.mjs').Spread} spread
 * @returns {string} `0.82 (0.80 to 0.84)`
 */
export function formatSpread({ median, low, high }) {
  const [middle, least, most] = [median, low, high].map((value) => value.toFixed(2))
  return least === middle && most === middle ? middle : `${middle} (${least} to ${most})`
}
