import { startAuthService } from '@claimgate-examples/auth-service'
import { createWorker } from '@claimgate-examples/cloudflare-worker/worker'
import { describe, expect, it } from 'vitest'
import { createDemoClock, createMemoryNamespace } from './stage.ts'

const setUp = async () => {
  const auth = await startAuthService()
  const clock = createDemoClock()
  const KEYS = createMemoryNamespace()
  const env = {
    JWT_ISSUER: auth.url,
    JWT_AUDIENCE: 'orders-api',
    JWT_JWKS_URI: `${auth.url}/.well-known/jwks.json`,
    KEYS,
  }
  const token = await auth.issuer.issue({ sub: 'ada' })
  const ask = async (
    worker: ReturnType<typeof createWorker>,
    bindings: typeof env | Omit<typeof env, 'KEYS'> = env,
  ) => {
    const waited: Promise<unknown>[] = []
    const request = new Request('https://orders.example/api/v1/protected', {
      headers: { authorization: `Bearer ${token}` },
    })
    const { status } = await worker.fetch(request, bindings, { waitUntil: (promise) => void waited.push(promise) })
    return { status, waited }
  }
  return { auth, clock, env, ask }
}

describe('the keys of a worker', () => {
  it('are written to KV, and seed a new isolate while the auth service is down', async () => {
    const { auth, clock, env, ask } = await setUp()
    const first = await ask(createWorker({ clock }))
    await Promise.all(first.waited)
    await auth.close()

    expect((await ask(createWorker({ clock }))).status).toBe(200)
    const { KEYS: _, ...withoutKeys } = env
    expect((await ask(createWorker({ clock }), withoutKeys)).status).toBe(503)
  })

  it('are refreshed in the background before they are stale, while the request that started it stays alive', async () => {
    const { auth, clock, ask } = await setUp()
    let released = Promise.resolve()
    const slowFetch: typeof fetch = async (...request) => released.then(async () => fetch(...request))
    const worker = createWorker({ clock, fetch: slowFetch })
    await Promise.all((await ask(worker)).waited)
    expect((await ask(worker)).waited).toEqual([])

    clock.pass(280)
    const { promise, resolve: release } = Promise.withResolvers<void>()
    released = promise
    const { status, waited } = await ask(worker)
    expect(status).toBe(200)
    expect(waited).toHaveLength(1)
    release()
    await Promise.all(waited)
    await auth.close()

    // The keys were refreshed, so no other refresh starts.
    expect(await ask(worker)).toEqual({ status: 200, waited: [] })
  })
})
