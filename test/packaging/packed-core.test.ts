import { execFile } from 'node:child_process'
import { copyFileSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'

import * as core from '@claimgate/core'
import * as denylists from '@claimgate/core/denylist'
import * as dpops from '@claimgate/core/dpop'
import * as extend from '@claimgate/core/extend'
import * as introspection from '@claimgate/core/introspection'
import * as jwe from '@claimgate/core/jwe'
import * as metadata from '@claimgate/core/metadata'
import * as mtls from '@claimgate/core/mtls'
import * as revocation from '@claimgate/core/revocation'
import * as hooks from '@claimgate/core/hooks'
import * as calls from '@claimgate/core/calls'
import * as connections from '@claimgate/core/connections'
import * as statusLists from '@claimgate/core/status-list'
import * as node from '@claimgate/core/node'
import * as providers from '@claimgate/core/providers'
import { createTestKeys, type FaultyJwksServer, startFaultyJwksServer } from '@claimgate/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'

import { bundleForWorkers, WORKER_BUDGETS } from '../../scripts/check/bundle-size.mjs'
import { installPacked, type PackedProject } from '../../scripts/install-packed.mjs'
import type { ConsumerInput, ConsumerReport } from '../support/packaging/consumer-report.ts'

const root = join(import.meta.dirname, '../..')

/** The conditions of a runtime or its bundler, besides `import` and `default`. Node adds `node` to all of them. */
const CONDITIONS: Readonly<Record<(typeof RUNTIMES)[number], readonly string[]>> = {
  node: [],
  workerd: ['workerd', 'worker', 'browser'],
  'edge-light': ['edge-light', 'browser'],
  deno: ['deno'],
  bun: ['bun'],
  browser: ['browser'],
}
const WEB = ['workerd', 'edge-light', 'deno', 'bun', 'browser'] as const
const RUNTIMES = ['node', ...WEB] as const

const sorted = (names: object): readonly string[] => Object.keys(names).toSorted()

/** Copies the consumer into a project and runs it there. */
async function consume(
  { folder }: PackedProject,
  conditions: readonly string[],
  input: ConsumerInput,
): Promise<ConsumerReport> {
  for (const file of ['consumer.ts', 'consumer-report.ts'])
    copyFileSync(join(import.meta.dirname, '../support/packaging', file), join(folder, file))
  const flags = [...conditions.map((condition) => `--conditions=${condition}`), '--disable-warning=ExperimentalWarning']
  const args = [...flags, join(folder, 'consumer.ts'), JSON.stringify(input)]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  return JSON.parse(stdout) as ConsumerReport
}

describe('the published core in an empty project', () => {
  let project: PackedProject
  let keys: FaultyJwksServer
  let input: ConsumerInput

  const runs = new Map<string, Promise<ConsumerReport>>()
  /** One run per runtime, shared by all tests. On Node, its own entry point is imported, too. */
  const runFor = (name: keyof typeof CONDITIONS): Promise<ConsumerReport> => {
    const known = runs.get(name) ?? consume(project, CONDITIONS[name], { ...input, forNode: name === 'node' })
    runs.set(name, known)
    return known
  }

  beforeAll(async () => {
    project = await installPacked(root, 'core')
    const { publicJwk, sign } = await createTestKeys('ES256')
    keys = await startFaultyJwksServer({ jwks: { keys: [publicJwk] } })
    const now = Math.floor(Date.now() / 1000)
    const token = await sign({
      iss: 'https://issuer.example',
      aud: 'orders-api',
      sub: 'alice',
      jti: 'a-token',
      iat: now,
      exp: now + 600,
    })
    input = { token, jwksUri: keys.url, gone: 'http://127.0.0.1:1/jwks', forNode: false }
  }, 60_000)
  afterAll(async () => {
    await keys.close()
    project.remove()
  })

  describe.each(RUNTIMES)('under the conditions of %s', (name) => {
    it('verifies, denies, decrypts and fetches, with the same AuthError everywhere', async () => {
      const { subject, isOneClass, refusals } = await runFor(name)
      expect({ subject, isOneClass, refusals }).toEqual({
        subject: 'alice',
        isOneClass: true,
        refusals: {
          core: { code: 'audience_mismatch' },
          denylist: { code: 'token_refused' },
          jwe: { code: 'token_encoding' },
          transport: { code: 'keys_unavailable', cause: name === 'node' ? 'PrivateAddressError' : 'network' },
        },
      })
    })

    it('exports the names that the sources export', async () => {
      const { names } = await runFor(name)
      const expected = {
        '.': sorted(core),
        './extend': sorted(extend),
        './jwe': sorted(jwe),
        './denylist': sorted(denylists),
        './dpop': sorted(dpops),
        './metadata': sorted(metadata),
        './providers': sorted(providers),
        './mtls': sorted(mtls),
        './introspection': sorted(introspection),
        './revocation': sorted(revocation),
        './hooks': sorted(hooks),
        './status-list': sorted(statusLists),
        './calls': sorted(calls),
        './connections': sorted(connections),
        ...(name === 'node' && { './node': sorted(node) }),
      }
      expect(Object.fromEntries(Object.entries(names).map(([path, all]) => [path, all.toSorted()]))).toEqual(expected)
    })

    it('imports few files, all of them from the bundle', async () => {
      const { reached } = await runFor(name)
      const own = reached.filter((url) => url.includes('/@claimgate/core/'))
      expect(own.filter((url) => !url.includes('/@claimgate/core/bundle/'))).toEqual([])
      expect(own.length).toBeLessThan(15)
    })
  })

  it.each(WEB)('imports neither undici nor a module of Node under the conditions of %s', async (name) => {
    const { reached } = await runFor(name)
    expect(reached).toContainEqual(expect.stringContaining('/bundle/bytes/bytes.web.js'))
    expect(reached.filter((url) => url.startsWith('node:') || url.includes('/undici/'))).toEqual([])
  })

  it('imports undici on Node, which proves that the check works', async () => {
    const { reached } = await runFor('node')
    expect(reached).toContainEqual(expect.stringContaining('/bundle/bytes/bytes.node.js'))
    expect(reached).toContainEqual(expect.stringContaining('/undici/'))
  })

  it('loads no file twice: files in the bundle are not also loaded from dist', () => {
    const files = readdirSync(join(project.package, 'dist'), { recursive: true, withFileTypes: true })
    const rest = files.filter((entry) => entry.isFile() && !entry.name.endsWith('.d.ts'))
    expect(rest.map(({ name }) => name)).toEqual([])
  })

  it('has the entry points, conditions and types of the workspace', () => {
    const read = (folder: string): Record<'exports' | 'imports', unknown> =>
      JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<'exports' | 'imports', unknown>
    const workspace = read(join(root, 'packages/core'))
    const published = read(project.package)
    const bundled = (target: unknown): unknown =>
      JSON.parse(JSON.stringify(target).replaceAll(/"\.\/dist\/([^"]+\.js)"/g, '"./bundle/$1"'))
    // As text, because the order of conditions matters.
    expect(JSON.stringify(published.exports)).toBe(JSON.stringify(bundled(workspace.exports)))
    expect(JSON.stringify(published.imports)).toBe(JSON.stringify(bundled(workspace.imports)))
  })

  it.each(Object.entries(WORKER_BUDGETS))(
    'is small in a worker with %s, and does not import from Node',
    async (names, budget) => {
      const { size, foreign } = await bundleForWorkers(join(project.package, 'bundle/index.js'), names)
      expect(foreign).toEqual([])
      expect(size).toBeLessThanOrEqual(budget)
    },
  )

  it('detects Node imports in a worker, as with its Node entry', async () => {
    const { foreign } = await bundleForWorkers(join(project.package, 'bundle/node.js'))
    expect(foreign).toEqual(expect.arrayContaining(['undici']))
  })

  it('reports that undici is missing if it is', async () => {
    const broken = await installPacked(root, 'core', { without: ['undici'] })
    onTestFinished(broken.remove)
    await expect(consume(broken, [], input)).rejects.toThrow(/undici, on which it depends, does not load/)
  })
})
