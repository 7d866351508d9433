import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { applyEdit, readGuards, readNumberedTests } from '../../scripts/guards/guard-list.mjs'

const root = join(import.meta.dirname, '../..')
const guards = readGuards(root)
const tests = readNumberedTests(root)

// Requirements 41 to 47 come with the features they are about.
const REQUIREMENTS = Array.from({ length: 40 }, (_, index) => String(index + 1))

describe('every requirement of the threat model', () => {
  it.each(REQUIREMENTS)('%s has a test named by its number, and guards to take out', (number) => {
    expect(tests.get(number) ?? []).not.toEqual([])
    expect(guards.filter(({ requirement }) => requirement === number).length).toBeGreaterThan(0)
  })

  it('has guards that are in the source as the list says, so that taking them out takes something out', () => {
    const stale = guards.flatMap(({ requirement, guard, edits }) => {
      const sources = new Map<string, string>()
      try {
        for (const edit of edits) {
          const before = sources.get(edit.file) ?? readFileSync(join(root, 'packages/core/src', edit.file), 'utf8')
          sources.set(edit.file, applyEdit(before, edit))
        }
        return []
      } catch (error) {
        return [`${requirement}, ${guard}: ${(error as Error).message}`]
      }
    })
    expect(stale).toEqual([])
  })

  it('finds a guard whatever its white space, and neither one that is gone nor one that is there twice', () => {
    const edit = { file: 'x.ts', find: 'if (a) throw b(c)', replace: '' }
    expect(applyEdit('x\nif (a)\n  throw b(\n    c,\n  )\ny', edit)).toBe('x\n\ny')
    expect(() => applyEdit('if (!a) throw b(c)', edit)).toThrow('is there 0 times')
    expect(() => applyEdit('if (a) throw b(c)\nif (a) throw b(c)', edit)).toThrow('is there 2 times')
  })
})
