import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')

/** The test files of each requirement's number: those with `describe('11. …', …)` or `it('11. …', …)`. */
const files = new Map<string, string[]>()
for (const file of globSync('test/**/*.test.ts', { cwd: root, exclude: ['**/node_modules/**'] }).toSorted()) {
  const text = readFileSync(join(root, file), 'utf8')
  for (const [, number = ''] of text.matchAll(/^\s*(?:describe|it)\b.*?['"`](\d+)\. /gm))
    files.set(number, [...(files.get(number) ?? []), file])
}

/** The numbers of the requirements in the threat model. */
const numbers = [
  ...readFileSync(join(root, 'docs/threat-model.md'), 'utf8').matchAll(/^(?:\| )?(\d+)(?:\.| \|) /gm),
].map(([, number = '']) => number)

describe('every requirement of the threat model', () => {
  it('is on the page once', () => {
    expect(numbers.length).toBeGreaterThanOrEqual(41)
    expect(numbers.toSorted((a, b) => Number(a) - Number(b))).toEqual(
      [...new Set(numbers)].toSorted((a, b) => Number(a) - Number(b)),
    )
  })

  it.each(numbers)('%s has a test named by its number', (number) => {
    expect(files.get(number) ?? []).not.toEqual([])
  })
})
