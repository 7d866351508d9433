import { formatNumber, formatSpread } from './format.mjs'

/**
 * @typedef {object} Circumstances
 * @property {string} date
 * @property {string} command
 * @property {string} machine
 * @property {Readonly<Record<string, string>>} versions by package
 */

/**
 * The page of results, in Markdown, completely generated.
 *
 * @param {readonly import('./section.mjs').SectionResult[]} results
 * @param {Circumstances} circumstances
 * @returns {string}
 */
export function page(results, { date, command, machine, versions }) {
  return `${[
    '# Benchmarks',
    `Measured on ${date} with \`${command}\`, which writes this page, on: ${machine}.`,
    '![Speed in relation to the base of each comparison](benchmarks.svg)',
    METHOD,
    ...results.flatMap(section),
    '## Versions',
    table(
      ['package', 'version'],
      Object.entries(versions).map(([name, version]) => [name, version]),
    ),
  ].join('\n\n')}\n`
}

const METHOD = [
  'All contenders of a comparison run in one process (HTTP: with one load generator), with the same tokens. After a warm-up',
  'they take turns in many short slices, in another order every round. Each peer has the options that its own documentation',
  'recommends for checking issuer and audience. Before it is timed, it must return the right claims and refuse bad tokens:',
  'see `test/bench/fixtures/verifiers.mjs` and `test/bench/http/`.',
  '_Speed_ is the ratio to the base in the same round: the median over all rounds, with its quartiles. 1 is as fast as the',
  'base, more is faster. _Of ours_ is the median of the ratio to Claimgate.',
].join('\n')

function section({ title, about, comparisons, facts }) {
  return [
    `## ${title}`,
    about,
    ...comparisons.flatMap(comparisonTable),
    ...(facts.length === 0
      ? []
      : [
          table(
            ['what', 'value'],
            facts.map(({ name, value, unit }) => [name, `${formatNumber(value)} ${unit}`.trim()]),
          ),
        ]),
  ]
}

function comparisonTable({ title, unit, base, rows }) {
  return [
    `### ${title}`,
    table(
      ['', unit, `speed, ${base} = 1`, 'of ours'],
      rows.map(({ name, role, value, ofBase, ofOurs }) => [
        role === 'ours' ? `**${name}**` : name,
        formatNumber(value),
        formatSpread(ofBase),
        ofOurs.median.toFixed(2),
      ]),
    ),
  ]
}

/** A Markdown table in the format of this repository's formatter. */
function table(head, rows) {
  const cells = [head, ...rows]
  const widths = head.map((_, column) => Math.max(3, ...cells.map((row) => row[column].length)))
  const line = (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rows.map(line)].join('\n')
}
