// Runs the snippets of docs/shared-state.md as printed, in several processes.
import { startTestIssuer } from '@claimgate/testing'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { snippet } from '../support/docs/pages.ts'
import { run } from '../support/docs/running.ts'
import { createDpopClient } from '../support/dpop/client.ts'
import { INSTALLED, MISSING, type RedisServer, startRedis } from '../support/redis/server.ts'

it.each(MISSING)('snippets are not run on %s, because it is not installed', () => {
  expect(INSTALLED).toEqual([])
})

describe.each(INSTALLED)('docs/shared-state.md with %s', () => {
  const origin = 'https://api.example.com'
  let folder: string
  let issuer: Awaited<ReturnType<typeof startTestIssuer>>
  let redis: RedisServer
  let environment: Record<string, string>
  beforeAll(async () => {
    folder = await mkdtemp(join(import.meta.dirname, '.run-'))
    issuer = await startTestIssuer({ audience: 'orders-api' })
    redis = await startRedis()
    environment = {
      JWT_ISSUER: issuer.issuer.issuer,
      JWT_AUDIENCE: 'orders-api',
      REDIS_URL: redis.url,
      PUBLIC_ORIGIN: origin,
      CLIENT_SECRET: 'secret',
    }
  })
  afterAll(async () => {
    await redis.close()
    await issuer.close()
    await rm(folder, { recursive: true, force: true })
  })

  const fileOf = async (name: string, more = ''): Promise<string> => {
    const file = join(folder, `${name}.mjs`)
    await writeFile(file, `${snippet(name)}\n${more}`)
    return file
  }

  it('has an API whose processes share revocations, proofs and keys', async () => {
    const file = await fileOf('redis')
    const one = await run(file, environment)
    const two = await run(file, environment)
    const client = await createDpopClient()
    const bound = await issuer.issuer.issue({ sub: 'ada', cnf: { jkt: client.jkt } })
    const claims = { htu: `${origin}/me`, iat: Math.floor(Date.now() / 1000) }
    const headers = { authorization: `DPoP ${bound}`, dpop: await client.proof(bound, { claims }) }
    const authorization = `Bearer ${await issuer.issuer.issue({ sub: 'ada' })}`
    const statusOf = async (url: string, init: RequestInit): Promise<number> => (await fetch(url, init)).status
    issuer.server.forget()
    expect([
      await statusOf(`${one.url}/me`, { headers }),
      await statusOf(`${two.url}/me`, { headers }),
      await statusOf(`${two.url}/me`, { headers: { authorization } }),
      await statusOf(`${one.url}/logout`, { method: 'POST', headers: { authorization } }),
      await statusOf(`${two.url}/me`, { headers: { authorization } }),
    ]).toEqual([200, 401, 200, 204, 401])
    // The second process has fetched nothing.
    const paths = issuer.server.stats().requests.map(({ path }) => path)
    expect(paths.filter((path) => path.endsWith('jwks.json'))).toHaveLength(1)
    expect(new Set(paths).size).toBe(paths.length)
    await Promise.all([one.close(), two.close()])
  })

  it('stops at a server that may evict entries, and names the setting', async () => {
    const evicting = await startRedis(['--maxmemory-policy', 'allkeys-lru'])
    const ended = run(await fileOf('redis'), { ...environment, REDIS_URL: evicting.url })
    await expect(ended).rejects.toThrow(/RedisStoreError: Redis may evict entries: maxmemory-policy is "allkeys-lru"/)
    await evicting.close()
  })

  it('has a verifier of opaque tokens', async () => {
    const file = await fileOf('redis-introspection', 'console.log(typeof verifier.verify); process.exit()')
    const { stdout } = await promisify(execFile)(process.execPath, [file], {
      env: { ...process.env, ...environment },
    })
    expect(stdout.trim()).toBe('function')
  })
})
