/**
 * Ratios to the base on another machine (2 cores, the quick pace, on 2026-11-27), by comparison and row. Rows that differ from them by more
 * than 10 % say so on the page.
 */
const ELSEWHERE = {
  'Express 5, 2,000 warm tokens': { claimgate: 0.81 },
  'Express 5, every token verified anew': { 'claimgate, no cache': 0.23, 'signature alone': 0.39 },
  'Fastify 5, 2,000 warm tokens': { claimgate: 0.8 },
  'Fastify 5, every token verified anew': { 'claimgate, no cache': 0.22, 'signature alone': 0.27 },
  'Hono 4 on Node, 2,000 warm tokens': { claimgate: 0.76 },
  'Hono 4 on Node, every token verified anew': { 'claimgate, no cache': 0.23, 'signature alone': 0.27 },
}

const MOST = 1.1

/**
 * @param {string} title of a comparison
 * @param {import('./comparison.mjs').Row} row
 * @returns {string} what to add to its ratio: `, elsewhere 0.81`, or nothing
 */
export function elsewhere(title, { name, ofBase: { median } }) {
  const other = Object.hasOwn(ELSEWHERE, title) ? ELSEWHERE[title][name] : undefined
  if (other === undefined || Math.max(median / other, other / median) <= MOST) return ''
  return `, elsewhere ${other.toFixed(2)}`
}
