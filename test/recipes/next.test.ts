// `next build` and a server of Next.js really run, both as child processes.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type RawRequest, type RawResponse, sendRaw } from '../support/contract/raw-request.ts'
import { glueLines, INSTALLED, recipeCode } from '../support/recipes/page.ts'
import { type RecipeWorld, startRecipe } from '../support/recipes/world.ts'

const FILES: Readonly<Record<string, string>> = {
  'gate.js': 'gate',
  'auth.js': 'auth',
  'proxy.js': 'proxy',
  'instrumentation.js': 'instrumentation',
  'app/api/orders/route.js': 'route',
  'app/account/page.js': 'page',
  'app/actions.js': 'action',
}
/** The rest of an application. `/missed/…` is on no path of the matcher. What runs is written to the output. */
const MORE: Readonly<Record<string, string>> = {
  'package.json': '{ "type": "module" }',
  'next.config.js': `
    import { join } from 'node:path'
    import { settings } from './settings.js'
    // As after an attack on a dependency: every test runs so.
    Object.defineProperty(Object.prototype, 'claims', { value: { sub: 'eve' }, writable: true, configurable: true })
    const experimental = { turbopackMinify: false, turbopackSourceMaps: false }
    export default { ...settings, experimental, turbopack: { root: join(import.meta.dirname, '../../..') } }`,
  'settings.js': recipeCode('next', 'config').replace('export default', 'export const settings ='),
  'orders.js': `
    export const ordersOf = (user) => (console.log('RAN orders'), { user })
    export const cancelOrder = (id) => (console.log('RAN cancel ' + id), { id })`,
  'app/layout.js': `export default function Layout({ children }) { return <html><body>{children}</body></html> }`,
  'app/missed/orders/route.js': `export { GET, POST } from '../../api/orders/route.js'`,
  'app/missed/account/page.js': `export { default } from '../../account/page.js'`,
  'app/missed/slow/page.js': `export { default } from '../../account/page.js'`,
  'app/missed/slow/loading.js': `export default () => 'Loading'`,
  'app/missed/form/page.js': `
    import { connection } from 'next/server'
    import { cancel } from '../../actions.js'
    export default async function Form() { await connection(); return <form action={cancel}><input name="id" /></form> }`,
  'app/api/seen/route.js': `export const GET = (request) => Response.json(Object.fromEntries(request.headers))`,
}

const UNSET = { JWT_ISSUER: undefined, JWT_AUDIENCE: undefined, JWT_JWKS_URI: undefined }

let world: RecipeWorld
let folder: string
let port: number
let output: () => string
const children: ChildProcess[] = []

beforeAll(async () => {
  world = await startRecipe('next', {})
  folder = await mkdtemp(join(INSTALLED, '.run-'))
  const pages = Object.entries(FILES).map(([path, name]) => [path, recipeCode('next', name)] as const)
  for (const [path, code] of [...pages, ...Object.entries(MORE)]) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), code)
  }
  await installClaimgate(join(folder, 'node_modules'))
  // As in a build that knows nothing of where it will run.
  const build = run(['build'], { ...process.env, ...UNSET })
  const [code] = await once(build.child, 'close')
  if (code !== 0) throw new Error(build.output())
  ;({ port, output } = await serve())
}, 240_000)
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await world.close()
  await rm(folder, { recursive: true, force: true })
})

// Copies, because Next.js would bundle what lies outside of node_modules.
async function installClaimgate(modules: string): Promise<void> {
  const packages = join(INSTALLED, '../../packages')
  for (const name of ['core', 'fetch'])
    for (const part of ['package.json', 'dist'])
      await cp(join(packages, name, part), join(modules, '@claimgate', name, part), { recursive: true })
  for (const name of ['jose', 'lru-cache', 'undici'])
    await symlink(join(packages, 'core/node_modules', name), join(modules, name), 'dir')
}

let seen = 0
beforeEach(() => {
  seen = output().length
})

function run(parameters: readonly string[], env: NodeJS.ProcessEnv) {
  const all = { ...env, NEXT_TELEMETRY_DISABLED: '1', NODE_ENV: 'production' } as const
  const child = spawn(process.execPath, [join(INSTALLED, 'node_modules/next/dist/bin/next'), ...parameters], {
    cwd: folder,
    env: all,
  })
  children.push(child)
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += String(chunk)))
  return { child, output: () => text }
}

async function serve(env: NodeJS.ProcessEnv = process.env) {
  const server = run(['start', '-p', '0', '-H', '127.0.0.1'], env)
  await vi.waitFor(() => expect(server.output()).toContain('Ready in'), { timeout: 20_000 })
  return { ...server, port: Number(/:(\d+)\n/.exec(server.output())?.[1]) }
}

const ran = (): readonly string[] =>
  output()
    .slice(seen)
    .match(/RAN .*/g) ?? []

function send(
  target: string,
  token?: string,
  { fields = [], ...rest }: Partial<RawRequest> = {},
  to = port,
): Promise<RawResponse> {
  const authorization = token === undefined ? [] : [`Authorization: Bearer ${token}`]
  return sendRaw(to, { target, ...rest, fields: [...authorization, ...fields] })
}

it('needs at most 15 lines', () => {
  const lines = ['gate', 'auth', 'proxy'].map((name) => glueLines(recipeCode('next', name)))
  expect(lines).toEqual([5, 5, 5])
})

it('fetches keys once each for proxy.js, the route handlers and the components', async () => {
  const token = await world.token()
  for (const target of ['/api/orders', '/missed/orders', '/account', '/missed/account', '/api/orders'])
    expect((await send(target, token)).status).toBe(200)
  expect(world.keys.stats().requests).toHaveLength(3)
})

const REFUSALS: [string, () => Promise<string> | undefined, number, string][] = [
  ['no token', () => undefined, 401, 'Bearer realm="api"'],
  ['a forged token', () => world.forgedToken(), 401, 'error="invalid_token"'],
  ['an expired token', () => world.token({ exp: 1_700_000_000 }), 401, 'error="invalid_token"'],
  ['a token of other characters', async () => 'a b', 400, 'error="invalid_request"'],
]
const SCOPE: (typeof REFUSALS)[number] = [
  'a missing scope',
  () => world.token({ scope: 'x' }),
  403,
  'scope="orders:read"',
]

describe('a route handler', () => {
  it.each(['/api/orders', '/missed/orders'])('gets the token: %s', async (target) => {
    expect(await send(target, await world.token())).toMatchObject({ status: 200, body: '{"user":"ada"}' })
    const writer = await world.token({ scope: 'orders:write' })
    expect(await send(target, writer, { method: 'POST', body: '7' })).toMatchObject({ status: 200, body: '{"id":"7"}' })
    expect(ran()).toEqual(['RAN orders', 'RAN cancel 7'])
  })

  it.each([...REFUSALS, SCOPE])(
    'does not run, behind proxy.js or without it: %s',
    async (_, token, status, challenge) => {
      for (const target of ['/api/orders', '/missed/orders']) {
        const response = await send(target, await token())
        expect(response.status).toBe(status)
        expect(response.headers.get('www-authenticate')).toContain(challenge)
        expect(response.headers.get('cache-control')).toBe('no-store')
        expect(response.headers.get('content-type')).toBe('application/problem+json')
        expect((await send(target, await token(), { method: 'HEAD' })).status).toBe(status)
      }
      expect(ran()).toEqual([])
    },
  )

  it('names its scopes if proxy.js has not answered before', async () => {
    expect((await send('/missed/orders')).headers.get('www-authenticate')).toBe(
      'Bearer realm="api", scope="orders:read"',
    )
    expect((await send('/api/orders')).headers.get('www-authenticate')).toBe('Bearer realm="api"')
  })

  it('verifies the first of several fields, the only one that Node keeps', async () => {
    const good = `Authorization: Bearer ${await world.token()}`
    const bad = 'authorization: Bearer bad'
    expect((await send('/api/orders', undefined, { fields: [good, bad] })).status).toBe(200)
    expect((await send('/api/orders', undefined, { fields: [bad, good] })).status).toBe(401)
  })
})

describe('attacks on proxy.js', () => {
  it.each([
    '/api/orders/',
    '/API/orders',
    '/api//orders',
    '//api/orders',
    '/api/%6frders',
    '/%61pi/orders',
    '/api/./orders',
    '/missed/../api/orders',
    '/api/orders?_rsc=1',
    '/api/orders%2f',
    '/_next/data/build/api/orders.json',
    '/api/orders.rsc',
    '/missed/orders;/api',
  ])('no spelling of a path reaches a handler without a token: %s', async (target) => {
    expect((await send(target)).status).not.toBe(200)
    expect(ran()).toEqual([])
  })

  it.each([
    'x-middleware-subrequest: proxy:proxy:proxy:proxy:proxy',
    'x-middleware-subrequest: src/proxy:src/proxy:src/proxy:src/proxy:src/proxy',
    'x-middleware-subrequest: middleware:middleware:middleware:middleware:middleware',
    'x-middleware-next: 1',
    'x-middleware-rewrite: /missed/orders',
    'x-matched-path: /missed/form',
    'x-invoke-path: /missed/form',
    'x-nextjs-data: 1',
    'rsc: 1',
    'next-router-prefetch: 1',
    'purpose: prefetch',
    'x-http-method-override: OPTIONS',
    'x-original-url: /missed/form',
    'next-action: 00',
  ])('no header makes a request pass: %s', async (field) => {
    for (const target of ['/api/orders', '/account', '/missed/orders'])
      expect([307, 401]).toContain((await send(target, undefined, { fields: [field] })).status)
    expect(ran()).toEqual([])
  })

  it('no header that stands for a header of proxy.js brings a credential', async () => {
    const token = await world.token()
    const fields = [
      'x-middleware-override-headers: authorization',
      `x-middleware-request-authorization: Bearer ${token}`,
    ]
    expect((await send('/missed/orders', undefined, { fields })).status).toBe(401)
    const admin = ['x-user: admin', 'x-middleware-request-x-user: admin', 'x-middleware-override-headers: x-user']
    for (const target of ['/api/orders', '/missed/orders'])
      expect((await send(target, token, { fields: admin })).body).toBe('{"user":"ada"}')
  })
})

describe('components and actions', () => {
  it('read the claims', async () => {
    const page = await send('/account', await world.token())
    expect(page.status).toBe(200)
    expect(page.body.replaceAll('<!-- -->', '')).toContain('<p>Hello ada</p>')
    expect(page.headers.get('cache-control')).toContain('no-store')
  })

  it.each(REFUSALS)('show nothing if they are refused: %s', async (_, token, status) => {
    expect((await send('/account', await token())).status).toBe(status)
    const missed = await send('/missed/account', await token())
    expect(missed.status).toBe(500)
    expect(missed.body).not.toContain('Hello')
    const slow = await send('/missed/slow', await token())
    expect(slow.status).toBe(200)
    expect(slow.body).toContain('Loading')
    expect(slow.body).not.toContain('Hello')
  })

  it('run an action only with its scope, on a path that the matcher misses', async () => {
    const [, action = ''] = /name="(\$ACTION_ID_\w+)"/.exec((await send('/missed/form')).body) ?? []
    expect(action).not.toBe('')
    const body = [
      '--b',
      `Content-Disposition: form-data; name="${action}"`,
      '',
      '',
      '--b',
      'Content-Disposition: form-data; name="id"',
      '',
      '7',
      '--b--',
      '',
    ].join('\r\n')
    const request = { method: 'POST', fields: ['Content-Type: multipart/form-data; boundary=b'], body }
    for (const token of [undefined, await world.forgedToken(), await world.token()])
      expect((await send('/missed/form', token, request)).status).toBe(500)
    expect(ran()).toEqual([])
    expect((await send('/missed/form', await world.token({ scope: 'orders:write' }), request)).status).toBeLessThan(400)
    expect(ran()).toEqual(['RAN cancel 7'])
  })
})

describe('a server of Next.js', () => {
  it('answers 503 while keys are unavailable, also after a client has reset, and never 401', async () => {
    await world.keys.behave({ kind: 'status', status: 500 })
    world.keys.forget()
    const cold = await serve()
    const token = await world.token()
    const socket = connect(cold.port, '127.0.0.1')
    socket.write(`GET /missed/orders HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\n\r\n`)
    await world.keys.received(1)
    socket.resetAndDestroy()
    const refused = await Promise.all(
      ['/api/orders', '/missed/orders', '/account'].map((target) => send(target, token, {}, cold.port)),
    )
    const page = await send('/missed/account', token, {}, cold.port)
    await world.keys.behave({ kind: 'ok' })
    expect(refused.map(({ status }) => status)).toEqual([503, 503, 503])
    expect(page.status).toBe(500)
    for (const { headers } of refused) {
      expect(headers.has('www-authenticate')).toBe(false)
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    }
    expect(cold.output()).not.toContain('RAN')
    expect(cold.child.exitCode).toBeNull()
  })

  it('says at its start that settings are wrong, and then answers 500', async () => {
    const wrong = await serve({ ...process.env, ...UNSET })
    await vi.waitFor(() => expect(wrong.output()).toContain('set JWT_ISSUER'), { timeout: 20_000 })
    const token = await world.token()
    const targets = ['/api/orders', '/missed/orders', '/account']
    const answers = await Promise.all(targets.map((target) => send(target, token, {}, wrong.port)))
    expect(answers.map(({ status }) => status)).toEqual([500, 500, 500])
  })
})
