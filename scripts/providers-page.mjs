// Writes the profiles of docs/providers.md, from the data of the profiles and the TSDoc of their settings. `npm run docs:pages` runs it after a build.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const PAGE = 'docs/providers.md'
const SOURCES = 'packages/core/src/providers'
const START = '\n## Profiles\n'

/**
 * The page with its profiles written anew.
 *
 * @param {string} page
 * @param {string} source the text of all files with profiles
 * @param {readonly { data: object }[]} profiles
 * @returns {string}
 * @throws Error for a setting without TSDoc, and for TSDoc that names another default than the setting
 */
export function providersPage(page, source, profiles) {
  const [before, after] = page.split(START)
  if (after === undefined) throw new Error(`${PAGE} has no heading "Profiles"`)
  const links = profiles.map(({ data }) => `[${data.title}](#${anchorOf(data.title)})`).join(' · ')
  return `${before}${START}\n${links}\n\n${profiles.map(({ data }) => sectionOf(data, source)).join('\n')}`
}

const anchorOf = (title) =>
  title
    .toLowerCase()
    .replaceAll(/[^a-z\d ]/g, '')
    .replaceAll(' ', '-')

/** The name of the function: `entraB2c` for `entra-b2c`. */
export function functionOf(name) {
  return name.replaceAll(/-(\w)/g, (_, letter) => letter.toUpperCase())
}

function sectionOf({ name, title, words, arrives, traps }, source) {
  const call = functionOf(name)
  const [, type] = new RegExp(`export const ${call}: Profile<(\\w+)>`).exec(source) ?? []
  const rows = wordsOf(source, type).map(({ word, text, fallback }) => {
    const row = words[word]
    if (row === undefined) throw new Error(`The profile ${name} has no setting "${word}"`)
    assertDefault(name, word, row.default, fallback)
    return [
      `\`${word}\``,
      text,
      row.required ? 'required' : (fallback ?? 'none').replaceAll(/'([^']+)'/g, '`$1`'),
      variableOf(word, row),
    ]
  })
  const missing = Object.keys(words).filter((word) => !rows.some(([cell]) => cell === `\`${word}\``))
  if (missing.length > 0) throw new Error(`The settings of ${name} lack TSDoc: ${missing.join(', ')}`)
  return [
    `### ${title}\n`,
    `<!-- run: provider-${name} -->\n`,
    '```ts',
    callOf(call, words),
    '```\n',
    table([['setting', 'what to copy', 'default', 'variable'], ...rows]),
    `\`JWT_PROVIDER=${name}\`. What arrives: ${arrives}.\n`,
    ...traps.map((trap) => `- ${trap}`),
    '',
  ].join('\n')
}

function wordsOf(source, type) {
  const [body] = new RegExp(`^export interface ${type} \\{[^]*?^}`, 'm').exec(source) ?? []
  if (body === undefined) throw new Error(`There is no interface ${type}`)
  return [...body.matchAll(/^ {2}\/\*\*((?:(?!\*\/)[^])*)\*\/\n {2}readonly (\w+)\??: /gm)].map(([, doc, word]) => {
    const [text, fallback] = doc
      .replaceAll(/\s*\n\s*\*\s*/g, ' ')
      .trim()
      .split(/\s*@defaultValue /)
    return { word, text: text.trim(), fallback }
  })
}

function assertDefault(name, word, value, told) {
  if (value === undefined) return
  const literal = typeof value === 'string' ? `'${value}'` : String(value)
  if (told !== literal)
    throw new Error(`The TSDoc of ${word} of ${name} says ${told} is its default, and its row ${literal}`)
}

function variableOf(word, { variable, default: value }) {
  if (variable === undefined && typeof value !== 'number') return ''
  return `\`JWT_${word.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}\``
}

function callOf(call, words) {
  const members = Object.entries(words).flatMap(([word, { example }]) =>
    example === undefined ? [] : [`${word}: ${literalOf(example)}`],
  )
  const line = `${call}({ ${members.join(', ')} })`
  return line.length <= 120 ? line : `${call}({\n${members.map((member) => `  ${member},\n`).join('')}})`
}

function literalOf(value) {
  return Array.isArray(value) ? `[${value.map(literalOf).join(', ')}]` : `'${value}'`
}

function table(rows) {
  const cells = rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|')))
  const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column].length), 3))
  const line = (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |\n`
  const [head, ...others] = cells
  return [head, widths.map((width) => '-'.repeat(width)), ...others].map(line).join('')
}

/** The text of all files with profiles. */
export function profileSources(root) {
  const folder = join(root, SOURCES)
  return readdirSync(folder)
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('\n')
}

if (import.meta.filename === process.argv[1]) {
  const root = join(import.meta.dirname, '..')
  const { profiles } = await import(join(root, 'packages/core/dist/providers/index.js'))
  const page = join(root, PAGE)
  writeFileSync(page, providersPage(readFileSync(page, 'utf8'), profileSources(root), profiles))
}
