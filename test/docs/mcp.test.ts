// Runs the snippets of docs/mcp.md as printed, with the built packages, and checks that the tests it names exist.
import { startTestIssuer } from '@claimgate/testing'
import { execFile } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { mkdtemp, realpath, rm, symlink, writeFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pageAt, snippet } from '../support/docs/pages.ts'
import { run } from '../support/docs/running.ts'
import { callOf, fieldsWith } from '../support/mcp/requests.ts'

const MCP_URL = 'https://mcp.example.com/mcp'

let folder: string
let issuer: Awaited<ReturnType<typeof startTestIssuer>>
let environment: Record<string, string>
let token: string
let admin: string

beforeAll(async () => {
  folder = await mkdtemp(join(import.meta.dirname, '.run-'))
  await mkdir(join(folder, 'node_modules'))
  const plugin = await realpath(join(import.meta.dirname, '../../packages/fastify/node_modules/fastify-plugin'))
  await symlink(plugin, join(folder, 'node_modules/fastify-plugin'))
  issuer = await startTestIssuer({ audience: MCP_URL })
  token = await issuer.issuer.issue({ sub: 'ada', client_id: 'client-1', scope: 'mcp:tools' })
  admin = await issuer.issuer.issue({ sub: 'ada', client_id: 'client-1', scope: 'mcp:admin' })
  environment = { JWT_ISSUER: issuer.issuer.issuer, MCP_URL, TOKEN: token }
})
afterAll(async () => {
  await issuer.close()
  await rm(folder, { recursive: true, force: true })
})

async function fileOf(name: string, more = ''): Promise<string> {
  const file = join(folder, `${name}.mjs`)
  await writeFile(file, `${snippet(name)}\n${more}`)
  return file
}

/** The value of an expression after the snippet has run. */
async function outcomeOf(name: string, expression: string): Promise<unknown> {
  const file = await fileOf(name, `console.log(JSON.stringify(${expression})); process.exit()`)
  const { stdout } = await promisify(execFile)(process.execPath, [file], { env: { ...process.env, ...environment } })
  return JSON.parse(stdout)
}

describe('the server of the snippet', () => {
  it.each(['mcp-express', 'mcp-fastify'])('%s lets in who may call a tool', async (name) => {
    const server = await run(await fileOf(name), environment)
    try {
      const post = (given: string | undefined, body: string): Promise<Response> =>
        fetch(`${server.url}/mcp`, { method: 'POST', headers: fieldsWith(given), body })
      expect((await post(undefined, callOf('whoami'))).status).toBe(401)
      expect((await post(token, callOf('whoami'))).status).toBe(200)
      if (name !== 'mcp-express') return
      expect(await (await post(token, callOf('whoami'))).text()).toContain('ada')
      expect((await post(token, callOf('purge'))).status).toBe(403)
      expect(await (await post(admin, callOf('purge'))).text()).toContain('purged')
      expect(server.log()).toContain('insufficient_scope')
    } finally {
      await server.close()
    }
  })

  const REQUEST = `{ method: 'POST', headers: ${JSON.stringify(fieldsWith('TOKEN'))}, body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}' }`
  const withToken = REQUEST.replace('"Bearer TOKEN"', '`Bearer ${process.env.TOKEN}`')

  it('mcp-fetch lets in who may call a tool', async () => {
    const file = await fileOf('mcp-fetch')
    const code = `const { default: worker } = await import(${JSON.stringify(file)})
      const status = async (url, init) => (await worker.fetch(new Request(url, init))).status
      console.log(JSON.stringify([
        await status(process.env.MCP_URL, { method: 'POST' }),
        await status(process.env.MCP_URL, ${withToken}),
        await status('https://mcp.example.com/health'),
      ]))
      process.exit()`
    await writeFile(join(folder, 'ask.mjs'), code)
    const env = { ...process.env, ...environment }
    const { stdout } = await promisify(execFile)(process.execPath, [join(folder, 'ask.mjs')], { env })
    expect(JSON.parse(stdout)).toEqual([401, 200, 200])
  })

  it('mcp-verifier verifies tokens for requireBearerAuth', async () => {
    const asked = `await Promise.all([process.env.TOKEN, 'nonsense'].map(async (one) => {
      const auth = await gate(new Request(process.env.MCP_URL, { headers: { authorization: 'Bearer ' + one } }))
      return auth instanceof Response ? auth.status : auth.clientId
    }))`
    expect(await outcomeOf('mcp-verifier', asked)).toEqual(['client-1', 401])
  })
})

describe('every requirement of the MCP specification', () => {
  const rows = [
    ...pageAt('docs/mcp.md').matchAll(/^\| [^|]+ \| (MUST NOT|MUST|SHOULD NOT|SHOULD|MAY|) *\| `([^|]+)` +\|$/gm),
  ]
  const root = join(import.meta.dirname, '../..')
  const tests = globSync('test/{mcp,interop}/*.test.ts', { cwd: root }).map((file) =>
    readFileSync(join(root, file), 'utf8'),
  )

  it('is on the page', () => {
    expect(rows.length).toBeGreaterThan(28)
    expect(rows.filter(([, level]) => level === 'MUST').length).toBeGreaterThan(12)
  })

  it.each([...new Set(rows.map(([, , name = '']) => name))])('has the test "%s"', (name) => {
    expect(tests.filter((text) => text.includes(`('${name}'`)).length).toBe(1)
  })
})
