import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { createTestKeys, type FaultyJwksServer, startFaultyJwksServer } from '@claimgate/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'

import { bundle, type Bundle } from '../support/runtimes/bundle.ts'
import { startKvServer } from '../support/runtimes/kv-server.ts'
import { RUNTIMES } from '../support/runtimes/runtimes.ts'
import { startWorkerd, WORKER_CONDITIONS } from '../support/runtimes/workerd.ts'

const ISSUER = 'https://issuer.example'
const now = Math.floor(Date.now() / 1000)
const CLAIMS = { iss: ISSUER, aud: 'orders-api', sub: 'alice', scope: 'orders:read', iat: now, exp: now + 600 }

// If workerd is not installed, the runtime matrix says so.
const workerd = RUNTIMES.filter(({ name, installed }) => name === 'workerd' && installed() !== undefined)

describe('examples/cloudflare-worker', () => {
  let folder: string
  let built: Bundle
  let endpoint: FaultyJwksServer
  let token: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'claimgate-worker-'))
    built = await bundle('../../../examples/cloudflare-worker/src/index.ts', {
      to: join(folder, 'worker.mjs'),
      format: 'esm',
      conditions: WORKER_CONDITIONS,
    })
    const keys = await createTestKeys('ES256')
    token = await keys.sign(CLAIMS)
    endpoint = await startFaultyJwksServer({ jwks: { keys: [keys.publicJwk] } })
  })
  afterAll(async () => {
    await endpoint.close()
    await rm(folder, { recursive: true, force: true })
  })

  type Get = (path: string, token?: string) => Promise<Response>

  /** A newly started worker. */
  const startCold = async (kvPort: number): Promise<Get> => {
    const variables = { JWT_ISSUER: ISSUER, JWT_AUDIENCE: 'orders-api', JWT_JWKS_URI: endpoint.url }
    const worker = await startWorkerd({ script: 'worker.mjs', variables, kvPort }, folder)
    onTestFinished(worker.stop)
    return (path, bearer) =>
      fetch(new URL(path, worker.origin), {
        headers: bearer === undefined ? {} : { authorization: `Bearer ${bearer}` },
      })
  }

  it('has no Node modules and no undici in its bundle', () => {
    expect(built.foreign).toEqual([])
  })

  describe.each(workerd)('in $name', () => {
    it('reads its options from its bindings: 200 with a token, 401 without one or with a bad one', async () => {
      const kv = await startKvServer()
      onTestFinished(kv.close)
      const get = await startCold(kv.port)
      const good = await get('/api/v1/protected', token)
      expect({ status: good.status, body: await good.json() }).toMatchObject({ status: 200, body: { caller: 'alice' } })
      const without = await get('/api/v1/protected')
      expect(without.status).toBe(401)
      expect(without.headers.get('www-authenticate')).toMatch(/^Bearer realm="[^"]+"$/)
      const bad = await get('/api/v1/protected', `${token.slice(0, -6)}AAAAAA`)
      expect(bad.status).toBe(401)
      expect(bad.headers.get('www-authenticate')).toContain('error="invalid_token"')
    })

    it('writes its keys to KV, so that the next cold worker answers without a fetch, even while the endpoint is down', async () => {
      const kv = await startKvServer()
      onTestFinished(kv.close)
      const first = await startCold(kv.port)
      expect((await first('/api/v1/protected', token)).status).toBe(200)
      await kv.written
      expect(kv.values.size).toBe(1)

      await endpoint.behave({ kind: 'refuse' })
      onTestFinished(() => endpoint.behave({ kind: 'ok' }))
      const second = await startCold(kv.port)
      expect((await second('/api/v1/protected', token)).status).toBe(200)
    })
  })
})
