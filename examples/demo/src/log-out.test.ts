import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { credentialsOf } from './stage.ts'

const EXAMPLES = join(import.meta.dirname, '../..')
const children: ChildProcess[] = []

const freePort = async (): Promise<number> => {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as { port: number }
  probe.close()
  await once(probe, 'close')
  return port
}

// A separate process, started as its README says.
const start = async (name: string, env: Record<string, string>): Promise<void> => {
  const args = ['--disable-warning=ExperimentalWarning', join(EXAMPLES, name, 'dist/main.js')]
  const child = spawn(process.execPath, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  await once(child.stdout, 'data')
}

afterAll(async () => {
  await Promise.all(
    children.map(async (child) => {
      if (child.exitCode !== null) return
      const ended = once(child, 'close')
      child.kill()
      await ended
    }),
  )
})

describe('the auth service and the resource servers, in separate processes', () => {
  let auth: string
  let apis: readonly string[]
  beforeAll(async () => {
    const [authPort, expressPort, fastifyPort] = [await freePort(), await freePort(), await freePort()]
    auth = `http://127.0.0.1:${authPort}`
    apis = [expressPort, fastifyPort].map((port) => `http://127.0.0.1:${port}`)
    await start('auth-service', {
      PORT: String(authPort),
      AUTH_LOGOUT_URIS: apis.map((url) => `${url}/api/v1/ended-sessions`).join(),
    })
    const env = { JWT_ISSUER: auth, JWT_AUDIENCE: 'orders-api', JWT_JWKS_URI: `${auth}/.well-known/jwks.json` }
    await start('resource-server-express', { ...env, PORT: String(expressPort) })
    await start('resource-server-fastify', { ...env, PORT: String(fastifyPort) })
  })

  const logIn = async (): Promise<string> => {
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`${auth}/api/v1/auth`, { method: 'POST', headers, body: credentialsOf('ada') })
    return ((await response.json()) as { jwt: string }).jwt
  }
  const statuses = async (token: string): Promise<readonly number[]> => {
    const headers = { authorization: `Bearer ${token}` }
    return Promise.all(apis.map(async (url) => (await fetch(`${url}/api/v1/protected`, { headers })).status))
  }

  it("revoke only the session's tokens at log-out", async () => {
    const [laptop, phone] = [await logIn(), await logIn()]
    expect([await statuses(laptop), await statuses(phone)]).toEqual([
      [200, 200],
      [200, 200],
    ])
    const headers = { authorization: `Bearer ${laptop}` }
    expect((await fetch(`${auth}/api/v1/logout`, { method: 'POST', headers })).status).toBe(204)
    expect([await statuses(laptop), await statuses(phone), await statuses(await logIn())]).toEqual([
      [401, 401],
      [200, 200],
      [200, 200],
    ])
  })
})
