import { formatNumber, formatSpread } from './format.mjs'

/**
 * @param {import('./section.mjs').SectionResult} result
 */
export function printSection({ title, comparisons, facts, skipped }) {
  console.log(`\n=== ${title}`)
  if (skipped !== undefined) console.log(skipped)
  for (const comparison of comparisons) printComparison(comparison)
  if (facts.length > 0) console.log('')
  for (const { name, value, unit } of facts) console.log(`  ${name}: ${formatNumber(value)} ${unit}`.trimEnd())
}

function printComparison({ title, unit, base, rows }) {
  console.log(`\n${title} (ratios to ${base})`)
  for (const { name, value, ofBase, ofOurs } of rows)
    console.log(
      `  ${name.padEnd(32)} ${formatNumber(value).padStart(9)} ${unit}  ${formatSpread(ofBase)}  ours: ${ofOurs.median.toFixed(2)}`,
    )
}
