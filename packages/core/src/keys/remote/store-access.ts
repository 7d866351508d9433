import type { JwkSetSeed } from '../jwk-set-store.ts'
import { keepAlive } from './keep-alive.ts'
import type { ResolvedKeySetOptions } from './remote-key-set-options.ts'
import { startTimer } from './timer.ts'

/** What the store holds for a key set; nothing if it fails, or takes longer than the soft wait or half the deadline. */
export async function readStore(
  id: string,
  { store, clock, softWait, timeout }: ResolvedKeySetOptions,
): Promise<JwkSetSeed | undefined> {
  if (!store) return undefined
  // A request that waits for the store also waits for the endpoint, within one deadline.
  const timer = startTimer(clock, Math.min(Math.max(softWait, SHORTEST_WAIT), timeout / 2) * 1000)
  const seed = await Promise.race([ask(async () => store.get(id)), timer.elapsed])
  timer.cancel()
  return typeof seed === 'object' && seed !== null ? seed : undefined
}

/** Shares a set that was fetched; nobody waits for it, and its failure is nobody's. */
export function writeStore(seed: JwkSetSeed, { store, waitUntil }: ResolvedKeySetOptions): void {
  if (store)
    keepAlive(
      waitUntil,
      ask(async () => store.set(seed.uri, seed)),
    )
}

const SHORTEST_WAIT = 0.1

async function ask<T>(question: () => Promise<T>): Promise<T | undefined> {
  try {
    return await question()
  } catch {
    return undefined
  }
}
