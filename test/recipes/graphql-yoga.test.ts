import type { Server } from 'node:http'
import { connect } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { sendRaw } from '../support/contract/raw-request.ts'
import { listen } from '../support/contract/started-adapter.ts'
import { ORDERS } from '../support/recipes/orders.ts'
import { glueLines, recipeCode } from '../support/recipes/page.ts'
import { type RecipeWorld, startRecipe } from '../support/recipes/world.ts'

const ALL = `
import { createServer } from 'node:http'
import { createSchema, createYoga } from 'graphql-yoga'
import { authentication } from './auth.mjs'
export { server, yoga } from './server.mjs'
export { ran } from './orders.mjs'
const typeDefs = 'type Query { wrong: String, fails: String }'
const resolvers = { Query: { wrong: (_, args, { caller }) => caller.token('orders:read'), fails: () => { throw undefined } } }
export const wrongServer = createServer(createYoga({ logging: false, batching: true, schema: createSchema({ typeDefs, resolvers }), plugins: [authentication] }))
`

interface Recipe {
  readonly server: Server
  readonly wrongServer: Server
  readonly yoga: { fetch(request: Request): Promise<Response> }
  readonly ran: string[]
}

let world: RecipeWorld
let recipe: Recipe
let port: number
const closers: (() => unknown)[] = []

beforeAll(async () => {
  vi.spyOn(console, 'warn').mockReturnValue()
  const files = { 'auth.mjs': 'auth', 'server.mjs': 'server' }
  world = await startRecipe('graphql-yoga', files, { 'orders.mjs': ORDERS, 'all.mjs': ALL })
  recipe = await load()
  port = await listening(recipe.server)
})
afterAll(async () => {
  await Promise.all(closers.map((close) => close()))
  await world.close()
})
beforeEach(() => {
  recipe.ran.length = 0
})

const load = (): Promise<Recipe> => world.load<Recipe>('all.mjs')

async function listening(server: Server): Promise<number> {
  const { port: free, close } = await listen(server)
  closers.push(close)
  return free
}

type Send = (body: string, token?: string, headers?: Record<string, string>) => Promise<Response>

const operation = (query: string): string => JSON.stringify({ query })
const requestOf = (origin: string, ...[body, token, headers = {}]: Parameters<Send>): Request => {
  const authorization: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const all = { 'content-type': 'application/json', ...authorization, ...headers }
  return new Request(`${origin}/graphql`, { method: 'POST', body, headers: all })
}
const overNode: Send = (...given) => fetch(requestOf(`http://127.0.0.1:${port}`, ...given))
const overFetch: Send = (...given) => recipe.yoga.fetch(requestOf('http://localhost', ...given))
const CANCEL = operation('mutation { cancel(id: 7) }')

it('needs at most 15 lines', () => {
  expect(glueLines(recipeCode('graphql-yoga', 'auth'))).toBe(15)
})

describe.each([
  ['node:http', overNode],
  ['fetch', overFetch],
])('the recipe for GraphQL Yoga over %s', (_, send) => {
  it('gives resolvers the token', async () => {
    expect(await (await send(operation('{ me }'), await world.token())).json()).toEqual({ data: { me: 'ada' } })
    const cancelled = await send(CANCEL, await world.token({ scope: 'orders:write' }))
    expect(await cancelled.json()).toEqual({ data: { cancel: 'cancelled 7' } })
    expect(cancelled.headers.has('www-authenticate')).toBe(false)
  })

  it.each<[string, () => Promise<string> | undefined, number, string, string]>([
    ['no token', () => undefined, 401, 'UNAUTHENTICATED', 'Bearer realm="api"'],
    ['a forged token', () => world.forgedToken(), 401, 'UNAUTHENTICATED', 'error="invalid_token"'],
    ['an expired token', () => world.token({ exp: 1_700_000_000 }), 401, 'UNAUTHENTICATED', 'error="invalid_token"'],
    ['a missing scope', () => world.token(), 403, 'FORBIDDEN', 'scope="orders:write"'],
    ['no token of its characters', async () => 'a b', 400, 'BAD_REQUEST', 'error="invalid_request"'],
  ])('refuses: %s', async (__, token, status, code, challenge) => {
    for (const accept of ['application/json', 'application/graphql-response+json']) {
      const response = await send(CANCEL, await token(), { accept })
      expect(response.status).toBe(status)
      expect(response.headers.get('content-type')).toContain(accept)
      expect(response.headers.get('www-authenticate')).toContain(challenge)
      expect(response.headers.get('cache-control')).toBe('no-store')
      expect(await response.json()).toMatchObject({ errors: [{ extensions: { code } }] })
    }
    expect(recipe.ran).toEqual([])
  })

  it.each([
    ['introspection', operation('{ __schema { types { name } } }')],
    ['an operation that is not valid', operation('{ nothing }')],
    ['a body that is no JSON', '{'],
  ])('refuses without a token, and before it parses: %s', async (__, body) => {
    expect((await send(body)).status).toBe(401)
  })

  it('answers the other fields of an operation, with status 403', async () => {
    const response = await send(operation('mutation { cancel(id: 7) __typename }'), await world.token())
    expect(response.status).toBe(403)
    expect(await response.json()).toMatchObject({ data: { cancel: null, __typename: 'Mutation' }, errors: [{}] })
  })

  it('ends a subscription when its token expires, and starts none that is refused', async () => {
    const subscribe = (token: string): Promise<Response> =>
      send(operation('subscription { orders }'), token, { accept: 'text/event-stream' })
    const exp = Date.now() / 1000 + 0.3
    const text = await (await subscribe(await world.token({ exp }))).text()
    expect(text).toContain('{"data":{"orders":"first"}}')
    expect(text).toContain('event: complete')
    expect(Date.now() / 1000).toBeGreaterThanOrEqual(exp)
    expect(Date.now() / 1000).toBeLessThan(exp + 5)
    const refused = [await subscribe(await world.token({ exp: 1 })), await subscribe(await world.token({ scope: 'x' }))]
    expect(refused.map(({ status }) => status)).toEqual([401, 403])
    expect(recipe.ran).toEqual(['orders'])
  })
})

describe('the recipe for GraphQL Yoga', () => {
  const json = ['Content-Type: application/json']

  it('refuses two tokens with 400, though Node drops one of them', async () => {
    const twice = [`Authorization: Bearer ${await world.token()}`, `authorization: Bearer ${await world.token()}`]
    const fields = [...json, ...twice]
    const refused = await sendRaw(port, { method: 'POST', target: '/graphql', fields, body: operation('{ me }') })
    expect(refused.status).toBe(400)
    expect(refused.body).toContain('BAD_REQUEST')
  })

  it('answers preflights without a token', async () => {
    const fields = ['Origin: https://shop.example.com', 'Access-Control-Request-Method: POST']
    expect((await sendRaw(port, { method: 'OPTIONS', target: '/graphql', fields })).status).toBe(204)
  })

  it('refuses operations in the query of a GET request', async () => {
    const get = async (target: string): Promise<number> => (await sendRaw(port, { target })).status
    expect(await get('/graphql?query=%7Bme%7D')).toBe(401)
  })

  it('answers 503 while keys are unavailable, and 200 afterwards', async () => {
    const [cold, warm] = [await load(), await load()]
    const fields = [...json, `Authorization: Bearer ${await world.token()}`]
    const request = { method: 'POST', target: '/graphql', fields, body: operation('{ me }') }
    await world.keys.behave({ kind: 'status', status: 500 })
    const refused = await sendRaw(await listening(cold.server), request)
    await world.keys.behave({ kind: 'ok' })
    expect(refused.status).toBe(503)
    expect(refused.body).toContain('SERVICE_UNAVAILABLE')
    expect(refused.headers.has('www-authenticate')).toBe(false)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await sendRaw(await listening(warm.server), request)).status).toBe(200)
  })

  it('runs nothing for a client that resets while keys are fetched', async () => {
    const cold = await load()
    const coldPort = await listening(cold.server)
    const token = await world.forgedToken()
    world.keys.forget()
    world.keys.once({ kind: 'ok', delay: 50 })
    const socket = connect(coldPort, '127.0.0.1')
    const head = `POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nAuthorization: Bearer ${token}`
    socket.write(`${head}\r\nContent-Length: ${CANCEL.length}\r\n\r\n${CANCEL}`)
    await world.keys.received(1)
    socket.resetAndDestroy()
    await world.keys.idle()
    expect((await sendRaw(coldPort, { method: 'POST', target: '/graphql', fields: json, body: CANCEL })).status).toBe(
      401,
    )
    expect(cold.ran).toEqual([])
  })

  it('refuses a batch without a token as a whole, and otherwise gives each operation its own answer', async () => {
    const wrongPort = await listening((await load()).wrongServer)
    const body = `[${operation('{ wrong }')},${operation('{ __typename }')}]`
    const send = (...fields: string[]) =>
      sendRaw(wrongPort, { method: 'POST', target: '/graphql', fields: [...json, ...fields], body })
    expect((await send()).status).toBe(401)
    const mixed = await send(`Authorization: Bearer ${await world.token()}`)
    expect(mixed.status).toBe(200)
    expect(JSON.parse(mixed.body)).toMatchObject([{ errors: [{}] }, { data: { __typename: 'Query' } }])
  })

  it('answers 500 with fixed text for a requirement that is none, and survives a resolver that throws undefined', async () => {
    const wrongPort = await listening((await load()).wrongServer)
    const fields = [...json, `Authorization: Bearer ${await world.token()}`]
    const send = (query: string) =>
      sendRaw(wrongPort, { method: 'POST', target: '/graphql', fields, body: operation(query) })
    const { status, body } = await send('{ wrong }')
    expect(status).toBe(500)
    expect(JSON.parse(body)).toMatchObject({ errors: [{ message: 'The call could not be authorized' }] })
    expect((await send('{ fails }')).body).toContain('Unexpected error')
    expect((await send('{ wrong }')).status).toBe(500)
  })
})
