import process from 'node:process'
import type * as undiciModule from 'undici'
import { TransportError } from '../errors/auth-error.ts'
import { misconfigured } from '../options/option-rules.ts'

export type Undici = typeof undiciModule

// The dispatcher of the runtime's own `fetch`, on every version of Node this package supports.
const RUNTIME_DISPATCHER = Symbol.for('undici.globalDispatcher.1')

let loading: Promise<Undici> | undefined

/**
 * Loads undici on the first request, and undoes a side effect of loading it: undici replaces the agent of the runtime's `fetch`, which makes
 * some calls fail.
 *
 * @throws TransportError
 */
export async function loadUndici(): Promise<Undici> {
  loading ??= load()
  return loading
}

/** Warns at start-up if undici will not load: in some bundles, or if it is not installed. Loads it only if it is bundled. Runs once. */
export function warnUnlessLoadable(): void {
  if (isChecked) return
  isChecked = true
  // If a bundler includes undici, in the bundle or in a file beside it, it rewrites this import.
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

/** The relevant members of `process.versions`. */
interface RuntimeVersions {
  readonly node?: string | undefined
  readonly bun?: string | undefined
  readonly deno?: string | undefined
}

// The minimum for undici. An older Node cannot load it, and would report a network failure.
const OLDEST = [22, 19] as const

/**
 * Rejects a Node that cannot load undici. Accepts other runtimes, which report a Node version only for compatibility.
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
