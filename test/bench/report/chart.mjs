const WIDTH = 860
const LABELS = 250
const VALUES = 60
const BAR = 14
const ROW = 20
const HEADING = 36
const BARS = WIDTH - LABELS - VALUES

/** Colours that are readable on white and on near black, used if the reader has no preference; text uses the reader's colour scheme. */
const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #768390 }
  .title { font-weight: 600; font-size: 13px }
  .limit { fill: #8b949e } .ours { fill: #2f81f7 } .peer { fill: #c69026 }
  .base { stroke: #8b949e; stroke-dasharray: 3 3 }
  @media (prefers-color-scheme: light) { text { fill: #24292f } }
  @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } }
`

/**
 * A bar for every row of every comparison of the charted sections: its speed relative to the base.
 *
 * @param {readonly import('./section.mjs').SectionResult[]} results
 * @returns {string} SVG
 */
export function chart(results) {
  const comparisons = results.filter(({ charted }) => charted).flatMap((result) => result.comparisons)
  const parts = []
  let top = 8
  for (const comparison of comparisons) {
    parts.push(group(comparison, top))
    top += HEADING + comparison.rows.length * ROW
  }
  const height = top + 8
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    '<title>Speed in relation to the base of each comparison; longer is faster</title>',
    `<style>${STYLE}</style>`,
    ...parts,
    '</svg>',
  ].join('\n')}\n`
}

function group({ title, base, rows }, top) {
  const most = Math.max(1, ...rows.map(({ ofBase }) => ofBase.median))
  const lengthOf = (ratio) => Math.round((BARS * ratio * 10) / most) / 10
  const one = LABELS + lengthOf(1)
  const first = top + HEADING - 6
  return [
    `<text class="title" x="8" y="${top + 18}">${escaped(`${title} (${base} = 1)`)}</text>`,
    ...rows.map((row, index) => bar(row, first + index * ROW, lengthOf)),
    `<line class="base" x1="${one}" x2="${one}" y1="${first}" y2="${first + rows.length * ROW - (ROW - BAR)}"/>`,
  ].join('\n')
}

function bar({ name, role, ofBase }, y, lengthOf) {
  const text = y + BAR - 3
  const length = lengthOf(ofBase.median)
  return [
    `<text x="${LABELS - 8}" y="${text}" text-anchor="end">${escaped(name)}</text>`,
    `<rect class="${role}" x="${LABELS}" y="${y}" width="${length}" height="${BAR}" rx="2"/>`,
    `<text x="${LABELS + length + 6}" y="${text}">${ofBase.median.toFixed(2)}</text>`,
  ].join('')
}

function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
