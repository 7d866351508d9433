import process from 'node:process'
import type * as undiciModule from 'undici'
import { TransportError } from '../errors/auth-error.ts'
import { misconfigured } from '../options/option-rules.ts'

export type Undici = typeof undiciModule

// The dispatcher that the runtime's own `fetch` uses, on every version of Node this package supports.
const RUNTIME_DISPATCHER = Symbol.for('undici.globalDispatcher.1')

let loading: Promise<Undici> | undefined

/**
 * Loads undici when the first request needs it, and undoes what loading it does to the application: it puts an agent of
 * its own under the runtime's `fetch`, with which some calls fail.
 *
 * @throws TransportError
 */
export async function loadUndici(): Promise<Undici> {
  loading ??= load()
  return loading
}

/** Warns at start-up if undici will not load: in some bundles, and where it is not installed. Loads it only in a bundle that contains it. Looks once. */
export function warnUnlessLoadable(): void {
  if (isChecked) return
  isChecked = true
  // A bundler that puts undici into the bundle, or into a file beside it, writes another import.
  if (/\(\s*["'`]undici["'`]\s*\)/.test(String(importUndici)) && isInstalled()) return
  loadUndici().catch((error: unknown) => process.emitWarning(String(error)))
}

let isChecked = false

// Bundles for CommonJS have no `import.meta.resolve`.
function isInstalled(): boolean {
  try {
    import.meta.resolve?.('undici')
    return true
  } catch {
    return false
  }
}

const importUndici = async (): Promise<Undici> => {
  const loaded = await import('undici')
  // With `splitting`, esbuild gives the file of a CommonJS module no named exports.
  return Object.hasOwn(loaded, 'Agent') ? loaded : (loaded.default as unknown as Undici)
}

const BANNER =
  'Its bundle has no "require": give esbuild --banner:js="import { createRequire } from \'node:module\'; const require = createRequire(import.meta.url);", or --external:undici'

async function load(): Promise<Undici> {
  const slots = globalThis as unknown as Record<symbol, unknown>
  const before = slots[RUNTIME_DISPATCHER]
  const undici = await importUndici().catch((cause: unknown) => {
    const mend = /dynamic require/i.test(String(cause)) ? `. ${BANNER}` : ''
    throw new TransportError(`Cannot fetch keys: undici, on which it depends, does not load${mend}`, { cause })
  })
  if (slots[RUNTIME_DISPATCHER] !== before) slots[RUNTIME_DISPATCHER] = before
  return undici
}

/** What a runtime says of itself in `process.versions`. */
interface RuntimeVersions {
  readonly node?: string | undefined
  readonly bun?: string | undefined
  readonly deno?: string | undefined
}

// What undici asks for: an older Node cannot load it, and would seem to have no network.
const OLDEST = [22, 19] as const

/**
 * Refuses a Node that cannot load undici. Runtimes that name a version of Node only to be compatible are let through.
 *
 * @throws TypeError
 */
export function assertNodeVersion({ node = '', bun, deno }: RuntimeVersions): void {
  if (bun !== undefined || deno !== undefined) return
  const [major = 0, minor = 0] = node.split('.').map(Number)
  const [oldestMajor, oldestMinor] = OLDEST
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return
  throw misconfigured(
    'fetch keys',
    `Claimgate needs Node ${OLDEST.join('.')} or later for fetching keys, and this is ${node}; or give a "fetch" of your own`,
  )
}
