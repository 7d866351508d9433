import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startFakeSsm } from '@claimgate/testing/aws'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'

import { takeFinds } from '../../../test/support/secrets/watch.ts'

// The commands of the page, run from the top of the repository, with free ports.
const root = fileURLToPath(new URL('../../../', import.meta.url))
const page = await readFile(new URL('../README.md', import.meta.url), 'utf8')
const [setUp = '', startIssuer = '', startApi = '', tryIt = '', bundle = '', ...more] = [
  ...page.matchAll(/```sh\n([^]*?)```/g),
].map(([, command = '']) => command)

// Without the AWS account of this machine, and with no settings except those of the page.
const clean = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(AWS|JWT|SIGNING_KEY)_|^PORT$/.test(name)),
)

const NAME = '/orders/signing-key'
const AWS = {
  AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'a-secret-access-key',
  AWS_REGION: 'eu-central-1',
}

interface Program {
  /** What it has printed, including warnings of npm and Node. */
  printed(): string
  /** Its own lines, without those warnings. */
  lines(): readonly string[]
  stop(): Promise<void>
}

/** Starts a command and waits until it listens. Rejects with its output if it ends instead. */
async function start(command: string, env: Record<string, string> = {}): Promise<Program> {
  // In a separate process group, so that processes started by `npx` stop with it.
  const child = spawn('bash', ['-c', command], { cwd: root, env: { ...clean, ...env }, detached: true })
  let printed = ''
  let own = ''
  const listening = new Promise<void>((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      printed += chunk.toString()
      if (/ listens on /.test(printed)) resolve()
    }
    child.stdout.on('data', (chunk: Buffer) => {
      own += chunk.toString()
      read(chunk)
    })
    child.stderr.on('data', read)
    child.once('close', () => reject(new Error(printed)))
  })
  await listening
  return { printed: () => printed, lines: () => own.trim().split('\n'), stop: () => stop(child) }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const closed = once(child, 'close')
  process.kill(-child.pid, 'SIGTERM')
  await closed
}

const run = promisify(execFile)

async function freePorts(): Promise<(text: string) => string> {
  const free = await Promise.all(
    ['4020', '4021'].map(async (port) => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      const address = server.address() as { readonly port: number }
      server.close()
      return [port, String(address.port)] as const
    }),
  )
  return (text) => free.reduce((changed, [port, own]) => changed.replaceAll(port, own), text)
}

const forAda = { claims: { sub: 'ada', scope: 'orders:read orders:write' }, ttl: 60, setIat: true }

describe('the page', () => {
  it('has commands to set up, to start both programs, to try them and to deploy', () => {
    expect(setUp.trim()).toBe('npm run setup && npm run build')
    expect(startIssuer).toContain('dist/issuer.js')
    expect(startApi).toContain('dist/api.js')
    expect(tryIt).toContain('TOKEN=')
    expect(bundle).toContain('esbuild')
    expect(more).toEqual([])
    expect(page.split('\n').length, 'lines of the page, at most 80').toBeLessThanOrEqual(80)
  })
})

describe('the issuer and the API, started as the page says', () => {
  let ported: (text: string) => string
  let issuer: Program | undefined
  let api: Program | undefined
  beforeAll(async () => {
    ported = await freePorts()
    issuer = await start(ported(startIssuer))
    api = await start(ported(startApi))
  }, 90_000)
  afterAll(async () => {
    await Promise.all([issuer?.stop(), api?.stop()])
  })
  const invoke = async (body: string): Promise<Response> =>
    fetch(ported('http://127.0.0.1:4020/2015-03-31/functions/function/invocations'), { method: 'POST', body })
  const tokenFor = async (event: object): Promise<string> =>
    ((await (await invoke(JSON.stringify(event))).json()) as { readonly token: string }).token
  const order = async (token: string): Promise<Response> =>
    fetch(ported('http://127.0.0.1:4021/api/v1/orders'), {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
    })

  it('answer as the page says', async () => {
    const { stdout } = await run('bash', ['-c', ported(tryIt)], { cwd: root, env: clean })
    const [first = '', second = '', third = ''] = stdout.split(/(?=HTTP\/1\.1 )/)
    expect(page).toContain(`\`${first}\``)
    expect(first).toBe('{"caller":"ada","scopes":["orders:read"]}')
    expect(second).toMatch(/^HTTP\/1\.1 403 [^]*error="insufficient_scope"[^]*scope="orders:write"/)
    expect(third).toMatch(/^HTTP\/1\.1 401 /)
  })

  it('accept an order only with a token that allows it', async () => {
    const token = await tokenFor(forAda)
    const answer = await order(token)
    expect([answer.status, await answer.json()]).toEqual([201, { orderedBy: 'ada' }])
    expect((await order(`${token.slice(0, -8)}AAAAAAAA`)).status).toBe(401)
    expect((await order(await tokenFor({ claims: { ...forAda.claims, aud: 'billing-api' } }))).status).toBe(401)
    expect((await order(await tokenFor({ claims: { ...forAda.claims, exp: 1_700_000_000 } }))).status).toBe(401)
  })

  it('report a wrong event like Lambda, and continue', async () => {
    const answer = await invoke('{"claims":{"sub":"ada"},"ttl":-1}')
    expect([answer.status, answer.headers.get('x-amz-function-error')]).toEqual([200, 'Unhandled'])
    expect(await answer.json()).toEqual({
      errorType: 'TypeError',
      errorMessage: expect.stringMatching(/^Cannot issue token: "ttl" must be/),
    })
    expect((await invoke('{')).status).toBe(400)
    expect((await invoke(`"${'x'.repeat(70_000)}"`)).status).toBe(400)
    expect((await order(await tokenFor(forAda))).status).toBe(201)
  })

  it('print that a key was created and where they listen, but no key and no token', async () => {
    const [event = '', ...rest] = issuer?.lines() ?? []
    expect(JSON.parse(event)).toEqual({ type: 'key.created', kid: expect.stringMatching(/^[\w-]{43}$/), version: 1 })
    expect(rest).toEqual([expect.stringMatching(/^issuer listens on \S+, its key in a fake Parameter Store$/)])
    expect(api?.lines()).toEqual([expect.stringMatching(/^api listens on \S+$/)])
    expect(`${issuer?.printed()}${api?.printed()}`).not.toMatch(/eyJ|PRIVATE|MFkw/)
  })
})

describe('with AWS in the environment', () => {
  const store = async (pem?: string) => {
    const ssm = await startFakeSsm({ parameters: pem === undefined ? {} : { [NAME]: pem } })
    onTestFinished(ssm.close)
    const env = { ...AWS, AWS_ENDPOINT_URL_SSM: ssm.endpoint, SIGNING_KEY_PARAMETER: NAME }
    return { ssm, env }
  }
  const newPem = () =>
    generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  const LOAD = `import('./examples/parameter-store-issuer/dist/function/index.cjs').then(async ({ handler }) =>
    console.log((await handler(${JSON.stringify(forAda)})).token))`
  const JWT = { JWT_ISSUER: 'https://issuer.example', JWT_AUDIENCE: 'orders-api' }

  it('the issuer signs with the key that is stored there', async () => {
    const pem = newPem()
    const { ssm, env } = await store(pem)
    const ported = await freePorts()
    const issuer = await start(ported(startIssuer), env)
    onTestFinished(issuer.stop)
    const api = await start(ported(startApi))
    onTestFinished(api.stop)
    const { stdout } = await run('bash', ['-c', ported(tryIt)], { cwd: root, env: clean })
    expect(stdout).toMatch(/^\{"caller":"ada"/)
    expect(ssm.calls()).toEqual([{ operation: 'GetParameter', input: { Name: NAME, WithDecryption: true } }])
    expect(issuer.printed()).toContain('its key in AWS')
    const { d = '' } = createPrivateKey(pem).export({ format: 'jwk' })
    expect(d).not.toBe('')
    for (const secret of [d, pem.slice(60, 80), AWS.AWS_SECRET_ACCESS_KEY]) {
      expect(issuer.printed() + stdout).not.toContain(secret)
    }
  })

  it('the deployed function also signs with it, or creates it if configured to', async () => {
    const { ssm, env } = await store()
    await run('bash', ['-c', bundle], { cwd: root, env: clean })
    const load = (settings: Record<string, string>) =>
      run(process.execPath, ['-e', LOAD], { cwd: root, env: { ...clean, ...env, ...JWT, ...settings } })
    await expect(load({})).rejects.toThrow('parameter_not_found')
    const created = await load({ SIGNING_KEY_CREATE: 'true' })
    const loaded = await load({})
    const kidOf = (printed: string) => {
      const token = printed.trim().split('\n').at(-1) ?? ''
      return (JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { readonly kid: string })
        .kid
    }
    expect(kidOf(loaded.stdout)).toBe(kidOf(created.stdout))
    expect(ssm.parameter(NAME)?.version).toBe(1)
    expect(created.stdout).toContain('"key.created"')
    expect(created.stdout + loaded.stdout).not.toContain('PRIVATE')
    // The code that `load` runs prints the token.
    expect(takeFinds(), 'printed only here').toEqual(['stdout of a child process: a signed token'])
  })

  it.each([
    ['a missing key', {}, 'parameter_not_found'],
    ['a setting that is neither true nor false', { SIGNING_KEY_CREATE: 'yes' }, 'SIGNING_KEY_CREATE must be'],
  ])('nothing starts with %s', async (_what, settings, says) => {
    const { env } = await store()
    await expect(start((await freePorts())(startIssuer), { ...env, ...settings })).rejects.toThrow(says)
  })

  it('nothing starts with a parameter and no credentials', async () => {
    const starting = start((await freePorts())(startIssuer), { SIGNING_KEY_PARAMETER: NAME })
    await expect(starting).rejects.toThrow('SIGNING_KEY_PARAMETER needs credentials')
  })
})
