import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { type Bundle, bundle } from './bundle.ts'
import { launch, type Launched } from './launch.ts'
import { startWorkerd, WORKER_CONDITIONS, workerdBinary } from './workerd.ts'

/** A runtime that core supports. */
export interface Runtime {
  readonly name: string
  /** The version that package.json pins. */
  readonly pinned: string
  /** Algorithms that must verify there. A missing one is a regression. */
  readonly algorithms: readonly string[]
  readonly transport: 'global fetch' | 'something else'
  /** The installed version, or `undefined` if none runs. */
  installed(): string | undefined
  /** Serves the driver; `folder` is for files it needs. */
  start(folder: string): Promise<Served>
}

/** A runtime that serves the driver. */
export interface Served extends Launched {
  readonly bundle?: Bundle
}

const test = join(import.meta.dirname, '../..')
const modules = join(test, 'node_modules')

const CLASSIC = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']
const ML_DSA = ['ML-DSA-44', 'ML-DSA-65', 'ML-DSA-87']
/** Every asymmetric algorithm of core. */
export const ALL: readonly string[] = [...CLASSIC, ...ML_DSA]

const node24 = join(test, '../node_modules/.bin/node')

/** All of them, whether installed or not. */
export const RUNTIMES: readonly Runtime[] = [
  node('Node 22', { binary: join(modules, 'node22/bin/node'), pinned: pin('node22'), algorithms: CLASSIC }),
  node('Node 24', { binary: node24, pinned: pin('node', dirname(test)), algorithms: ALL }),
  node('Node 26', { binary: join(modules, 'node26/bin/node'), pinned: pin('node26'), algorithms: ALL }),
  {
    name: 'Deno',
    pinned: pin('deno'),
    algorithms: ALL,
    transport: 'global fetch',
    installed: () => versionOf(deno(), /deno (\S+)/),
    start: () =>
      launch(
        deno(),
        // No network except this machine, no files, no environment, no downloads.
        [
          'run',
          '--node-modules-dir=manual',
          '--no-remote',
          '--cached-only',
          '--no-lock',
          '--no-prompt',
          '--allow-net=127.0.0.1',
          'support/runtimes/hosts/deno.ts',
        ],
        test,
      ),
  },
  {
    name: 'Bun',
    pinned: pin('bun'),
    algorithms: ALL,
    transport: 'global fetch',
    installed: () => versionOf(bun(), /(\S+)/),
    start: () => launch(bun(), ['run', '--no-install', 'support/runtimes/hosts/bun.ts'], test),
  },
  {
    name: 'workerd',
    pinned: pin('workerd'),
    algorithms: CLASSIC,
    transport: 'global fetch',
    // The binary reports its compatibility date, not the version of its package.
    installed: () => versionOf(workerdBinary, /workerd/) && versionOfPackage('workerd'),
    start: async (folder) => {
      const made = await bundle('hosts/workerd.ts', {
        to: join(folder, 'workerd.mjs'),
        format: 'esm',
        conditions: WORKER_CONDITIONS,
      })
      return { ...(await startWorkerd({ script: 'workerd.mjs' }, folder)), bundle: made }
    },
  },
  {
    name: 'edge-runtime',
    pinned: pin('edge-runtime'),
    algorithms: ALL,
    transport: 'global fetch',
    installed: () => versionOfPackage('edge-runtime'),
    start: async (folder) => {
      const made = await bundle('hosts/edge-worker.ts', {
        to: join(folder, 'edge-runtime.js'),
        format: 'iife',
        conditions: ['edge-light', 'worker', 'browser'],
      })
      return { ...(await launch(node24, ['support/runtimes/hosts/edge-runtime.ts', made.file], test)), bundle: made }
    },
  },
]

function node(name: string, given: Pick<Runtime, 'pinned' | 'algorithms'> & { readonly binary: string }): Runtime {
  const { binary, ...rest } = given
  return {
    ...rest,
    name,
    transport: 'something else',
    installed: () => versionOf(binary, /v(\S+)/),
    start: () => launch(binary, ['support/runtimes/hosts/node.ts'], test),
  }
}

function deno(): string {
  return join(modules, 'deno', process.platform === 'win32' ? 'deno.exe' : 'deno')
}

function bun(): string {
  return join(modules, 'bun/bin/bun.exe')
}

/** The version in package.json, also that of an alias such as `npm:node@22.23.3`. */
function pin(name: string, folder = test): string {
  const { optionalDependencies } = manifest(folder)
  return optionalDependencies?.[name]?.replace(/^npm:.*@/, '') ?? 'not pinned'
}

function versionOfPackage(name: string): string | undefined {
  try {
    return manifest(join(modules, name)).version
  } catch {
    return undefined
  }
}

function versionOf(binary: string, pattern: RegExp): string | undefined {
  const { status, stdout } = spawnSync(binary, ['--version'], { encoding: 'utf8' })
  return status === 0 ? (pattern.exec(stdout)?.[1] ?? pattern.exec(stdout)?.[0]) : undefined
}

interface Manifest {
  readonly version?: string
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

function manifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
}
