import type { KeyValueNamespace } from '@claimgate-examples/cloudflare-worker/worker'

/** A KV namespace in memory. Its data is lost when the demo ends. */
export function createMemoryNamespace(): KeyValueNamespace {
  const entries = new Map<string, string>()
  return {
    get: async (key) => entries.get(key) ?? null,
    put: async (key, value) => {
      entries.set(key, value)
    },
  }
}
