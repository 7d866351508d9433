// `npm run docs:pages` writes the tables of docs/options.md. These tests fail if the page differs from what it would write.
import * as express from '@claimgate/express'
import * as fetch from '@claimgate/fetch'
import * as hono from '@claimgate/hono'
import * as lambda from '@claimgate/lambda'
import * as nestjs from '@claimgate/nestjs'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { optionsPage } from '../../scripts/options-page.mjs'
import { HTTP } from '../../packages/core/src/authenticator/options.ts'
import { DENYLIST } from '../../packages/core/src/denylist/options.ts'
import { INTROSPECTION, INTROSPECTION_CACHE } from '../../packages/core/src/introspection/options.ts'
import { DPOP, NONCES } from '../../packages/core/src/dpop/options.ts'
import { RESOURCE_METADATA } from '../../packages/core/src/metadata/options.ts'
import { LOGOUT, SECURITY_EVENTS } from '../../packages/core/src/revocation/options.ts'
import { CONNECTIONS } from '../../packages/core/src/connections/connections.ts'
import { SELECTION } from '../../packages/core/src/hooks/select-verifier.ts'
import { STATUS_LIST } from '../../packages/core/src/status-list/options.ts'
import { KEY_SET_TUNING } from '../../packages/core/src/keys/remote/options.ts'
import { FILE_JWK_SETS } from '../../packages/core/src/keys/file-jwk-sets.node.ts'
import { MTLS } from '../../packages/core/src/mtls/mtls.ts'
import { DEFAULT_ALGORITHMS } from '../../packages/core/src/model/algorithm.ts'
import { LIMITS, POLICY, SHARED } from '../../packages/core/src/pipeline/options.ts'
import { TOKEN_CACHE } from '../../packages/core/src/pipeline/token-cache-options.ts'
import { MIDDLEWARE } from '../../packages/express/src/options.ts'
import { SCOPE } from '../../packages/fastify/src/options.ts'
import { MIDDLEWARE as HONO } from '../../packages/hono/src/options.ts'
import { AUTHORIZER } from '../../packages/lambda/src/authorizer.ts'
import { MCP } from '../../packages/mcp/src/options.ts'
import { OTEL } from '../../packages/otel/src/options.ts'
import { REDIS_GUARD, REDIS_JWK_SETS } from '../../packages/redis/src/options.ts'

const page = readFileSync(new URL('../../docs/options.md', import.meta.url), 'utf8')
const read = (file: string): string => readFileSync(new URL(`../../packages/${file}`, import.meta.url), 'utf8')
const { log: _, ...scope } = SCOPE
const tables = {
  Verifier: { ...POLICY, ...SHARED },
  HTTP,
  Adapters: { ...MIDDLEWARE, ...HONO, ...scope },
  'Authorizers of API Gateway': AUTHORIZER,
  'Key sets': KEY_SET_TUNING,
  'Token cache': TOKEN_CACHE,
  Denylists: DENYLIST,
  'Back-channel logout': LOGOUT,
  'Security events': SECURITY_EVENTS,
  'Status lists': STATUS_LIST,
  'Selecting a verifier': SELECTION,
  Connections: CONNECTIONS,
  DPoP: DPOP,
  'DPoP nonces': NONCES,
  'Resource metadata': RESOURCE_METADATA,
  'Client certificates': MTLS,
  Introspection: INTROSPECTION,
  'Introspection cache': INTROSPECTION_CACHE,
  MCP,
  Redis: { ...REDIS_GUARD, ...REDIS_JWK_SETS },
  'Key sets in files': FILE_JWK_SETS,
  OpenTelemetry: OTEL,
  Limits: LIMITS,
}

describe('docs/options.md', () => {
  it('has the tables that the option tables and their TSDoc give', () => {
    expect(optionsPage(page, read, tables)).toBe(page)
  })

  it.each<[string, Record<string, Record<string, object>>, (file: string) => string, RegExp]>([
    [
      'a default',
      tables,
      (file) => read(file).replace('@defaultValue 30 */', '@defaultValue 31 */'),
      /cooldown says 31/,
    ],
    [
      'a range',
      tables,
      (file) => read(file).replace('From 1 to 3,600.', 'From 1 to 3,601.'),
      /cooldown says 1 to 3601/,
    ],
    ['a new option', { ...tables, Limits: { ...LIMITS, width: LIMITS.depth } }, read, /documents width/],
  ])('cannot be written if TSDoc and table differ: %s', (_name, given, source, message) => {
    expect(() => optionsPage(page, source, given)).toThrow(message)
  })

  it('names the default algorithms', () => {
    const families = ['RS', 'PS', 'ES'].flatMap((family) => ['256', '384', '512'].map((size) => family + size))
    expect(DEFAULT_ALGORITHMS).toEqual([...families, 'EdDSA', 'Ed25519'])
  })

  it('lists every event, and no other', () => {
    const source = read('core/src/model/events.ts')
    const types = [...source.matchAll(/readonly type: '([\w.]+)'/g)].map(([, type]) => type)
    const section = page.split('\n## Events\n')[1]?.split('\n## ')[0] ?? ''
    const cells = [...section.matchAll(/^\| (`[^|]+) \|/gm)].flatMap(
      ([, cell = '']) => cell.match(/[\w.]+\.[\w.]+/g) ?? [],
    )
    expect(cells.toSorted()).toEqual(types.toSorted())
  })
})

describe('the forms of requirements in each adapter', () => {
  const [, section = ''] = page.split('\nEach adapter takes them in the form of its framework:\n')

  it.each<[string, object, readonly string[]]>([
    ['Express', express, ['requireScope', 'requireRole', 'authorize']],
    ['Hono', hono, ['requireScope', 'requireRole', 'authorize']],
    ['NestJS', nestjs, ['Scopes', 'Roles', 'Require']],
    ['fetch, workers', fetch, ['protect']],
    ['Lambda', lambda, ['protect']],
  ])('are exported: %s', (adapter, exported, names) => {
    const row = section.split('\n').find((line) => line.startsWith(`| ${adapter} `)) ?? ''
    const written = [...row.matchAll(/@([A-Z]\w+)|\b(require\w+|authorize|protect)\(/g)].map(
      ([, one, other]) => one ?? other,
    )
    expect([...new Set(written)]).toEqual(names)
    expect(Object.keys(exported)).toEqual(expect.arrayContaining([...names]))
  })

  it('are the same in Express and Hono', () => {
    const helpers = (exported: object): readonly string[] =>
      Object.keys(exported).filter((name) => /^require|^authorize$/.test(name))
    expect(helpers(hono).toSorted()).toEqual(helpers(express).toSorted())
  })
})
