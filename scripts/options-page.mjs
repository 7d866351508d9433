// Writes the tables of docs/options.md: names and texts from the TSDoc of the option interfaces, ranges and defaults from the option
// tables. `npm run docs:pages` runs it after a build.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const PAGE = 'docs/options.md'

/** The tables below each heading: the interfaces of their rows, and the words for where the options count if not everywhere. */
const SECTIONS = [
  {
    heading: 'Verifier',
    parts: [
      {
        file: 'core/src/pipeline/options.ts',
        interfaces: ['IssuerPolicy', 'KeyLocation', 'ClaimRules', 'ManyIssuersOptions', 'SharedOptions'],
      },
    ],
  },
  {
    heading: 'HTTP',
    parts: [{ file: 'core/src/authenticator/options.ts', interfaces: ['ReadyVerifier', 'HttpOptions'] }],
  },
  {
    heading: 'Credential sources',
    parts: [
      {
        file: 'core/src/http/credential-sources.ts',
        interfaces: ['AuthorizationSource', 'HeaderSource', 'CookieSource', 'QuerySource', 'FormSource'],
      },
    ],
  },
  {
    heading: 'Adapters',
    parts: [
      {
        where: 'Express, Hono, NestJS, Lambda',
        file: 'core/src/authenticator/adapter-options.ts',
        interfaces: ['RequirementOption', 'ReadyAuthenticator'],
      },
      { where: 'Express', file: 'express/src/options.ts', interfaces: ['MiddlewareOptions'] },
      { where: 'Hono', file: 'hono/src/options.ts', interfaces: ['MiddlewareOptions'] },
      { where: 'Fastify', file: 'fastify/src/options.ts', interfaces: ['ScopeOptions'] },
      { where: 'NestJS, `forRootAsync`', file: 'nestjs/src/module.ts', interfaces: ['ClaimgateAsyncOptions'] },
    ],
  },
  {
    heading: 'Authorizers of API Gateway',
    parts: [{ file: 'lambda/src/authorizer.ts', interfaces: ['AuthorizerRules'] }],
  },
  { heading: 'Key sets', parts: [{ file: 'core/src/keys/remote/options.ts', interfaces: ['RemoteKeySetTuning'] }] },
  {
    heading: 'Token cache',
    parts: [{ file: 'core/src/pipeline/token-cache-options.ts', interfaces: ['TokenCacheOptions'] }],
  },
  { heading: 'Denylists', parts: [{ file: 'core/src/denylist/options.ts', interfaces: ['DenylistOptions'] }] },
  {
    heading: 'Back-channel logout',
    parts: [{ file: 'core/src/revocation/options.ts', interfaces: ['BackchannelLogoutOptions', 'EndpointOptions'] }],
  },
  {
    heading: 'Security events',
    parts: [{ file: 'core/src/revocation/options.ts', interfaces: ['SecurityEventsOptions', 'EndpointOptions'] }],
  },
  { heading: 'Status lists', parts: [{ file: 'core/src/status-list/options.ts', interfaces: ['StatusListOptions'] }] },
  {
    heading: 'Selecting a verifier',
    parts: [{ file: 'core/src/hooks/select-verifier.ts', interfaces: ['SelectVerifierOptions'] }],
  },
  {
    heading: 'Connections',
    parts: [
      { file: 'core/src/authenticator/adapter-options.ts', interfaces: ['RequirementOption'] },
      { file: 'core/src/connections/connections.ts', interfaces: ['ConnectionRules'] },
    ],
  },
  { heading: 'Client certificates', parts: [{ file: 'core/src/mtls/mtls.ts', interfaces: ['MtlsHeaderOptions'] }] },
  {
    heading: 'Introspection',
    parts: [{ file: 'core/src/introspection/options.ts', interfaces: ['IntrospectionOptions'] }],
  },
  {
    heading: 'Introspection cache',
    parts: [{ file: 'core/src/introspection/options.ts', interfaces: ['IntrospectionCacheOptions'] }],
  },
  { heading: 'DPoP', parts: [{ file: 'core/src/dpop/options.ts', interfaces: ['DpopOptions'] }] },
  { heading: 'DPoP nonces', parts: [{ file: 'core/src/dpop/options.ts', interfaces: ['NonceOptions'] }] },
  {
    heading: 'Resource metadata',
    parts: [{ file: 'core/src/metadata/options.ts', interfaces: ['ProtectedResourceOptions'] }],
  },
  { heading: 'MCP', parts: [{ file: 'mcp/src/options.ts', interfaces: ['McpOptions'] }] },
  {
    heading: 'Redis',
    parts: [
      { where: 'all', file: 'redis/src/options.ts', interfaces: ['RedisOptions'] },
      { where: '`redisReplayStore`, `redisDenylist`', file: 'redis/src/options.ts', interfaces: ['RedisGuardOptions'] },
      { where: '`redisJwkSets`', file: 'redis/src/options.ts', interfaces: ['RedisJwkSetOptions'] },
    ],
  },
  {
    heading: 'Key sets in files',
    parts: [{ file: 'core/src/keys/file-jwk-sets.node.ts', interfaces: ['FileJwkSetOptions'] }],
  },
  { heading: 'OpenTelemetry', parts: [{ file: 'otel/src/options.ts', interfaces: ['OtelOptions'] }] },
  { heading: 'Limits', parts: [{ file: 'core/src/model/limits.ts', interfaces: ['Limits'] }] },
]

/** Where a page says more about an option. */
const MORE = {
  jwksUri: '[Where keys come from](keys-and-outages.md#where-keys-come-from)',
  issuers: '[Several issuers](recipes.md#several-issuers)',
  claims: '[Typed claims](recipes.md#typed-claims)',
  checks: '[Revocation](revocation.md)',
  tokenCache: '[Token cache](#token-cache)',
  limits: '[Limits](#limits)',
  keySet: '[Key sets](#key-sets)',
  onEvent: '[Events](#events)',
  credentials: '[Credential sources](#credential-sources)',
  nonces: '[DPoP nonces](#dpop-nonces)',
  extractToken: '[Tokens from elsewhere](recipes.md#tokens-from-elsewhere)',
  onAuthenticated: '[The user from a database](recipes.md#the-user-from-a-database)',
  resource: '[Resource metadata](resource-metadata.md)',
}

/**
 * The page with its tables written anew.
 *
 * @param {string} page
 * @param {(file: string) => string} read the text of a file in `packages`
 * @param {Record<string, Record<string, object>>} tables the option tables of each heading
 * @returns {string}
 * @throws Error for an option without a row or without TSDoc, and for TSDoc that says another range or default than the table
 */
export function optionsPage(page, read, tables) {
  return SECTIONS.reduce((text, section) => {
    const [before, after] = text.split(`\n## ${section.heading}\n`)
    if (after === undefined) throw new Error(`${PAGE} has no heading "${section.heading}"`)
    const table = markdownTable(rowsOf(section, read, tables[section.heading] ?? {}))
    return `${before}\n## ${section.heading}\n${after.replace(/(?:^\|.*\n)+/m, () => table)}`
  }, page)
}

function rowsOf({ heading, parts }, read, table) {
  const members = parts.flatMap(({ where, file, interfaces }) =>
    interfaces.flatMap((name) => membersOf(read(file), name).map((member) => ({ ...member, where, of: name }))),
  )
  const named = new Set(members.map(({ name }) => name))
  const missing = Object.keys(table).filter((name) => !named.has(name))
  if (missing.length > 0) throw new Error(`No interface of "${heading}" documents ${missing.join(', ')}`)
  const columns = {
    option: ({ name }) => `\`${name}\``,
    ...(parts.some(({ where }) => where) && { where: ({ where }) => where }),
    ...(heading === 'Credential sources' && { where: ({ of }) => `\`${of.replace('Source', '').toLowerCase()}\`` }),
    meaning: ({ name, text }) => [text, MORE[name]].filter(Boolean).join(' '),
    ...(Object.values(table).some(({ most }) => most) && { range: ({ name }) => rangeOf(table[name] ?? {}) }),
    default: (member) => defaultOf(member, table[member.name] ?? {}),
  }
  for (const member of members) assertSame(member, table[member.name] ?? {})
  return [Object.keys(columns), ...members.map((member) => Object.values(columns).map((cell) => cell(member)))]
}

/** The documented members of an interface. */
function membersOf(source, name) {
  const [body] = new RegExp(`^export interface ${name}\\b[^]*?^}`, 'm').exec(source) ?? []
  if (body === undefined) throw new Error(`There is no interface ${name}`)
  return [...body.matchAll(/^ {2}\/\*\*((?:(?!\*\/)[^])*)\*\/\n {2}readonly (\w+)(\??): /gm)].map(
    ([, doc, member, mark]) => {
      const [text, ...rest] = doc
        .replaceAll(/\s*\n\s*\*\s*/g, ' ')
        .trim()
        .split(/\s*@defaultValue /)
      const range = /\s*\bFrom ([\d.,]+)(?: to ([\d.,]*\d))?\./.exec(text)
      return {
        name: member,
        text: (range ? text.replace(range[0], '') : text).trim(),
        least: numberOf(range?.[1]),
        most: numberOf(range?.[2]),
        default: rest[0],
        optional: mark === '?',
      }
    },
  )
}

const numberOf = (text) => (text === undefined ? undefined : Number(text.replace(/\.$/, '').replaceAll(',', '')))

function assertSame({ name, ...told }, { least, most, default: value }) {
  if (told.least !== least || told.most !== most)
    throw new Error(`The TSDoc of ${name} says ${told.least} to ${told.most}, and its row ${least} to ${most}`)
  if (isSimple(value) && told.default !== literal(value))
    throw new Error(`The TSDoc of ${name} says ${told.default} is its default, and its row ${literal(value)}`)
}

const isSimple = (value) =>
  /^(?:number|string|boolean)$/.test(typeof value) ||
  (Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string'))
const literal = (value) => JSON.stringify(value).replaceAll('"', "'").replaceAll(',', ', ')

function defaultOf({ default: told, optional }, { required, default: value }) {
  if (required || (!optional && told === undefined && value === undefined)) return 'required'
  if (isSimple(value))
    return [value]
      .flat()
      .map((item) => `\`${item}\``)
      .join(', ')
  if (told?.startsWith('the values of ')) return 'below'
  return (told ?? 'none').replaceAll(/'([^']+)'/g, '`$1`')
}

function rangeOf({ least, most }) {
  if (least === undefined) return ''
  const [from, to] = [least, most].map((limit) => limit?.toLocaleString('en-US'))
  return to === undefined ? `from ${from}` : `${from} to ${to}`
}

function markdownTable(rows) {
  const [head, ...others] = rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|')))
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column].replaceAll('|', '\\|').length), 3))
  const line = (cells) => `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |\n`
  return [head, widths.map((width) => '-'.repeat(width)), ...others].map(line).join('')
}

if (import.meta.filename === process.argv[1]) {
  const root = join(import.meta.dirname, '..')
  const read = (file) => readFileSync(join(root, 'packages', file), 'utf8')
  const load = (file) => import(join(root, 'packages', file))
  const pipeline = await load('core/dist/pipeline/options.js')
  const http = await load('core/dist/authenticator/options.js')
  const keys = await load('core/dist/keys/remote/options.js')
  const denylist = await load('core/dist/denylist/options.js')
  const dpop = await load('core/dist/dpop/options.js')
  const metadata = await load('core/dist/metadata/options.js')
  const mtls = await load('core/dist/mtls/mtls.js')
  const introspection = await load('core/dist/introspection/options.js')
  const revocation = await load('core/dist/revocation/options.js')
  const statusLists = await load('core/dist/status-list/options.js')
  const hooks = await load('core/dist/hooks/select-verifier.js')
  const connections = await load('core/dist/connections/connections.js')
  const express = await load('express/dist/options.js')
  const fastify = await load('fastify/dist/options.js')
  const hono = await load('hono/dist/options.js')
  const lambda = await load('lambda/dist/authorizer.js')
  const mcp = await load('mcp/dist/options.js')
  const redis = await load('redis/dist/options.js')
  const otel = await load('otel/dist/options.js')
  const cache = await load('core/dist/pipeline/token-cache-options.js')
  const files = await load('core/dist/keys/file-jwk-sets.node.js')
  const page = join(root, PAGE)
  const { log: _, ...scope } = fastify.SCOPE
  const tables = {
    Verifier: { ...pipeline.POLICY, ...pipeline.SHARED },
    HTTP: http.HTTP,
    Adapters: { ...express.MIDDLEWARE, ...hono.MIDDLEWARE, ...scope },
    'Authorizers of API Gateway': lambda.AUTHORIZER,
    'Key sets': keys.KEY_SET_TUNING,
    'Token cache': cache.TOKEN_CACHE,
    Denylists: denylist.DENYLIST,
    'Back-channel logout': revocation.LOGOUT,
    'Security events': revocation.SECURITY_EVENTS,
    'Status lists': statusLists.STATUS_LIST,
    'Selecting a verifier': hooks.SELECTION,
    Connections: connections.CONNECTIONS,
    DPoP: dpop.DPOP,
    'DPoP nonces': dpop.NONCES,
    'Resource metadata': metadata.RESOURCE_METADATA,
    'Client certificates': mtls.MTLS,
    Introspection: introspection.INTROSPECTION,
    'Introspection cache': introspection.INTROSPECTION_CACHE,
    MCP: mcp.MCP,
    Redis: { ...redis.REDIS_GUARD, ...redis.REDIS_JWK_SETS },
    'Key sets in files': files.FILE_JWK_SETS,
    OpenTelemetry: otel.OTEL,
    Limits: pipeline.LIMITS,
  }
  writeFileSync(page, optionsPage(readFileSync(page, 'utf8'), read, tables))
}
