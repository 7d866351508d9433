import { createServer, type RequestListener } from 'node:http'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type RawRequest, type RawResponse, sendRaw } from '../support/contract/raw-request.ts'
import { listen } from '../support/contract/started-adapter.ts'
import { glueLines, recipeCode } from '../support/recipes/page.ts'
import { type RecipeWorld, startRecipe } from '../support/recipes/world.ts'

interface KoaApp {
  callback(): RequestListener
  on(event: 'error', listener: (error: Error) => void): unknown
}

/** The middleware that users put around the recipe, in their usual order. Each notes that it has run. */
const PLUGINS = `
import { scope } from '@claimgate/core'
import { bodyParser } from '@koa/bodyparser'
import Router from '@koa/router'
import Koa from 'koa'
import { authenticateJwt, authorize } from './auth.mjs'

export const ran = []
const noting = (name) => (ctx, next) => (ran.push(name), next())
const orders = new Router({ prefix: '/orders' })
orders.param('id', (id, ctx, next) => (ran.push('param'), next()))
orders.use(noting('router'))
orders.post('/:id', authorize(scope('orders:write')), noting('route'), (ctx) => { ctx.body = ctx.request.body })
orders.get('/wrong', authorize('orders:read'), noting('route'))
const open = new Router()
open.get('/open', authorize(scope('orders:read')), noting('open'))
export const app = new Koa()
app.use(open.routes())
app.use(authenticateJwt())
app.use(noting('app'))
app.use(bodyParser({ onError: () => ran.push('parser') }))
app.use(orders.routes()).use(orders.allowedMethods())
`

let world: RecipeWorld
let app: Awaited<ReturnType<typeof start>>
let plugins: Awaited<ReturnType<typeof start>>

beforeAll(async () => {
  vi.spyOn(console, 'warn').mockReturnValue()
  world = await startRecipe('koa', { 'auth.mjs': 'auth', 'app.mjs': 'app' }, { 'plugins.mjs': PLUGINS })
  app = await start('app.mjs')
  plugins = await start('plugins.mjs')
}, 60_000)
afterAll(async () => {
  await Promise.all([app.close(), plugins.close()])
  await world.close()
})

async function start(file: string) {
  const loaded = await world.load<{ readonly app: KoaApp; readonly ran?: string[] }>(file)
  const failed: Error[] = []
  loaded.app.on('error', (error) => failed.push(error))
  const server = await listen(createServer(loaded.app.callback()))
  return { ...server, ran: loaded.ran ?? [], failed }
}

function send(port: number, token: string | undefined, request: Partial<RawRequest> = {}): Promise<RawResponse> {
  const { fields = [], ...rest } = request
  const authorization = token === undefined ? [] : [`Authorization: Bearer ${token}`]
  return sendRaw(port, { target: '/orders', ...rest, fields: [...authorization, ...fields] })
}

const JSON_BODY = { method: 'POST', fields: ['Content-Type: application/json'] }

it('needs at most 15 lines', () => {
  expect(glueLines(recipeCode('koa', 'auth'))).toBe(15)
})

describe('the recipe for Koa', () => {
  it('gives handlers the token', async () => {
    expect(await send(app.port, await world.token())).toMatchObject({ status: 200, body: '{"user":"ada"}' })
    const writer = await world.token({ scope: 'orders:write' })
    const created = await send(app.port, writer, { ...JSON_BODY, body: '{"item":1}' })
    expect(created).toMatchObject({ status: 201, body: '{"item":1}' })
  })

  it.each<[string, () => Promise<string> | undefined, number, unknown, Partial<RawRequest>?]>([
    ['no token', () => undefined, 401, 'Bearer realm="api"'],
    ['a forged token', () => world.forgedToken(), 401, expect.stringContaining('error="invalid_token"')],
    ['an expired token', () => world.token({ exp: 1_700_000_000 }), 401, expect.stringContaining('"invalid_token"')],
    ['no token, and no such path', () => undefined, 401, 'Bearer realm="api"', { target: '/missing' }],
    ['no token, and HEAD', () => undefined, 401, 'Bearer realm="api"', { method: 'HEAD' }],
    ['a missing scope', () => world.token(), 403, expect.stringContaining('scope="orders:write"'), JSON_BODY],
  ])('refuses: %s', async (_, token, status, challenge, request?: Partial<RawRequest>) => {
    const response = await send(app.port, await token(), request)
    expect(response.status).toBe(status)
    expect(response.headers.get('www-authenticate')).toEqual(challenge)
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(response.headers.get('content-type')).toBe('application/problem+json')
  })

  it('refuses two tokens with 400', async () => {
    const token = await world.token()
    const fields = [`Authorization: Bearer ${await world.token({ sub: 'eve' })}`]
    expect((await send(app.port, token, { fields })).status).toBe(400)
  })

  it('answers a preflight, and lets scripts of the page read refusals', async () => {
    const fields = ['Origin: https://shop.example.com', 'Access-Control-Request-Method: POST']
    expect((await send(app.port, undefined, { method: 'OPTIONS', fields })).status).toBe(204)
    const refused = await send(app.port, undefined, { fields: fields.slice(0, 1) })
    expect(refused.headers.get('access-control-allow-origin')).toBe('https://shop.example.com')
  })

  it('answers 503 while keys are unavailable, and 200 afterwards', async () => {
    const cold = await start('app.mjs')
    await world.keys.behave({ kind: 'status', status: 500 })
    const refused = await send(cold.port, await world.token())
    await world.keys.behave({ kind: 'ok' })
    expect(refused.status).toBe(503)
    expect(refused.headers.has('www-authenticate')).toBe(false)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    await cold.close()
    expect(cold.failed).toEqual([])
  })

  it('survives a client that resets while keys are fetched', async () => {
    const cold = await start('plugins.mjs')
    const token = await world.forgedToken()
    world.keys.forget()
    world.keys.once({ kind: 'ok', delay: 50 })
    const socket = connect(cold.port, '127.0.0.1')
    socket.write(`POST /orders/1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\nContent-Length: 9\r\n\r\n`)
    await world.keys.received(1)
    socket.resetAndDestroy()
    await world.keys.idle()
    expect((await send(cold.port, undefined)).status).toBe(401)
    await cold.close()
    expect(cold.ran).toEqual([])
  })
})

describe('with other middleware of Koa, a refused request', () => {
  it.each([
    ['no token', () => undefined, 401, []],
    ['a forged token', () => world.forgedToken(), 401, []],
    ['no scope', () => world.token(), 403, ['app', 'router', 'param']],
    ['the scope', () => world.token({ scope: 'orders:write' }), 200, ['app', 'router', 'param', 'route']],
  ])('runs nothing that comes after it: %s', async (_, token, status, expected) => {
    plugins.ran.length = 0
    const response = await send(plugins.port, await token(), { ...JSON_BODY, target: '/orders/1', body: '{}' })
    expect(response.status).toBe(status)
    expect(plugins.ran.toSorted()).toEqual(expected.toSorted())
  })

  it.each([
    ['before authenticateJwt', '/open'],
    ['with a text for a requirement', '/orders/wrong'],
  ])('is an error of the application if authorize was used wrongly: %s', async (_, target) => {
    plugins.ran.length = 0
    expect((await send(plugins.port, await world.token(), { target })).status).toBe(500)
    expect(plugins.ran).not.toContain('route')
    expect(plugins.ran).not.toContain('open')
  })
})
