import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startTestIssuer } from '@claimgate/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

// The inspector is large, so it is installed outside the workspace: `npm run setup:inspector`.
const inspector = fileURLToPath(
  new URL('../inspector/node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js', import.meta.url),
)
const program = fileURLToPath(new URL('../../examples/mcp-server/dist/main.js', import.meta.url))
const INSTALLED = [inspector].filter((path) => existsSync(path))
const MISSING = INSTALLED.length === 0 ? ['npm run setup:inspector'] : []

it.each(MISSING)('the MCP inspector is not run, because it is not installed: %s', () => {
  expect(INSTALLED).toEqual([])
})

interface Output {
  readonly stdout: string
  readonly stderr: string
  /** The exit status; `undefined` after a success. */
  readonly code?: number
}

// The official inspector against `examples/mcp-server`.
describe.each(INSTALLED)('the command line of the MCP inspector', () => {
  const cleanUps: (() => unknown)[] = []
  let inspect: (args: readonly string[], scope?: string) => Promise<Output>

  beforeAll(async () => {
    const port = await freePort()
    const url = `http://127.0.0.1:${port}/mcp`
    const authority = await startTestIssuer({ audience: url })
    const home = await mkdtemp(join(tmpdir(), 'inspector-'))
    const env = { ...process.env, HOME: home, JWT_ISSUER: authority.issuer.issuer, PORT: String(port) }
    const server = spawn(process.execPath, [program], { env, stdio: ['ignore', 'pipe', 'ignore'] })
    const closed = once(server, 'close')
    cleanUps.push(
      async () => {
        server.kill()
        await closed
      },
      async () => authority.server.close(),
      async () => rm(home, { recursive: true }),
    )
    await once(server.stdout, 'data')
    inspect = async (args, scope) => {
      const token = scope === undefined ? undefined : await authority.issuer.issue({ sub: 'ada', scope })
      const header = token === undefined ? [] : ['--header', `Authorization: Bearer ${token}`]
      const all = [inspector, '--cli', url, '--transport', 'http', ...args, ...header]
      return promisify(execFile)(process.execPath, all, { env }).catch((error: unknown) => error as Output)
    }
  })
  afterAll(async () => {
    for (const cleanUp of cleanUps) await cleanUp()
  })

  it('lists the tools with a token', async () => {
    const { stdout } = await inspect(['--method', 'tools/list'], 'notes:read')
    const { tools } = JSON.parse(stdout) as { readonly tools: readonly { readonly name: string }[] }
    expect(tools.map(({ name }) => name)).toEqual(['list_notes', 'delete_notes'])
  })

  it('calls a tool', async () => {
    const { stdout } = await inspect(['--method', 'tools/call', '--tool-name', 'list_notes'], 'notes:read')
    expect(JSON.parse(stdout)).toEqual({ content: [{ type: 'text', text: 'Buy milk, Call Bob' }] })
  })

  it('calls a tool that needs another scope only if the token has it', async () => {
    const call = ['--method', 'tools/call', '--tool-name', 'delete_notes', '--tool-arg', 'containing=milk']
    const refused = await inspect(call, 'notes:read')
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toContain('Insufficient scope: required \\"notes:read notes:admin\\"')
    const { stdout } = await inspect(call, 'notes:read notes:admin')
    expect(JSON.parse(stdout)).toEqual({ content: [{ type: 'text', text: '1 deleted' }] })
  })

  it('begins an authorization without a token', async () => {
    const { code, stderr } = await inspect(['--method', 'tools/list'])
    expect({ code, wantsLogin: stderr.includes('auth_required') }).toEqual({ code: 3, wantsLogin: true })
  })
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
