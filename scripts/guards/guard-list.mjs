// The guards of each requirement, and the location of its tests. Used by `npm run guards` and by the test that runs in CI.
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const LISTS = ['test/tools/guards.json', 'test/tools/guards-of-fetching.json']
const TESTS = 'test/**/*.test.ts'

/**
 * @typedef {{ file: string, find: string, replace: string }} Edit
 * @typedef {{ requirement: string, guard: string, edits: Edit[] }} Guard
 */

/**
 * Every guard from all existing lists. A list maps a requirement's number to its guards.
 *
 * @param {string} root
 * @returns {Guard[]}
 */
export function readGuards(root) {
  return LISTS.flatMap((list) => [...globSync(list, { cwd: root })]).flatMap((list) => {
    const byNumber = JSON.parse(readFileSync(join(root, list), 'utf8'))
    return Object.entries(byNumber).flatMap(([requirement, guards]) =>
      guards.map(({ guard, edits, ...edit }) => ({ requirement, guard, edits: edits ?? [edit] })),
    )
  })
}

/**
 * The test files of each requirement's number: those with `describe('11. …', …)` or `it('11. …', …)`.
 *
 * @param {string} root
 * @returns {Map<string, string[]>}
 */
export function readNumberedTests(root) {
  const files = new Map()
  for (const file of globSync(TESTS, { cwd: root }).toSorted()) {
    const text = readFileSync(join(root, file), 'utf8')
    const numbers = new Set([...text.matchAll(/^\s*(?:describe|it)\b.*?['"`](\d+)\. /gm)].map(([, number]) => number))
    for (const number of numbers) files.set(number, [...(files.get(number) ?? []), file])
  }
  return files
}

/**
 * Removes a guard from a source text. It ignores white space and trailing commas, so that formatting breaks no entry.
 *
 * @param {string} source
 * @param {Edit} edit
 * @throws {Error} unless the text to find occurs exactly once
 */
export function applyEdit(source, { file, find, replace }) {
  const tokens = find.match(/\w+|[^\s\w]/g) ?? []
  const pattern = tokens.map((token) => (/[)\]}]/.test(token) ? `,?\\s*${RegExp.escape(token)}` : RegExp.escape(token)))
  const found = [...source.matchAll(new RegExp(pattern.join('\\s*'), 'g'))]
  const [first] = found
  if (first === undefined || found.length > 1)
    throw new Error(`${file}: the guard must be there once, and is there ${found.length} times: ${find}`)
  return source.slice(0, first.index) + replace + source.slice(first.index + first[0].length)
}
