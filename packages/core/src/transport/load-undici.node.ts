import process from 'node:process'

import type * as undiciModule from 'undici'

import { TransportError } from '../errors/transport-error.ts'

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

/** Tells at start-up, by a warning of the process, of a bundle with undici in it that cannot load it. Loads nothing elsewhere. */
export function warnWhereBundled(): void {
  // What esbuild makes of the import of a CommonJS module that it puts into the bundle.
  if (!/Promise\.resolve\(\)\.then/.test(String(importUndici))) return
  loadUndici().catch((error: unknown) => process.emitWarning(String(error)))
}

const importUndici = async (): Promise<Undici> => import('undici')

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
