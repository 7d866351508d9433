import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

import { COMMANDS } from '../../packages/cli/src/program.ts'
import { inJson } from '../support/cli/run-cli.ts'

const page = readFileSync(join(import.meta.dirname, '../../packages/cli/README.md'), 'utf8')
const sections = new Map(page.split('\n## ').map((text) => [text.slice(0, text.indexOf('\n')), text] as const))

describe.each(COMMANDS.map((module) => [module.name, module] as const))('the README, about %s', (name, module) => {
  const section = sections.get(name) ?? ''

  it('lists exactly the options that the command has', () => {
    const flags: string[] = []
    // Everything that a command declares its options with.
    const declared = {
      argument: () => declared,
      option: (flag: string) => {
        flags.push(flag)
        return declared
      },
    }
    module.declare(declared as unknown as Parameters<typeof module.declare>[0])
    const rows = [...section.matchAll(/^\| `(--[^`]+)`/gm)].map(([, flag]) => flag)
    expect(rows.toSorted()).toEqual(flags.toSorted())
  })
})

it.each([
  ['explain', ['explain']],
  ['doctor', ['doctor', 'http://127.0.0.1:9/']],
  ['keys', ['keys', 'http://127.0.0.1:9/']],
])('the README names every member of the JSON of %s', async (name, args) => {
  const { found } = await inJson(args, 'opaque')
  const json = sections.get(name)?.split('\nJSON: ')[1] ?? ''
  for (const member of Object.keys(found).filter((one) => !['command', 'exitCode'].includes(one)))
    expect(json).toContain(`\`${member}\``)
})
