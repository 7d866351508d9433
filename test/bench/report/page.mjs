import { elsewhere } from './elsewhere.mjs'
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
    ...results.flatMap((result) => section(result)),
    versionsTable(versions),
  ].join('\n\n')}\n`
}

const METHOD = [
  'All contenders of a comparison run in one process (HTTP: with one load generator), with the same tokens. After a warm-up',
  'they take turns in many short slices, in another order every round. Each peer has the options that its own documentation',
  'recommends for checking issuer and audience. Before it is timed, it must return the right claims and refuse bad tokens:',
  'see `test/bench/fixtures/verifiers.mjs` and `test/bench/http/`.',
  '_Speed_ is the ratio to the base in the same round: the median over all rounds, with its quartiles. 1 is as fast as the',
  'base, more is faster. _Of ours_ is the median of the ratio to Claimgate. _Elsewhere_ is the median on another machine with 2 cores',
  'and the same versions, where it differs by more than 10 %.',
].join('\n')

/**
 * The page with some sections measured again, each with its own date and command. The others, and the versions they were measured with, stay.
 *
 * @param {string} text the page as it is
 * @param {readonly import('./section.mjs').SectionResult[]} results
 * @param {Circumstances} circumstances
 * @param {readonly string[]} order the titles of all sections
 * @returns {string}
 */
export function withSections(text, results, { date, command, machine, versions }, order) {
  const [intro, ...parts] = text.trimEnd().split(/\n\n(?=## )/)
  const sections = new Map(parts.map((part) => [/^## (.*)/.exec(part)[1], part]))
  const note = `Measured on ${date} with \`${command}\`, on: ${machine}.`
  for (const result of results)
    if (result.skipped === undefined || !sections.has(result.title))
      sections.set(result.title, section(result, note).join('\n\n'))
  const measured = [...(sections.get(VERSIONS) ?? '').matchAll(/^\| (\S+) +\| (\d\S*) +\|$/gm)]
  const all = { ...versions, ...Object.fromEntries(measured.map(([, name, version]) => [name, version])) }
  return `${[intro, ...order.flatMap((title) => sections.get(title) ?? []), versionsTable(all)].join('\n\n')}\n`
}

const VERSIONS = 'Versions'

function versionsTable(versions) {
  const rows = Object.entries(versions).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return [`## ${VERSIONS}`, table(['package', 'version'], rows)].join('\n\n')
}

function section({ title, about, comparisons, facts, skipped }, ...notes) {
  return [
    `## ${title}`,
    about,
    ...(skipped === undefined ? [] : [skipped]),
    ...notes,
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
      rows.map((row) => [
        row.role === 'ours' ? `**${row.name}**` : row.name,
        formatNumber(row.value),
        `${formatSpread(row.ofBase)}${elsewhere(title, row)}`,
        row.ofOurs.median.toFixed(2),
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
