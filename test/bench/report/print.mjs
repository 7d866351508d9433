/**
 * @param {import('./comparison.mjs').Comparison} comparison
 */
export function printComparison({ title, unit, rows }) {
  console.log(`\n${title}`)
  for (const { name, value, ofLimit, ofOurs } of rows)
    console.log(
      `  ${name.padEnd(34)} ${number(value).padStart(9)} ${unit}  of limit ${ratio(ofLimit)}  of ours ${ratio(ofOurs)}`,
    )
}

function ratio({ median, low, high }) {
  return `${median.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`
}

function number(value) {
  return value >= 1000 ? Math.round(value).toLocaleString('en') : value.toPrecision(3)
}
