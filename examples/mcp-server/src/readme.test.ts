import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

// The commands of the page, run from the top of the repository, with other ports.
const root = fileURLToPath(new URL('../../../', import.meta.url))
const page = await readFile(new URL('../README.md', import.meta.url), 'utf8')
const commands = [...page.matchAll(/```sh\n([^]*?)```/g)].map(([, command = '']) => command)
const [, printed = ''] = /```\n(the server answers [^]*?)```/.exec(page) ?? []
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:JWT_|MCP_URL$|PORT$)/.test(name)))

const children: ChildProcess[] = []

async function start(command = ''): Promise<void> {
  // In a separate process group, so that processes started by `npx` stop with it.
  const child = spawn('sh', ['-c', command], { cwd: root, env, detached: true })
  children.push(child)
  let output = ''
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString()
        if (output.includes(' listens on ')) resolve()
      })
    child.once('close', () => reject(new Error(`It has ended: ${output}`)))
  })
}

const run = async (command = ''): Promise<string> =>
  (await promisify(execFile)('sh', ['-c', command], { cwd: root, env })).stdout

async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { readonly port: number }
  server.close()
  await once(server, 'close')
  return String(port)
}

describe('the commands of the page', () => {
  let [client, curl]: (string | undefined)[] = []
  beforeAll(async () => {
    const ports = [await freePort(), await freePort()] as const
    const [issuer, server, ...others] = commands.map((text) =>
      text.replaceAll('4081', ports[0]).replaceAll('4080', ports[1]),
    )
    await start(issuer)
    await start(server)
    ;[client, curl] = others
  })
  afterAll(async () => {
    for (const child of children) {
      if (child.pid === undefined || child.exitCode !== null) continue
      const closed = once(child, 'close')
      process.kill(-child.pid, 'SIGTERM')
      await closed
    }
  })

  it('print what the page shows', async () => {
    const output = (await run(client)).replaceAll(/(resource_metadata|error_description)="[^"]*"/g, '$1="…"')
    expect(output).toBe(printed)
  })

  it('show the challenge and the metadata', async () => {
    const output = await run(curl)
    expect([...output.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => status)).toEqual(['401', '200'])
    expect(output).toContain('scope="notes:read"')
    expect(output).toContain('"resource_name":"Notes"')
  })
})
