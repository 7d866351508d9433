// Which file may import which. The tables below are the rules; docs/architecture.md explains them.
import { readSources } from './repository-files.mjs'
import { readImports } from './read-imports.mjs'
import { findCycles } from './find-cycles.mjs'

/** Core's units from the bottom up. A unit may import units of lower rows, but not of the same row. */
const CORE_LAYERS = [
  ['model'],
  ['json', 'bytes'],
  ['errors'],
  ['options'],
  ['http', 'claims', 'keys', 'confirmation', 'authorization', 'platform'],
  ['jws'],
  ['pipeline'],
  ['authenticator'],
  ['index', 'adapter', 'node'],
  [
    'connections',
    'denylist',
    'dpop',
    'jwe',
    'metadata',
    'mtls',
    'introspection',
    'providers',
    'revocation',
    'hooks',
    'status-list',
    'calls',
  ],
]

/** Core's features. Each is an entry point. They import only `adapter`, and core never imports them. */
const FEATURES = [
  'connections',
  'denylist',
  'dpop',
  'jwe',
  'metadata',
  'mtls',
  'introspection',
  'providers',
  'revocation',
  'hooks',
  'status-list',
  'calls',
]

/** Packages that each package's sources may import. A `type:` prefix allows only types. */
const PACKAGE_IMPORTS = {
  cli: ['@claimgate/core', '@claimgate/issuer', '@claimgate/testing', 'commander', 'jose', 'picocolors', 'node:'],
  core: ['jose', 'lru-cache', 'type:@standard-schema/spec'],
  express: ['@claimgate/core', 'express'],
  fastify: ['@claimgate/core', 'fastify', 'fastify-plugin'],
  fetch: ['@claimgate/core'],
  otel: ['@claimgate/core', '@opentelemetry/api'],
  hono: ['@claimgate/core', 'hono'],
  redis: ['@claimgate/core'],
  issuer: ['jose'],
  lambda: ['@claimgate/core'],
  mcp: ['@claimgate/core'],
  nestjs: ['@claimgate/core', '@nestjs/common', '@nestjs/core', 'reflect-metadata'],
  testing: ['@claimgate/core', '@claimgate/issuer', 'jose', 'node:'],
}

/** Core's files that depend on Node, and the modules they may import. */
const CORE_NODE_FILES = /^(node|(?:platform|bytes|keys)\/[\w-]+\.node)\.ts$/
const CORE_NODE_IMPORTS = ['undici', 'node:']

/** The issuer's platform-specific entry points, each a folder, and the modules they may import. */
const ISSUER_PLATFORM_IMPORTS = {
  kms: ['@aws-sdk/client-kms'],
  'parameter-store': ['@aws-sdk/client-ssm'],
  node: ['node:'],
}

/** Resolves to a file in `platform` on every runtime. */
const DEFAULT_FETCH = '#default-fetch'

/** Resolves to a file in `bytes` on every runtime. */
const BYTES = '#bytes'

/** Core's files that supply a default fetch if the caller gave none. All other files receive one as an argument. */
const DEFAULT_FETCH_USERS = ['pipeline/verifier.ts', 'keys/remote/options.ts']

/**
 * One sentence for each import in a package's sources that the layering forbids. Tests may import anything.
 *
 * @param {{ path: string, text: string }[]} files paths relative to the repository's root
 * @returns {string[]}
 */
export function layeringViolations(files) {
  const modules = files.map((file) => ({ ...placeOf(file.path), path: file.path, imports: readImports(file) }))
  const forbidden = modules.flatMap((module) =>
    module.imports.flatMap((imported) => {
      const reason = forbiddenBecause(module, imported)
      return reason === undefined ? [] : [`${module.path}:${imported.line} imports ${imported.specifier}: ${reason}`]
    }),
  )
  return [...forbidden, ...findCycles(modules).map((cycle) => `import cycle: ${cycle.join(' -> ')}`)]
}

/**
 * @param {string} root the repository's root
 * @returns {string[]}
 */
export function checkLayering(root) {
  return layeringViolations(readSources(root))
}

function placeOf(path) {
  const [, packageName, inSource] = /^packages\/([^/]+)\/src\/(.+)$/.exec(path) ?? []
  return { packageName, inSource }
}

function forbiddenBecause(module, imported) {
  if (imported.path === undefined) return forbiddenPackage(module, imported)
  const target = placeOf(imported.path)
  if (target.packageName !== module.packageName) return 'a relative path must not leave its package'
  if (module.packageName === 'issuer') return forbiddenPlatform(module.inSource, target.inSource)
  return module.packageName === 'core' ? forbiddenLayer(module.inSource, target.inSource) : undefined
}

/** Otherwise every user of the issuer would need the SDKs of all platforms. A program that uses Parameter Store runs on Node. */
function forbiddenPlatform(from, to) {
  const [fromFolder, toFolder] = [from.split('/')[0], to.split('/')[0]]
  const leadsIn = fromFolder !== toFolder && Object.hasOwn(ISSUER_PLATFORM_IMPORTS, toFolder)
  if (!leadsIn || (fromFolder === 'parameter-store' && toFolder === 'node')) return undefined
  return `"${toFolder}" is a separate entry point`
}

function forbiddenPackage({ packageName, inSource }, { specifier, typeOnly }) {
  if (packageName === 'core' && specifier === BYTES) return undefined
  if (packageName === 'core' && specifier === DEFAULT_FETCH) {
    return DEFAULT_FETCH_USERS.includes(inSource)
      ? undefined
      : `only ${DEFAULT_FETCH_USERS.join(', ')} may choose a fetch`
  }
  const allowed = [...(PACKAGE_IMPORTS[packageName] ?? []), ...platformImports(packageName, inSource)]
  if (allowed.some((rule) => matches(rule, specifier, typeOnly))) return undefined
  return `packages/${packageName} may import only ${allowed.join(', ')}`
}

function platformImports(packageName, inSource) {
  if (packageName === 'core') return CORE_NODE_FILES.test(inSource) ? CORE_NODE_IMPORTS : []
  return packageName === 'issuer' ? (ISSUER_PLATFORM_IMPORTS[inSource.split('/')[0]] ?? []) : []
}

function matches(rule, specifier, typeOnly) {
  const [, typesAlone, name] = /^(type:)?(.+)$/.exec(rule)
  if (typesAlone && !typeOnly) return false
  return name.endsWith(':') ? specifier.startsWith(name) : specifier === name || specifier.startsWith(`${name}/`)
}

function forbiddenLayer(from, to) {
  const [fromUnit, toUnit] = [unitOf(from), unitOf(to)]
  if (fromUnit === toUnit) return undefined
  const [fromRank, toRank] = [rankOf(fromUnit), rankOf(toUnit)]
  const stray = [fromUnit, toUnit].find((unit) => rankOf(unit) < 0)
  if (stray !== undefined) return `"${stray}" has no layer; give it one in scripts/check/layering.mjs`
  if (FEATURES.includes(fromUnit)) return toUnit === 'adapter' ? undefined : 'a feature imports only adapter'
  if (FEATURES.includes(toUnit)) return 'core does not know its features'
  if (toUnit === 'bytes' && /\.(node|web)\.ts$/.test(to)) return `only ${BYTES} lets the runtime choose`
  if (toUnit === 'platform' && fromUnit !== 'node') return `only ${DEFAULT_FETCH} lets the runtime choose`
  if (fromRank === toRank) return `"${fromUnit}" and "${toUnit}" are siblings`
  return toRank < fromRank ? undefined : `"${fromUnit}" is below "${toUnit}"`
}

/** The first folder under `src`, or the file's name. */
function unitOf(inSource) {
  return inSource.replace(/(\.node|\.web)?\.ts$/, '').split('/')[0]
}

function rankOf(unit) {
  return CORE_LAYERS.findIndex((layer) => layer.includes(unit))
}
