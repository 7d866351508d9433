// Runs the snippets that pages show in tabs, as printed and with the built packages: those of one page answer alike.
import { startTestIssuer } from '@claimgate/testing'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../support/docs/free-port.ts'
import { pages, snippet } from '../support/docs/pages.ts'
import type { Tab } from '../support/docs/tab-host.ts'
import { createDpopClient } from '../support/dpop/client.ts'
import { active, startIntrospectionServer } from '../support/introspection/server.ts'

/** The snippets of each group of tabs. Those of docs/mcp.md and docs/mtls.md have their own tests. */
const GROUPS = {
  ready: ['ready', 'ready-fastify'],
  cors: ['cors', 'cors-fastify', 'cors-hono'],
  probes: ['probes', 'probes-fastify'],
  optional: ['optional', 'optional-fastify', 'optional-fetch'],
  roles: ['roles', 'roles-fastify', 'roles-fetch'],
  'on-authenticated': ['on-authenticated', 'on-authenticated-fastify', 'on-authenticated-fetch'],
  dpop: ['dpop', 'dpop-fastify', 'dpop-fetch'],
  introspection: ['introspection', 'introspection-fastify', 'introspection-fetch'],
  'log-out': ['log-out', 'log-out-fastify', 'log-out-fetch'],
  'backchannel-logout': ['backchannel-logout', 'backchannel-logout-fastify', 'backchannel-logout-fetch'],
  'resource-metadata': ['resource-metadata', 'resource-metadata-fastify', 'resource-metadata-fetch'],
  'step-up': ['step-up', 'step-up-fastify', 'step-up-fetch'],
} as const
const NAMES = Object.values(GROUPS).flat()
const OTHERS = /^(?:mcp|mtls)-|^(?:express|fastify|worker)$/
type Name = (typeof NAMES)[number]

let folder: string
let close: () => Promise<unknown>
let issuer: Awaited<ReturnType<typeof startTestIssuer>>
let auth: Awaited<ReturnType<typeof startIntrospectionServer>>
const urls = new Map<Name, string>()

beforeAll(async () => {
  folder = await mkdtemp(join(import.meta.dirname, '.run-'))
  await mkdir(join(folder, 'node_modules'))
  const plugin = await realpath(join(import.meta.dirname, '../../packages/fastify/node_modules/fastify-plugin'))
  await symlink(plugin, join(folder, 'node_modules/fastify-plugin'))
  ;[issuer, auth] = await Promise.all([startTestIssuer({ audience: 'orders-api' }), startIntrospectionServer()])
  const tabs: Tab[] = []
  for (const name of NAMES) {
    const file = join(folder, `${name}.mjs`)
    await writeFile(file, snippet(name))
    const port = await unusedPort()
    urls.set(name, `http://127.0.0.1:${port}`)
    const JWT_ISSUER = name.startsWith('introspection') ? auth.issuer : issuer.issuer.issuer
    tabs.push({ file, env: { JWT_ISSUER, JWT_AUDIENCE: 'orders-api', CLIENT_SECRET: 'secret', PORT: String(port) } })
  }
  const host = join(import.meta.dirname, '../support/docs/tab-host.ts')
  const program = spawn(process.execPath, [host, JSON.stringify(tabs)], { stdio: ['ignore', 'ignore', 'pipe'] })
  const closed = once(program, 'close')
  close = async () => {
    program.kill()
    await closed
  }
  let log = ''
  await new Promise<void>((resolve, reject) => {
    program.stderr.on('data', (chunk: Buffer) => {
      log += chunk.toString()
      if (log.includes('every tab runs')) resolve()
    })
    void closed.then(() => reject(new Error(`A snippet does not run: ${log}`)))
  })
})

/** A free port that no other tab has. */
async function unusedPort(): Promise<number> {
  const port = await freePort()
  return [...urls.values()].includes(`http://127.0.0.1:${port}`) ? unusedPort() : port
}

afterAll(async () => {
  await Promise.all([close(), issuer.close(), auth.close()])
  await rm(folder, { recursive: true, force: true })
})

type Send = (path: string, init?: RequestInit) => Promise<Response>
const sendTo =
  (name: Name): Send =>
  (path, init) =>
    fetch(`${urls.get(name)}${path}`, init)
const bearer = async (claims: object = {}): Promise<{ readonly headers: Record<string, string> }> => ({
  headers: { authorization: `Bearer ${await issuer.issuer.issue({ sub: 'ada', ...claims })}` },
})

/** What each tab of a group answers to the same requests: the same. */
function answersOf<T>(group: keyof typeof GROUPS, ask: (send: Send) => Promise<T>, expected: T): void {
  it.each(GROUPS[group])('%s', async (name) => {
    expect(await ask(sendTo(name))).toEqual(expected)
  })
}

describe('a tab', () => {
  it('of every page is run here', () => {
    const tab = /<!-- tab: [^>]+ -->\n\n<!-- run: (\S+) -->/g
    const names = [...pages.values()].flatMap((text) => [...text.matchAll(tab)].map(([, name]) => name ?? ''))
    expect(new Set(names.filter((name) => !OTHERS.test(name)))).toEqual(new Set(NAMES))
  })
})

describe('a probe', () => {
  const ready = async (send: Send): Promise<unknown> => {
    const answer = await send('/ready')
    return [answer.status, await answer.text(), (await send('/')).status]
  }
  answersOf('ready', ready, [200, 'ok', 401])

  const probes = async (send: Send): Promise<unknown> => {
    const [live, first, other] = [await send('/live'), await send('/ready'), await send('/')]
    let later = await send('/ready')
    for (let tries = 0; tries < 50 && later.status !== 200; tries += 1) later = await send('/ready')
    const read = async (answer: Response): Promise<unknown> => {
      const [issuerStatus] = (await answer.json()) as [Record<string, unknown>]
      return [answer.status, issuerStatus['ready'], issuerStatus['freshness']]
    }
    return [live.status, other.status, await read(first), await read(later)]
  }
  answersOf('probes', probes, [200, 401, [503, false, 'cold'], [200, true, 'fresh']])
})

describe('CORS answers preflights, and exposes the challenge to scripts', () => {
  const origin = 'https://shop.example.com'
  const cors = async (send: Send): Promise<unknown> => {
    const headers = { origin, 'access-control-request-method': 'GET' }
    const preflight = await send('/orders', { method: 'OPTIONS', headers })
    const refused = await send('/orders', { headers: { origin } })
    const fields = ['access-control-expose-headers', 'access-control-allow-origin']
    return [preflight.status, refused.status, ...fields.map((name) => refused.headers.get(name))]
  }
  answersOf('cors', cors, [204, 401, 'WWW-Authenticate', origin])
})

describe('optional lets anonymous readers in, and refuses bad tokens', () => {
  const optional = async (send: Send): Promise<unknown> => {
    const [anonymous, ada] = [await send('/articles'), await send('/articles', await bearer())]
    const bad = await send('/articles', { headers: { authorization: 'Bearer a.b.c' } })
    return [await anonymous.json(), await ada.json(), bad.status]
  }
  answersOf('optional', optional, [{ reader: 'anonymous' }, { reader: 'ada' }, 401])
})

describe('roles grant what a role allows', () => {
  const roles = async (send: Send): Promise<unknown> => {
    const init = await bearer({ scope: 'orders:read', realm_access: { roles: ['buyer'] } })
    const admin = await bearer({ role: 'admin' })
    const orders = [
      { method: 'POST', ...init },
      { method: 'DELETE', ...init },
      { method: 'DELETE', ...admin },
    ]
    return Promise.all(orders.map(async (one) => (await send('/orders', one)).status))
  }
  answersOf('roles', roles, [201, 403, 204])
})

describe('on-authenticated gives handlers the user', () => {
  const find = async (send: Send): Promise<unknown> => {
    const [ada, deleted] = [await send('/me', await bearer()), await send('/me', await bearer({ sub: 'deleted' }))]
    return [await ada.json(), deleted.status]
  }
  answersOf('on-authenticated', find, [expect.objectContaining({ name: 'Ada Lovelace' }), 401])
})

describe('dpop accepts a proof once', () => {
  const prove = async (send: Send): Promise<unknown> => {
    const client = await createDpopClient()
    const token = await issuer.issuer.issue({ sub: 'ada', cnf: { jkt: client.jkt } })
    const claims = { htu: 'https://api.example.com/orders', iat: Math.floor(Date.now() / 1000) }
    const headers = { authorization: `DPoP ${token}`, dpop: await client.proof(token, { claims }) }
    return [(await send('/orders', { headers })).status, (await send('/orders', { headers })).status]
  }
  answersOf('dpop', prove, [200, 401])
})

describe('introspection asks about opaque tokens, and verifies JWTs itself', () => {
  const introspect = async (send: Send): Promise<unknown> => {
    auth.seen.splice(0)
    const to = (token: string, path = '/orders', method = 'GET'): Promise<Response> =>
      send(path, { method, headers: { authorization: `Bearer ${token}` } })
    const pay = async (token: string): Promise<number> => (await to(token, '/payments', 'POST')).status
    const jwt = await issuer.issuer.issue({ sub: 'ada' })
    const reply = auth.reply
    const orders = [await to('good'), await to('junk'), await to(jwt)]
    const payments = [await pay('good')]
    auth.reply = () => ({ body: active(auth.issuer, { scope: 'orders:read payments' }) })
    payments.push(await pay('payer'), await pay('payer'))
    auth.reply = () => ({ body: { active: false } })
    payments.push(await pay('payer'))
    auth.reply = reply
    const sent = auth.seen.map(({ form }) => form.get('token'))
    return [orders.map(({ status }) => status), await orders[0]?.json(), payments, sent]
  }
  const asked = ['good', 'junk', 'payer', 'payer', 'payer']
  answersOf('introspection', introspect, [[200, 401, 401], { sub: 'ada' }, [403, 204, 204, 401], asked])
})

describe('a logout ends tokens', () => {
  const logOut = async (send: Send): Promise<unknown> => {
    const init = { method: 'POST', ...(await bearer()) }
    return [(await send('/logout', init)).status, (await send('/logout', init)).status]
  }
  answersOf('log-out', logOut, [204, 401])

  const fromProvider = async (send: Send): Promise<unknown> => {
    const sid = crypto.randomUUID()
    const init = await bearer({ sid })
    const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }
    const typed = { typ: 'logout+jwt', audience: 'web-shop', ttl: 120 }
    const form = new URLSearchParams({ logout_token: await issuer.issuer.issue({ sid, events }, typed) })
    const before = await send('/orders', init)
    const told = await send('/backchannel-logout', { method: 'POST', body: form })
    return [before.status, told.status, (await send('/orders', init)).status]
  }
  answersOf('backchannel-logout', fromProvider, [200, 200, 401])
})

describe('resource-metadata is served without a token', () => {
  const metadata = async (send: Send): Promise<unknown> => {
    const open = await send('/.well-known/oauth-protected-resource/orders')
    return [await open.json(), (await send('/orders')).status]
  }
  const resource = 'https://api.example.com/orders'
  answersOf('resource-metadata', metadata, [
    expect.objectContaining({ resource, scopes_supported: ['orders:read'] }),
    401,
  ])
})

describe('step-up tells clients what to request', () => {
  const stepUp = async (send: Send): Promise<unknown> => {
    const post = async (claims: object): Promise<Response> =>
      send('/transfers', { method: 'POST', ...(await bearer(claims)) })
    const auth_time = Math.floor(Date.now() / 1000)
    const [low, high] = [
      await post({ scope: 'transfers' }),
      await post({ scope: 'transfers', acr: 'urn:example:mfa', auth_time }),
    ]
    return [low.status, low.headers.get('www-authenticate')?.match(/acr_values=.*/)?.[0], high.status]
  }
  answersOf('step-up', stepUp, [401, 'acr_values="urn:example:mfa", max_age="300"', 201])
})
