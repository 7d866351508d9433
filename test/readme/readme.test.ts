import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { startTestIssuer } from '@claimgate/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

// Quick starts are run as they stand in README.md, against the packages as they are built.
const here = fileURLToPath(new URL('.', import.meta.url))
const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
const AUDIENCE = 'https://api.example'

let authorizationServer: Awaited<ReturnType<typeof startTestIssuer>>
let folder: string
let environment: Record<string, string>
let reader: string
let writer: string

beforeAll(async () => {
  authorizationServer = await startTestIssuer()
  folder = await mkdtemp(join(here, '.run-'))
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
  const code = new RegExp(`<!-- run: ${name} -->\\n+\`\`\`js\\n([\\s\\S]*?)\`\`\``).exec(readme)?.[1]
  expect(code, `the quick start "${name}" of README.md`).toBeDefined()
  expect(code?.split('\n').filter((line) => line.trim() !== '').length, 'lines of code').toBeLessThanOrEqual(11)
  const file = join(folder, `${name}.mjs`)
  await writeFile(file, code ?? '')
  return file
}

const bearer = (token: string): RequestInit => ({ headers: { authorization: `Bearer ${token}` } })

describe.each(['express', 'fastify'])('the %s quick start', (name) => {
  let server: ChildProcess
  let url: string
  let log = ''

  beforeAll(async () => {
    const port = await freePort()
    url = `http://127.0.0.1:${port}`
    server = spawn(process.execPath, [await quickStart(name)], {
      env: { ...process.env, ...environment, PORT: String(port) },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    server.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()))
    await answering(url, server)
  })

  afterAll(async () => {
    if (server.exitCode !== null) return
    const exit = once(server, 'exit')
    server.kill()
    await exit
  })

  it('protects its routes', async () => {
    const without = await fetch(`${url}/me`)
    expect(without.status).toBe(401)
    expect(without.headers.get('www-authenticate')).toBe('Bearer realm="api"')
    expect((await fetch(`${url}/me`, bearer(`${reader.slice(0, -8)}AAAAAAAA`))).status).toBe(401)
    const me = await fetch(`${url}/me`, bearer(reader))
    expect(me.status).toBe(200)
    expect(await me.json()).toEqual({ sub: 'ada' })
  })

  it('lets a writer write, and a reader not', async () => {
    expect((await fetch(`${url}/orders`, { method: 'POST', ...bearer(writer) })).status).toBe(201)
    const refused = await fetch(`${url}/orders`, { method: 'POST', ...bearer(reader) })
    expect(refused.status).toBe(403)
    expect(refused.headers.get('www-authenticate')).toContain('scope="orders:write"')
  })

  it('says why requests are refused where it has a log', () => {
    const codes = [...log.matchAll(/^Request refused \((\w+)\): /gm)].map(([, code]) => code)
    // Fastify's own log is off unless the application turns it on.
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
  it('answers as without it, and tells the log the code and never the token', async () => {
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const server = spawn(process.execPath, [await quickStart('refusals')], {
      env: { ...process.env, ...environment, PORT: String(port) },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let log = ''
    server.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()))
    const closed = once(server, 'close')
    await answering(url, server)
    const forged = `${reader.slice(0, -8)}AAAAAAAA`
    const refused = await fetch(`${url}/orders`, bearer(forged))
    server.kill()
    await closed

    expect(refused.status).toBe(401)
    expect(refused.headers.get('www-authenticate')).toContain('error="invalid_token"')
    expect(log).toContain('credential_missing')
    expect(log).toContain('signature_invalid')
    expect(log).not.toContain(forged.slice(0, 20))
  })
})

describe('the snippet that ends tokens', () => {
  it('refuses a token that was logged out, and takes another', async () => {
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const server = spawn(process.execPath, [await quickStart('log-out')], {
      env: { ...process.env, ...environment, PORT: String(port) },
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const closed = once(server, 'close')
    await answering(url, server)
    const statuses: number[] = []
    for (const token of [reader, reader, writer])
      statuses.push((await fetch(`${url}/logout`, { method: 'POST', ...bearer(token) })).status)
    server.kill()
    await closed
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

  it('verifies the token of a job that waited as of the time it was put into the queue', async () => {
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

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as { port: number }
  probe.close()
  await once(probe, 'close')
  return port
}

async function answering(url: string, server: ChildProcess): Promise<void> {
  for (;;) {
    if (server.exitCode !== null) throw new Error('The quick start has ended')
    const answer = await fetch(url).catch(() => undefined)
    if (answer) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
