import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { DENYLIST } from '../../packages/core/src/denylist/options.ts'
import { KEY_SET_TUNING } from '../../packages/core/src/keys/remote/options.ts'
import type { OptionTable } from '../../packages/core/src/options/option-rules.ts'
import { LIMITS, POLICY, TOKEN_CACHE } from '../../packages/core/src/pipeline/options.ts'

const page = await readFile(new URL('../../docs/options.md', import.meta.url), 'utf8')

/** Rows of the tables below a heading, up to the next heading: the first cell's words in code, and the last cell. */
const rowsBelow = (heading: string): ReadonlyMap<string, string> => {
  const section = page.split(/^#+ /m).find((text) => text.startsWith(`${heading}\n`)) ?? ''
  const cells = [...section.matchAll(/^\|(.+)\|$/gm)].map(([, row = '']) => row.split('|').map((cell) => cell.trim()))
  return new Map(
    cells.flatMap((row) => [...(row[0] ?? '').matchAll(/`(\w+)`/g)].map(([, name = '']) => [name, row.at(-1) ?? ''])),
  )
}

const inCode = (values: readonly string[]): string => values.map((value) => `\`${value}\``).join(', ')

describe('the tables of docs/options.md', () => {
  it.each([
    ['Verifier', POLICY],
    ['Key sets', KEY_SET_TUNING],
    ['Token cache', TOKEN_CACHE],
    ['Denylists', DENYLIST],
    ['Limits', LIMITS],
  ])('give every default: %s', (heading, table: OptionTable) => {
    const rows = rowsBelow(heading)
    const given = Object.entries(table).filter(([, row]) => /^(number|string|boolean)$/.test(typeof row.default))
    expect(given.length).toBeGreaterThan(0)
    for (const [name, row] of given) expect(rows.get(name), name).toBe(inCode([String(row.default)]))
  })

  it('list every event, and no other', async () => {
    const source = await readFile(new URL('../../packages/core/src/model/events.ts', import.meta.url), 'utf8')
    const types = [...source.matchAll(/readonly type: '([\w.]+)'/g)].map(([, type]) => type)
    const section = page.split('\n## Events\n')[1]?.split('\n## ')[0] ?? ''
    const cells = [...section.matchAll(/^\| (`[^|]+) \|/gm)].flatMap(
      ([, cell = '']) => cell.match(/[\w.]+\.[\w.]+/g) ?? [],
    )
    expect(cells.toSorted()).toEqual(types.toSorted())
  })
})

describe('docs/options.md', () => {
  it.each([
    ['core/src/pipeline/options.ts', ['IssuerPolicy', 'KeyLocation', 'ClaimRules', 'SharedOptions']],
    ['core/src/authenticator/options.ts', ['HttpOptions', 'ReadyVerifier']],
    ['core/src/keys/remote/options.ts', ['RemoteKeySetTuning']],
    ['core/src/denylist/options.ts', ['DenylistOptions']],
    ['core/src/http/credential-sources.ts', ['AuthorizationSource', 'HeaderSource', 'QuerySource']],
    ['express/src/options.ts', ['MiddlewareOptions', 'ReadyAuthenticator']],
    ['fastify/src/options.ts', ['ScopeOptions']],
  ])('documents every option of %s', async (file, interfaces) => {
    const source = await readFile(new URL(`../../packages/${file}`, import.meta.url), 'utf8')
    for (const name of interfaces) {
      const [body = ''] = new RegExp(`^export interface ${name}\\b[^]*?^}`, 'm').exec(source) ?? []
      const members = [...body.matchAll(/^ {2}readonly (\w+)\??: /gm)].map(([, member]) => member)
      expect(members.length, name).toBeGreaterThan(0)
      const missing = members.filter((member) => !new RegExp(`\`${member}\`|[{,] ${member}: `).test(page))
      expect(missing, name).toEqual([])
    }
  })
})
