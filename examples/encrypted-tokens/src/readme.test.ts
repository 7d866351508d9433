import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createPrivateKey } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'

// The commands of the page, run from the top of the repository, with another port and folder.
const root = fileURLToPath(new URL('../../../', import.meta.url))
const page = await readFile(new URL('../README.md', import.meta.url), 'utf8')
const [setUp = '', startServer = '', runClient = '', tryIt = '', startWithKeys = '', ...more] = [
  ...page.matchAll(/```sh\n([^]*?)```/g),
].map(([, command = '']) => command)
const [, printed = ''] = /```\n(received [^]*?)```/.exec(page) ?? []

const clean = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(KEY_|CLIENT_SECRET$|SERVER$|PORT$)/.test(name)),
)
const PASSPHRASE = 'correct horse battery staple'

interface Program {
  /** What it has printed, including warnings of npm and Node. */
  output(): string
  stop(): Promise<void>
}

/** Starts a command and waits until it listens. Rejects with its output if it ends instead. */
async function start(command: string): Promise<Program> {
  // In a separate process group, so that processes started by `npx` stop with it.
  const child = spawn('bash', ['-c', command], { cwd: root, env: clean, detached: true })
  let output = ''
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString()
        if (output.includes(' listens on ')) resolve()
      })
    child.once('close', () => reject(new Error(output)))
  })
  return { output: () => output, stop: () => stop(child) }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const closed = once(child, 'close')
  process.kill(-child.pid, 'SIGTERM')
  await closed
}

const execute = promisify(execFile)
const run = async (command: string): Promise<string> =>
  (await execute('bash', ['-c', command], { cwd: root, env: clean })).stdout

async function freePort(): Promise<(text: string) => string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { readonly port: number }
  server.close()
  await once(server, 'close')
  return (text) => text.replaceAll('4030', String(port))
}

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'claimgate-keys-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return join(folder, 'keys')
}

describe('the page', () => {
  it('has commands to set up, to start the server, to run the client, to show keys and to store them', () => {
    expect(setUp.trim()).toBe('npm run setup && npm run build')
    expect(startServer).toContain('dist/main.js')
    expect(runClient).toContain('dist/client.js')
    expect(tryIt).toContain('encryption-jwks.json')
    expect(startWithKeys).toContain('KEY_FOLDER=examples/encrypted-tokens/keys')
    expect(more).toEqual([])
    expect(page.split('\n').length, 'lines of the page, at most 80').toBeLessThanOrEqual(80)
  })
})

describe('server and client, run as the page says', () => {
  let ported: (text: string) => string
  let server: Program | undefined
  beforeAll(async () => {
    ported = await freePort()
    server = await start(ported(startServer))
  }, 60_000)
  afterAll(async () => server?.stop())

  it('send tokens encrypted both ways, and accept them as the page says', async () => {
    expect(printed.split('\n')).toHaveLength(7)
    expect(await run(ported(runClient))).toBe(printed)
  })

  it('publish a key to encrypt to, and answer a request without a token with a challenge', async () => {
    const [jwks = '', refusal = ''] = (await run(ported(tryIt))).split(/(?=HTTP\/1\.1 )/)
    expect(JSON.parse(jwks)).toEqual({
      keys: [
        { kty: 'EC', crv: 'P-256', x: expect.any(String), y: expect.any(String), kid: expect.any(String), use: 'enc' },
      ],
    })
    expect(refusal).toMatch(/^HTTP\/1\.1 401 [^]*www-authenticate: Bearer realm="api"\r\n/)
  })

  const askForToken = async (body: string): Promise<number> => {
    const headers = { 'content-type': 'application/json' }
    return (await fetch(ported('http://127.0.0.1:4030/api/v1/token'), { method: 'POST', headers, body })).status
  }
  const point = { kty: 'EC', crv: 'P-256', x: 'A'.repeat(43), y: 'A'.repeat(43), kid: 'k' }

  it.each([
    ['no secret', '{}', 401],
    ['another secret', '{"secret":"open-barley"}', 401],
    ['no key', '{"secret":"open-sesame"}', 400],
    ['a point that is not on the curve', JSON.stringify({ secret: 'open-sesame', encryptionKey: point }), 400],
    ['a private key', JSON.stringify({ secret: 'open-sesame', encryptionKey: { ...point, d: 'A' } }), 400],
    [
      'a secret key',
      JSON.stringify({ secret: 'open-sesame', encryptionKey: { kty: 'oct', k: 'AAAA', kid: 'k' } }),
      400,
    ],
  ])('issue no token for %s', async (_, body, status) => {
    expect(await askForToken(body)).toBe(status)
  })

  it('print neither keys nor tokens', () => {
    const lines = server
      ?.output()
      .split('\n')
      .filter((line) => / listens on |^keys /.test(line))
    expect(lines).toEqual(['keys are fresh', expect.stringMatching(/^server listens on http:\/\/127\.0\.0\.1:\d+$/)])
    expect(server?.output()).not.toMatch(/eyJ|PRIVATE|open-sesame/)
  })

  it('create new keys at each start', async () => {
    const port = await freePort()
    const other = await start(port(startServer))
    onTestFinished(other.stop)
    expect(await run(port(tryIt))).not.toContain(
      JSON.stringify(JSON.parse((await run(ported(tryIt))).split('HTTP/')[0] ?? '')),
    )
  })
})

describe('keys in a folder', () => {
  const withKeys = (command: string, folder: string, passphrase = PASSPHRASE): string =>
    command.replace('examples/encrypted-tokens/keys', `'${folder}'`).replace(PASSPHRASE, passphrase)
  const published = async (ported: (text: string) => string): Promise<string> =>
    (await run(ported(tryIt))).split('HTTP/')[0] ?? ''

  it('survive a restart, are readable only by their owner, and encrypted with the passphrase', async () => {
    const [ported, folder] = [await freePort(), await newFolder()]
    const command = ported(withKeys(startWithKeys, folder))
    const server = await start(command)
    onTestFinished(server.stop)
    const before = await published(ported)
    const keep = `KEY_FOLDER='${folder}' KEY_PASSPHRASE='${PASSPHRASE}' `
    expect(await run(keep + ported(runClient))).toBe(printed)
    await server.stop()

    const again = await start(command)
    onTestFinished(again.stop)
    expect(await published(ported)).toBe(before)
    expect(again.output()).toContain(`keys are kept in ${folder}`)
    expect(await run(keep + ported(runClient))).toBe(printed)

    const files = await readdir(folder)
    expect(files.toSorted()).toEqual(['client-encryption.pem', 'server-encryption.pem', 'server-signing.pem'])
    for (const file of files) {
      expect((await stat(join(folder, file))).mode & 0o777).toBe(0o600)
      const pem = await readFile(join(folder, file), 'utf8')
      expect(pem).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----/)
      expect(createPrivateKey({ key: pem, passphrase: PASSPHRASE }).asymmetricKeyType).toBe('ec')
      expect(server.output() + again.output()).not.toContain(pem.slice(60, 100))
    }
    expect(server.output() + again.output()).not.toMatch(/correct horse|eyJ|open-sesame/)
  }, 60_000)

  it('stop the start if the passphrase is wrong, too short or missing, or if others may read a file', async () => {
    const [ported, folder] = [await freePort(), await newFolder()]
    const server = await start(ported(withKeys(startWithKeys, folder)))
    await server.stop()
    const failure = async (passphrase: string): Promise<string> =>
      start(ported(withKeys(startWithKeys, folder, passphrase))).then(
        () => 'it started',
        (error: unknown) => String(error),
      )
    const wrong = await failure('wrong horse battery staple')
    expect(wrong).toMatch(/"passphrase" must (be what the key was encrypted with|open the key)/)
    expect(wrong).not.toMatch(/wrong horse|MII/)
    expect(await failure('short')).toContain('KEY_FOLDER needs KEY_PASSPHRASE')
    expect(await failure('')).toContain('KEY_FOLDER needs KEY_PASSPHRASE')
    await chmod(join(folder, 'server-signing.pem'), 0o640)
    expect(await failure(PASSPHRASE)).toContain('Others may read')
  }, 60_000)
})

it('nothing starts without the client secret', async () => {
  await expect(start((await freePort())(startServer).replace('CLIENT_SECRET=open-sesame', ''))).rejects.toThrow(
    'CLIENT_SECRET is missing',
  )
})
