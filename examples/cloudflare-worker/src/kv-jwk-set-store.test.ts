import { describe, expect, it } from 'vitest'
import { kvJwkSetStore } from './kv-jwk-set-store.ts'

describe('the KV store of key sets', () => {
  it('stores a set as text under its URL for two days', async () => {
    const entries = new Map<string, string>()
    const lives: (number | undefined)[] = []
    const store = kvJwkSetStore({
      get: async (key) => entries.get(key) ?? null,
      put: async (key, value, options) => {
        entries.set(key, value)
        lives.push(options?.expirationTtl)
      },
    })
    const uri = 'https://login.example.com/jwks.json'
    const seed = { uri, jwks: { keys: [] }, fetchedAt: 1_800_000_000_000, etag: '"1"' }

    expect(await store.get(uri)).toBeUndefined()
    await store.set(uri, seed)
    expect(await store.get(uri)).toEqual(seed)
    expect([...entries.keys()]).toEqual([`jwk-set:${uri}`])
    expect(lives).toEqual([172_800])
  })
})
