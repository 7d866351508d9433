import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

// The commands of the READMEs, with other ports, because those may be in use. They run the programs that a terminal runs.
const root = fileURLToPath(new URL('../../../', import.meta.url))
const environment = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(AUTH|JWT)_/.test(name))),
  PATH: (process.env['PATH'] ?? '')
    .split(':')
    .filter((folder) => !folder.endsWith('/node_modules/.bin'))
    .join(':'),
}

const commandsOf = async (example: string): Promise<readonly string[]> => {
  const readme = await readFile(new URL(`../../${example}/README.md`, import.meta.url), 'utf8')
  return [...readme.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, text = '']) => text)
}

const children: ChildProcess[] = []

/** Starts a program with a shell command, and waits until it says that it listens. */
const start = async (text: string): Promise<void> => {
  // A separate process group, because `npx` does not forward every signal.
  const child = spawn('sh', ['-c', text], { cwd: root, env: environment, detached: true })
  children.push(child)
  let output = ''
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString()
        if (output.includes('listens on')) resolve()
      })
    }
    child.once('close', () => reject(new Error(`It has ended: ${output}`)))
  })
}

const statusesOf = async (text: string): Promise<readonly string[]> => {
  const { stdout } = await promisify(execFile)('sh', ['-c', text], { cwd: root, env: environment })
  return [...stdout.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status = '']) => status)
}

afterAll(async () => {
  await Promise.all(
    children.map(async (child) => {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
      const closed = once(child, 'close')
      process.kill(-child.pid, 'SIGTERM')
      await closed
    }),
  )
})

describe.each([
  ['resource-server-express', '4001'],
  ['resource-server-fastify', '4002'],
])('the README of %s, with the auth service started as its README says', (example, apiPort) => {
  let tryIt = ''
  let logOut = ''
  beforeAll(async () => {
    const ports = [await freePort(), await freePort()]
    const withPorts = (text = ''): string =>
      text.replaceAll('4000', String(ports[0])).replaceAll(apiPort, String(ports[1]))
    const [startAuth] = await commandsOf('auth-service')
    const [startApi, ...others] = await commandsOf(example)
    const logoutUri = `AUTH_LOGOUT_URIS=http://127.0.0.1:${apiPort}/api/v1/ended-sessions`
    await start(withPorts(`${logoutUri} ${startAuth}`))
    await start(withPorts(startApi))
    ;[tryIt = '', logOut = ''] = others.map(withPorts)
  })

  it('lets Ada in and write, and refuses requests without a token', async () => {
    expect(await statusesOf(tryIt)).toEqual(['200', '201', '401'])
  })

  it('revokes her token when she logs out', async () => {
    expect(await statusesOf(`${tryIt}\n${logOut}`)).toEqual(['200', '201', '401', '204', '401'])
  })
})

describe('the README of auth-service', () => {
  it('returns a token for the password, none for a wrong one, and logs out', async () => {
    const port = String(await freePort())
    const [startAuth = '', tryIt = ''] = await commandsOf('auth-service')
    await start(startAuth.replaceAll('4000', port))
    // The first command prints a token, which must not be in the test log.
    const quiet = tryIt.replaceAll('4000', port).replace(/^curl -s (?=\S+\/auth )/m, 'curl -so /dev/null ')
    expect(await statusesOf(quiet)).toEqual(['401', '204'])
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
