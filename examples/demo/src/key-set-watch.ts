import type { EventListener } from '@claimgate/core'
import type { KeySetState } from './show-state.ts'
import type { DemoClock } from './stage.ts'

/** Follows the key sets of several servers by their events. */
export interface KeySetWatch {
  /** The `onEvent` of a server. */
  listener(server: string): EventListener
  state(server: string): KeySetState
}

/** Creates a watch that knows no key set yet. */
export function createKeySetWatch(clock: Pick<DemoClock, 'monotonic'>): KeySetWatch {
  const known = new Map<string, { readonly keys: number; readonly at?: number; readonly reason?: string }>()
  return {
    listener: (server) => (event) => {
      if (event.type === 'keys.refreshed') known.set(server, { keys: event.keys, at: clock.monotonic() })
      if (event.type === 'keys.stale' || event.type === 'keys.unavailable') {
        known.set(server, { keys: 0, ...known.get(server), reason: event.reason })
      }
    },
    state: (server) => {
      const { keys, at, reason } = known.get(server) ?? { keys: 0 }
      return {
        state: reason !== undefined ? 'failing' : at === undefined ? 'none' : 'fetched',
        keys,
        ...(at !== undefined && { age: Math.floor((clock.monotonic() - at) / 1000) }),
        ...(reason !== undefined && { reason }),
      }
    },
  }
}
