import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startFakeKms } from '@claimgate/testing/aws'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'

import { takeFinds } from '../../../test/support/secrets/watch.ts'

// The commands of README.md, with other ports, because those may be in use.
const root = fileURLToPath(new URL('../../../', import.meta.url))
const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
// Without the AWS account and settings of this machine.
const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(AWS|JWT|KMS)_|_PORT$/.test(name)),
)

let ports: readonly number[]
beforeAll(async () => {
  ports = await Promise.all([freePort(), freePort(), freePort()])
})

const withPorts = (text: string): string =>
  text.replace(/\b401([0-2])\b/g, (_all, index) => String(ports[Number(index)]))
const ownPorts = (): Record<string, string> => ({ SIGNING_PORT: String(ports[0]), API_PORT: String(ports[1]) })
const command = (name: string): string => {
  const [, text] = new RegExp(`<!-- run: ${name} -->\\n+\`\`\`sh\\n([\\s\\S]*?)\`\`\``).exec(readme) ?? []
  expect(text, `the command "${name}" of README.md`).toBeDefined()
  return withPorts(text ?? '')
}

interface Started {
  /** What it has printed. */
  output(): string
  stop(): Promise<void>
}

/** Starts a shell command, and waits until it says where its API is. Rejects with its output if it ends. */
const start = async (text: string, env: Record<string, string> = {}): Promise<Started> => {
  // A separate process group, because `npx` does not forward every signal.
  const child = spawn('sh', ['-c', text], { cwd: root, env: { ...environment, ...env }, detached: true })
  let output = ''
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString()
        if (output.includes('/api/v1/protected')) resolve()
      })
    }
    child.once('close', () => reject(new Error(`It has ended: ${output}`)))
  })
  return { output: () => output, stop: () => stopGroup(child) }
}

const ended = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null

const stopGroup = async (child: ChildProcess): Promise<void> => {
  if (ended(child) || child.pid === undefined) return
  const closed = once(child, 'close')
  process.kill(-child.pid, 'SIGTERM')
  await closed
}

const run = promisify(execFile)
const shell = async (text: string, env: Record<string, string> = {}): Promise<string> =>
  (await run('sh', ['-c', text], { cwd: root, env: { ...environment, ...env } })).stdout
const invoke = async (event: object): Promise<Response> =>
  fetch(withPorts('http://127.0.0.1:4010/2015-03-31/functions/function/invocations'), {
    method: 'POST',
    body: JSON.stringify(event),
  })
const call = async (token: string, port = 4011): Promise<Response> =>
  fetch(withPorts(`http://127.0.0.1:${port}/api/v1/protected`), { headers: { authorization: `Bearer ${token}` } })

describe('the example as its README runs it', () => {
  let example: Started
  beforeAll(async () => {
    example = await start(command('start'), ownPorts())
  })
  afterAll(() => example?.stop())

  it('signs tokens, accepts them, and refuses requests without one', async () => {
    const answers = await shell(command('try'))
    expect(answers).toMatch(/^\{"caller":"ada","scopes":\["orders:read"\]\}HTTP\/1.1 403 Forbidden\r\n/)
    expect(answers).toMatch(/www-authenticate: Bearer [^\n]*error="insufficient_scope"/i)
    expect(answers).toMatch(/HTTP\/1.1 401 Unauthorized\r\n/)
  })

  it('serves a separate API that knows only the public key', async () => {
    const api = await start(command('api'))
    onTestFinished(api.stop)
    const { token } = (await (await invoke({ claims: { sub: 'ada' }, ttl: 60, setIat: true })).json()) as {
      token: string
    }
    expect((await call(token, 4012)).status).toBe(200)
    expect((await call(`${token.slice(0, -8)}AAAAAAAA`, 4012)).status).toBe(401)
  })

  it.each([
    ['would never expire', { claims: { sub: 'ada' } }],
    ['has no claims', { ttl: 60 }],
  ])('reports an event whose token %s like Lambda', async (_what, event) => {
    const answer = await invoke(event)
    expect([answer.status, answer.headers.get('x-amz-function-error')]).toEqual([200, 'Unhandled'])
    expect(await answer.json()).toEqual({
      errorType: 'TypeError',
      errorMessage: expect.stringMatching(/^Cannot issue token: /),
    })
  })

  it('refuses an expired token, and one for another API', async () => {
    for (const claims of [
      { iat: 1_700_000_000, exp: 1_700_000_060 },
      { aud: 'billing-api', exp: 4_000_000_000 },
    ]) {
      const { token } = (await (await invoke({ claims: { sub: 'ada', ...claims } })).json()) as { token: string }
      expect((await call(token)).status).toBe(401)
    }
  })

  it('prints the addresses, and neither tokens nor keys', () => {
    expect(example.output()).toMatch(/^Key +\S+ \(ES256\) in a fake KMS$/m)
    expect(example.output()).not.toMatch(/eyJ|BEGIN|MFkw/)
  })
})

describe('the example with a key in AWS', () => {
  const aws = async (): Promise<{ env: Record<string, string>; requests(): number }> => {
    const kms = await startFakeKms({ keys: [{ keyId: 'in-aws', keySpec: 'RSA_2048', aliases: ['alias/tokens'] }] })
    const env = {
      AWS_ENDPOINT_URL_KMS: kms.endpoint,
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'secret-access-key',
      KMS_KEY_ID: 'alias/tokens',
    }
    onTestFinished(kms.close)
    return { env, requests: () => kms.requests('Sign') }
  }

  it('signs there, with the credentials that the SDK finds in the environment', async () => {
    const { env, requests } = await aws()
    const example = await start(command('start'), { ...ownPorts(), ...env })
    onTestFinished(example.stop)
    expect(await shell(command('try'))).toMatch(/^\{"caller":"ada"/)
    expect(requests(), 'signatures requested from AWS').toBe(1)
    expect(example.output()).toMatch(/^Key +in-aws \(RS256\) in AWS KMS$/m)
    expect(example.output()).not.toMatch(/eyJ|secret-access-key/)
  })

  const BUILT = './examples/kms-issuer/dist/lambda.js'
  const BUNDLED = './examples/kms-issuer/dist/function/index.cjs'
  const load = async (file: string, env: Record<string, string> = {}): Promise<string> => {
    const text = `import('${file}').then(async ({ handler }) =>
      console.log((await handler({ claims: { sub: 'ada' }, ttl: 60 })).token))`
    return (await run(process.execPath, ['-e', text], { cwd: root, env: { ...environment, ...env } })).stdout
  }

  it('has a function that Lambda can load, as built and as bundled by the README', async () => {
    const { env, requests } = await aws()
    await shell(command('bundle'))
    for (const file of [BUILT, BUNDLED]) {
      const [header = ''] = (await load(file, env)).split('.')
      const parsed: unknown = JSON.parse(Buffer.from(header, 'base64url').toString())
      expect(parsed).toEqual({ alg: 'RS256', typ: 'JWT', kid: 'in-aws' })
    }
    expect(requests(), 'signatures requested from AWS').toBe(2)
    // The code that `load` runs prints the token.
    expect(takeFinds(), 'printed only here').toEqual(['stdout of a child process: a signed token'])
  })

  it('has a function that fails immediately if no key is set', async () => {
    await expect(load(BUILT)).rejects.toThrow('Set KMS_KEY_ID to the ID, the ARN or an alias of a signing key in KMS')
  })

  it('does not start with a missing key, and says so', async () => {
    const { env } = await aws()
    const starting = start(command('start'), { ...ownPorts(), ...env, KMS_KEY_ID: 'alias/missing' })
    await expect(starting).rejects.toThrow('kms_key_not_found')
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
