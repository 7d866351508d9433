import { createServer, type RequestListener, type Server } from 'node:http'
import { connect } from 'node:net'
import { createTRPCUntypedClient, httpBatchStreamLink, httpLink } from '@trpc/client'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { sendRaw } from '../support/contract/raw-request.ts'
import { listen } from '../support/contract/started-adapter.ts'
import { ORDERS } from '../support/recipes/orders.ts'
import { glueLines, recipeCode } from '../support/recipes/page.ts'
import { type RecipeWorld, startRecipe } from '../support/recipes/world.ts'

const ALL = `
import { createExpressMiddleware } from '@trpc/server/adapters/express'
import { createHTTPServer } from '@trpc/server/adapters/standalone'
import express from 'express'
import { router } from './server.mjs'
import { createContext, requires, responseMeta, t } from './auth.mjs'
import { ran } from './orders.mjs'

export { server } from './server.mjs'
export { handler } from './fetch.mjs'
export { ran }
export const app = express().use('/api/trpc', createExpressMiddleware({ router, createContext, responseMeta }))
const wrong = requires('orders:read').query(() => ran.push('wrong'))
const misspelled = requires(undefined).query(() => ran.push('misspelled'))
export const wrongServer = createHTTPServer({ router: t.router({ wrong, misspelled }), createContext, responseMeta })
`

interface Recipe {
  readonly server: Server
  readonly wrongServer: Server
  readonly app: RequestListener
  readonly handler: (request: Request) => Promise<Response>
  readonly ran: string[]
}

let world: RecipeWorld
let recipe: Recipe
let port: number
let expressPort: number
const closers: (() => unknown)[] = []

beforeAll(async () => {
  vi.spyOn(console, 'warn').mockReturnValue()
  const files = { 'auth.mjs': 'auth', 'server.mjs': 'node', 'fetch.mjs': 'fetch' }
  world = await startRecipe('trpc', files, { 'orders.mjs': ORDERS, 'all.mjs': ALL })
  recipe = await load()
  port = await listening(recipe.server)
  expressPort = await listening(createServer(recipe.app))
})
afterAll(async () => {
  await Promise.all(closers.map((close) => close()))
  await world.close()
})

const load = (): Promise<Recipe> => world.load<Recipe>('all.mjs')

async function listening(server: Server): Promise<number> {
  const { port: free, close } = await listen(server)
  closers.push(close)
  return free
}

type Send = (path: string, token?: string, init?: RequestInit) => Promise<Response>

const requestOf = (origin: string, path: string, token?: string, init: RequestInit = {}): Request => {
  const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) }
  return new Request(`${origin}/${path}`, { headers, ...init })
}
const overNode: Send = (path, token, init) => fetch(requestOf(`http://127.0.0.1:${port}`, path, token, init))
const overExpress: Send = (path, token, init) =>
  fetch(requestOf(`http://127.0.0.1:${expressPort}/api/trpc`, path, token, init))
const overFetch: Send = (path, token, init) => recipe.handler(requestOf('http://localhost/trpc', path, token, init))

it('needs at most 15 lines', () => {
  expect(glueLines(recipeCode('trpc', 'auth'))).toBe(9)
})

describe.each([
  ['node:http', overNode],
  ['Express', overExpress],
  ['fetch', overFetch],
])('the recipe for tRPC over %s', (_, send) => {
  it('gives procedures the token', async () => {
    expect(await (await send('me', await world.token())).json()).toEqual({ result: { data: 'ada' } })
    const cancel = await send('cancel', await world.token({ scope: 'orders:write' }), { method: 'POST', body: '"7"' })
    expect(await cancel.json()).toEqual({ result: { data: 'cancelled 7' } })
  })

  it('leaves other procedures open', async () => {
    expect((await send('health')).status).toBe(200)
  })

  it.each<[string, () => Promise<string> | undefined, number, string, string]>([
    ['no token', () => undefined, 401, 'UNAUTHORIZED', 'Bearer realm="api", scope="orders:write"'],
    ['a forged token', () => world.forgedToken(), 401, 'UNAUTHORIZED', 'error="invalid_token"'],
    ['an expired token', () => world.token({ exp: 1_700_000_000 }), 401, 'UNAUTHORIZED', 'error="invalid_token"'],
    ['a missing scope', () => world.token(), 403, 'FORBIDDEN', 'scope="orders:write"'],
    ['no token of its characters', async () => 'a b', 400, 'BAD_REQUEST', 'error="invalid_request"'],
  ])('refuses, and parses no input: %s', async (__, token, status, code, challenge) => {
    recipe.ran.length = 0
    const response = await send('cancel', await token(), { method: 'POST', body: 'no JSON' })
    expect(response.status).toBe(status)
    expect(response.headers.get('www-authenticate')).toContain(challenge)
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(await response.json()).toMatchObject({ error: { data: { code, httpStatus: status } } })
    expect(recipe.ran).toEqual([])
  })

  it('answers each call of a batch, with the challenges of all', async () => {
    const mixed = await send('health,me,orders?batch=1', await world.token({ scope: 'x' }))
    const one = await send('me,health,me?batch=1')
    const all = await send('me,me?batch=1')
    expect([mixed, one, all].map(({ status }) => status)).toEqual([400, 207, 401])
    expect(one.headers.get('www-authenticate')).toBe('Bearer realm="api"')
    expect(all.headers.get('www-authenticate')).toBe('Bearer realm="api"')
    expect(await one.json()).toMatchObject([{ error: {} }, { result: { data: 'ok' } }, { error: {} }])
  })

  it('ends a subscription when its token expires', async () => {
    const exp = Date.now() / 1000 + 0.3
    const response = await send('orders', await world.token({ exp }))
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    expect(await response.text()).toContain('first')
    expect(Date.now() / 1000).toBeGreaterThanOrEqual(exp)
    expect(Date.now() / 1000).toBeLessThan(exp + 5)
  })

  it.each([
    ['no token', () => undefined, 'UNAUTHORIZED'],
    ['an expired token', () => world.token({ exp: 1_700_000_000 }), 'UNAUTHORIZED'],
    ['a missing scope', () => world.token({ scope: 'x' }), 'FORBIDDEN'],
  ])('starts no subscription that is refused: %s', async (__, token, code) => {
    recipe.ran.length = 0
    const response = await send('orders', await token())
    expect(response.status).toBe(200)
    expect(await response.text()).toContain(`"code":"${code}"`)
    expect(recipe.ran).toEqual([])
  })
})

describe('the recipe for tRPC', () => {
  it('refuses two tokens with 400, though Node drops one of them', async () => {
    const token = await world.token()
    const twice = [`Authorization: Bearer ${token}`, `authorization: Bearer ${await world.token({ sub: 'eve' })}`]
    expect((await sendRaw(port, { target: '/me', fields: twice })).status).toBe(400)
    expect((await sendRaw(port, { target: '/me', fields: twice.slice(1) })).status).toBe(200)
  })

  it('gives the client of tRPC the code and the response', async () => {
    const url = `http://127.0.0.1:${port}`
    const client = createTRPCUntypedClient({ links: [httpLink({ url })] })
    const error = { data: { code: 'UNAUTHORIZED' }, meta: { response: { status: 401 } } }
    await expect(client.query('me')).rejects.toMatchObject(error)
    const streaming = createTRPCUntypedClient({ links: [httpBatchStreamLink({ url })] })
    const [refused, health] = await Promise.allSettled([streaming.query('me'), streaming.query('health')])
    expect(refused).toMatchObject({ reason: { data: { code: 'UNAUTHORIZED', httpStatus: 401 } } })
    expect(health).toMatchObject({ value: 'ok' })
  })

  it('answers 503 while keys are unavailable, and 200 afterwards', async () => {
    const cold = await load()
    const coldPort = await listening(cold.server)
    const fields = [`Authorization: Bearer ${await world.token()}`]
    await world.keys.behave({ kind: 'status', status: 500 })
    const batch = await sendRaw(coldPort, { target: '/me,health?batch=1', fields })
    const refused = await sendRaw(coldPort, { target: '/me', fields })
    await world.keys.behave({ kind: 'ok' })
    expect(refused.status).toBe(503)
    expect(refused.body).toContain('SERVICE_UNAVAILABLE')
    expect(refused.headers.has('www-authenticate')).toBe(false)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(batch.status).toBe(207)
    expect(batch.body).not.toContain('UNAUTHORIZED')
    expect((await sendRaw(await listening((await load()).server), { target: '/me', fields })).status).toBe(200)
  })

  it('runs nothing for a client that resets while keys are fetched', async () => {
    const cold = await load()
    const coldPort = await listening(cold.server)
    world.keys.forget()
    world.keys.once({ kind: 'ok', delay: 50 })
    const socket = connect(coldPort, '127.0.0.1')
    socket.write(`GET /orders HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${await world.forgedToken()}\r\n\r\n`)
    await world.keys.received(1)
    socket.resetAndDestroy()
    await world.keys.idle()
    expect((await sendRaw(coldPort, { target: '/me' })).status).toBe(401)
    expect(cold.ran).toEqual([])
  })

  it.each(['wrong', 'misspelled'])('answers 500 with fixed text for a requirement that is none: %s', async (path) => {
    const wrongPort = await listening((await load()).wrongServer)
    const fields = [`Authorization: Bearer ${await world.token()}`]
    const { status, body } = await sendRaw(wrongPort, { target: `/${path}`, fields })
    expect(status).toBe(500)
    expect(JSON.parse(body)).toMatchObject({ error: { message: 'The call could not be authorized' } })
  })
})
