import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { DENYLIST_DEFAULTS } from '../../packages/core/src/denylist/options.ts'
import { KEY_SET_DEFAULTS } from '../../packages/core/src/keys/remote/options.ts'
import { DEFAULT_LIMITS } from '../../packages/core/src/model/limits.ts'
import { DEFAULTS } from '../../packages/core/src/pipeline/options.ts'

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
  const options = new Map([...rowsBelow('Verifier'), ...rowsBelow('HTTP')])

  it('give the defaults of the options', () => {
    expect(options.get('clockTolerance')).toBe(inCode([String(DEFAULTS.clockTolerance)]))
    expect(options.get('idTokens')).toBe(inCode([DEFAULTS.idTokens]))
    expect(options.get('padding')).toBe(inCode([DEFAULTS.padding]))
    expect(options.get('realm')).toBe(inCode([DEFAULTS.realm]))
    expect(options.get('clientClaims')).toBe(inCode(DEFAULTS.clientClaims))
    expect(options.get('scopeSources')).toBe(inCode(DEFAULTS.scopeSources))
    expect(options.get('tokenTypes')).toBe(`absent, ${inCode(DEFAULTS.tokenTypes)}`)
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

  it('give the default algorithms', () => {
    const families = ['RS', 'PS', 'ES'].flatMap((family) => ['256', '384', '512'].map((size) => family + size))
    expect(DEFAULTS.algorithms).toEqual([...families, 'EdDSA', 'Ed25519'])
    expect(options.get('algorithms')).toBe('RS, PS and ES 256 to 512, `EdDSA`, `Ed25519`')
  })

  it('give every number of a key set with its default', () => {
    const rows = rowsBelow('Key sets')
    for (const [name, value] of Object.entries(KEY_SET_DEFAULTS)) expect(rows.get(name), name).toBe(`\`${value}\``)
  })

  it('give every number of the token cache with its default', () => {
    const rows = rowsBelow('Token cache')
    for (const [name, value] of Object.entries(DEFAULTS.tokenCache)) expect(rows.get(name), name).toBe(`\`${value}\``)
  })

  it('give every number of a denylist with its default', () => {
    const rows = rowsBelow('Denylists')
    for (const [name, value] of Object.entries(DENYLIST_DEFAULTS)) expect(rows.get(name), name).toBe(`\`${value}\``)
  })

  it('match the source documentation', async () => {
    const source = await readFile(new URL('../../packages/core/src/denylist/options.ts', import.meta.url), 'utf8')
    for (const [name, value] of Object.entries(DENYLIST_DEFAULTS)) {
      const [, said] = new RegExp(`@defaultValue (\\d+)[^@]*?readonly ${name}\\?:`).exec(source) ?? []
      expect(said, name).toBe(String(value))
    }
  })

  it('list every limit with its default, and no other', () => {
    const rows = Object.entries(DEFAULT_LIMITS).map(([name, value]) => [name, `\`${String(value)}\``])
    expect([...rowsBelow('Limits')]).toEqual(rows)
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
