import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { startTestIssuer } from '@claimgate/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { snippet } from '../support/docs/pages.ts'
import { run, type Running } from '../support/docs/running.ts'

// Quick starts are run as printed on the pages, with the built packages.
const AUDIENCE = 'https://api.example'

let authorizationServer: Awaited<ReturnType<typeof startTestIssuer>>
let folder: string
let environment: Record<string, string>
let reader: string
let writer: string

beforeAll(async () => {
  authorizationServer = await startTestIssuer()
  folder = await mkdtemp(join(import.meta.dirname, '.run-'))
  environment = { JWT_ISSUER: authorizationServer.issuer.issuer, JWT_AUDIENCE: AUDIENCE }
  const issue = (scope: string): Promise<string> =>
    authorizationServer.issuer.issue({ sub: 'ada', client_id: 'shop', scope }, { audience: AUDIENCE })
  reader = await issue('orders:read')
  writer = await issue('orders:read orders:write')
})

afterAll(async () => {
  await authorizationServer.close()
  await rm(folder, { recursive: true, force: true })
})

async function quickStart(name: string): Promise<string> {
  const code = snippet(name)
  expect(code.split('\n').filter((line) => line.trim() !== '').length, 'lines of code').toBeLessThanOrEqual(11)
  const file = join(folder, `${name}.mjs`)
  await writeFile(file, code)
  return file
}

const bearer = (token: string): RequestInit => ({ headers: { authorization: `Bearer ${token}` } })

describe.each(['express', 'fastify'])('the %s quick start', (name) => {
  let server: Running
  beforeAll(async () => {
    server = await run(await quickStart(name), environment)
  })
  afterAll(async () => server.close())

  it('protects its routes', async () => {
    const without = await fetch(`${server.url}/me`)
    expect(without.status).toBe(401)
    expect(without.headers.get('www-authenticate')).toBe('Bearer realm="api"')
    expect((await fetch(`${server.url}/me`, bearer(`${reader.slice(0, -8)}AAAAAAAA`))).status).toBe(401)
    const me = await fetch(`${server.url}/me`, bearer(reader))
    expect(me.status).toBe(200)
    expect(await me.json()).toEqual({ sub: 'ada' })
  })

  it('lets a writer write, and refuses a reader', async () => {
    expect((await fetch(`${server.url}/orders`, { method: 'POST', ...bearer(writer) })).status).toBe(201)
    const refused = await fetch(`${server.url}/orders`, { method: 'POST', ...bearer(reader) })
    expect(refused.status).toBe(403)
    expect(refused.headers.get('www-authenticate')).toContain('scope="orders:write"')
  })

  it('logs why requests are refused if it has a log', () => {
    const codes = [...server.log().matchAll(/^Request refused \((\w+)\): /gm)].map(([, code]) => code)
    // Fastify logs to stdout.
    expect(codes).toEqual(name === 'fastify' ? [] : ['credential_missing', 'signature_invalid', 'insufficient_scope'])
  })
})

describe('the worker quick start', () => {
  it('protects its routes', async () => {
    const worker = (await import(pathToFileURL(await quickStart('worker')).href)) as {
      default: { fetch(request: Request, env: object): Promise<Response> }
    }
    const send = (init?: RequestInit): Promise<Response> =>
      worker.default.fetch(new Request('https://worker.example/', init), environment)
    expect((await send()).status).toBe(401)
    const answer = await send(bearer(reader))
    expect(await answer.json()).toEqual({ sub: 'ada' })
    expect((await send({ method: 'POST', ...bearer(reader) })).status).toBe(403)
    expect((await send({ method: 'POST', ...bearer(writer) })).status).toBe(200)
  })
})

describe('the snippet that logs refusals', () => {
  it('does not change the response, and logs the code and never the token', async () => {
    const server = await run(await quickStart('refusals'), environment)
    const forged = `${reader.slice(0, -8)}AAAAAAAA`
    const refused = await fetch(`${server.url}/orders`, bearer(forged))
    await server.close()

    expect(refused.status).toBe(401)
    expect(refused.headers.get('www-authenticate')).toContain('error="invalid_token"')
    expect(server.log()).toContain('credential_missing')
    expect(server.log()).toContain('signature_invalid')
    expect(server.log()).not.toContain(forged.slice(0, 20))
  })
})

describe('the snippet that revokes tokens', () => {
  it('refuses a token that was logged out, and accepts another', async () => {
    const server = await run(await quickStart('log-out'), environment)
    const statuses: number[] = []
    for (const token of [reader, reader, writer])
      statuses.push((await fetch(`${server.url}/logout`, { method: 'POST', ...bearer(token) })).status)
    await server.close()
    expect(statuses).toEqual([204, 401, 204])
  })
})

describe('the quick start without HTTP', () => {
  it('verifies the token of a job', async () => {
    Object.assign(process.env, environment)
    const { consume } = (await import(pathToFileURL(await quickStart('verify')).href)) as {
      consume(job: { token: string }): Promise<string>
    }
    expect(await consume({ token: reader })).toBe('ada')
    await expect(consume({ token: 'nonsense' })).rejects.toMatchObject({ code: 'token_malformed' })
  })

  it('verifies the token of a job as of the time it was enqueued', async () => {
    Object.assign(process.env, environment)
    const { consumeLater } = (await import(pathToFileURL(await quickStart('as-of')).href)) as {
      consumeLater(job: { token: string; enqueuedAt: number }): Promise<string>
    }
    const now = Math.floor(Date.now() / 1000)
    expect(await consumeLater({ token: reader, enqueuedAt: now })).toBe('ada')
    const longAgo = consumeLater({ token: reader, enqueuedAt: now - 3700 })
    await expect(longAgo).rejects.toMatchObject({ code: 'verification_time' })
  })
})
