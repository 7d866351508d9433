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

async function load(): Promise<Undici> {
  const slots = globalThis as unknown as Record<symbol, unknown>
  const before = slots[RUNTIME_DISPATCHER]
  const undici = await import('undici').catch((cause: unknown) => {
    throw new TransportError('Cannot fetch keys: undici, on which it depends, does not load', { cause })
  })
  if (slots[RUNTIME_DISPATCHER] !== before) slots[RUNTIME_DISPATCHER] = before
  return undici
}
