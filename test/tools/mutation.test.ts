import { existsSync, globSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { FOLDERS, scoreOf, sourcesOf, testsOf } from '../../scripts/mutation/scores.mjs'

const root = join(import.meta.dirname, '../..')
const mutants = (...statuses: readonly string[]) => ({ mutants: statuses.map((status) => ({ status })) })

describe('mutation tests', () => {
  it.each(FOLDERS)('cover %s, which exists', (folder) => {
    expect(existsSync(join(root, sourcesOf(folder)))).toBe(true)
    for (const tests of testsOf(folder)) expect(globSync(tests, { cwd: root }), tests).not.toEqual([])
  })

  it('count each folder alone, and a mutant without a test as not noticed', () => {
    const report = {
      files: {
        'packages/core/src/jws/parse.ts': mutants('Killed', 'Timeout', 'Survived'),
        'packages/core/src/jws/signature.ts': mutants('Killed', 'NoCoverage', 'Ignored', 'CompileError'),
        'packages/core/src/jwe/parse.ts': mutants('Survived'),
        'packages/express/src/middleware.ts': mutants('Killed'),
      },
    }
    expect(['core/jws', 'core/jwe', 'express', 'fastify'].map((folder) => scoreOf(report, folder))).toEqual([
      { folder: 'core/jws', killed: 3, survived: 2, score: 60 },
      { folder: 'core/jwe', killed: 0, survived: 1, score: 0 },
      { folder: 'express', killed: 1, survived: 0, score: 100 },
      { folder: 'fastify', killed: 0, survived: 0, score: 0 },
    ])
  })
})
