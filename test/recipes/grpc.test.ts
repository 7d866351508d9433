import { connect } from 'node:http2'
import {
  type Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  credentials,
  Metadata,
  type Server,
  ServerCredentials,
  type ServiceError,
  type StatusObject,
} from '@grpc/grpc-js'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { glueLines, recipeCode } from '../support/recipes/page.ts'
import { type RecipeWorld, startRecipe } from '../support/recipes/world.ts'

const PROTO = `
syntax = "proto3";
package shop;
message Order { string id = 1; }
service Orders {
  rpc Get (Order) returns (Order);
  rpc Watch (Order) returns (stream Order);
  rpc Chat (stream Order) returns (stream Order);
  rpc Import (stream Order) returns (Order);
  rpc Delete (Order) returns (Order);
}
`
/** The application of the page, which notes what runs. */
const ORDERS = `
export const ran = []
const noting = (name, call) => {
  ran.push(name)
  call.on('cancelled', () => ran.push('cancelled'))
  call.on('error', () => {})
}
export const orderOf = (user, id) => (ran.push('get'), { id: user + ' ' + id })
export function watchOrders(call) {
  noting('watch', call)
  if (call.request.id === 'many') while (call.write({ id: 'x'.repeat(10_000) }));
  else call.write({ id: 'first' })
}
export function talk(call) {
  noting('chat', call)
  call.on('data', ({ id }) => (ran.push(id), call.write({ id })))
  call.on('end', () => call.end())
}
export function importOrders(call, callback) {
  noting('import', call)
  call.on('data', () => {})
  call.on('end', () => callback(null, { id: 'imported' }))
}
`
const ALL = `
import { Server, ServerInterceptingCall } from '@grpc/grpc-js'
import { interceptor } from './auth.mjs'
import { ran } from './orders.mjs'
import { shop } from './server.mjs'
export * from './server.mjs'
export * from './orders.mjs'
const later = (_, call) => {
  ran.push('function')
  const onReceiveMetadata = (metadata, next) => (ran.push('metadata'), next(metadata))
  return new ServerInterceptingCall(call, { start: (next) => next({ onReceiveMetadata }) })
}
export const laterServer = new Server({ interceptors: [interceptor, later] })
laterServer.addService(shop.Orders.service, { get: (call, callback) => callback(null, call.request) })
`

interface Recipe {
  readonly server: Server
  readonly laterServer: Server
  readonly shop: { readonly Orders: new (address: string, credentials: unknown) => Orders }
  readonly ran: string[]
}
type Answered = (error: ServiceError | null, order?: Order) => void
interface Order {
  readonly id: string
}
interface Orders extends Client {
  get(order: Order, metadata: Metadata, answered: Answered): unknown
  delete(order: Order, metadata: Metadata, answered: Answered): unknown
  watch(order: Order, metadata: Metadata): ClientReadableStream<Order>
  chat(metadata: Metadata): ClientDuplexStream<Order, Order>
  import(metadata: Metadata, answered: Answered): ClientDuplexStream<Order, Order>
}

let world: RecipeWorld
let recipe: Awaited<ReturnType<typeof start>>
const closers: (() => void)[] = []

beforeAll(async () => {
  vi.spyOn(console, 'warn').mockReturnValue()
  const files = { 'auth.mjs': 'auth', 'server.mjs': 'server' }
  world = await startRecipe('grpc', files, { 'shop.proto': PROTO, 'orders.mjs': ORDERS, 'all.mjs': ALL })
  recipe = await start()
})
afterAll(async () => {
  for (const close of closers) close()
  await world.close()
})
beforeEach(() => {
  recipe.ran.length = 0
})

async function start(name: 'server' | 'laterServer' = 'server') {
  const { [name]: server, shop, ran } = await world.load<Recipe>('all.mjs')
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    )
  })
  const client = new shop.Orders(`127.0.0.1:${port}`, credentials.createInsecure())
  closers.push(() => {
    client.close()
    server.forceShutdown()
  })
  return { client, port, ran }
}

function metadataOf(token?: string): Metadata {
  const metadata = new Metadata()
  if (token !== undefined) metadata.set('authorization', `Bearer ${token}`)
  return metadata
}

type Answer = readonly [code: number, challenge: unknown, details: string | Order | undefined]

function asked(ask: (answered: Answered) => unknown): Promise<Answer> {
  return new Promise((resolve) => {
    ask((error, order) => resolve(error === null ? [0, undefined, order] : answerOf(error)))
  })
}
const answerOf = ({ code, details, metadata }: StatusObject | ServiceError): Answer => [
  code,
  metadata.get('www-authenticate')[0],
  details,
]
const get = (token?: string, client = recipe.client): Promise<Answer> =>
  asked((answered) => client.get({ id: '7' }, metadataOf(token), answered))

function ended(stream: ClientReadableStream<Order> | ClientDuplexStream<Order, Order>): Promise<Answer> {
  stream.on('error', () => {})
  return new Promise((resolve) => {
    stream.on('status', (status: StatusObject) => resolve(answerOf(status)))
  })
}

it('needs at most 15 lines', () => {
  expect(glueLines(recipeCode('grpc', 'auth'))).toBe(8)
})

const REFUSALS: [string, () => Promise<string> | undefined, number, unknown][] = [
  ['no token', () => undefined, 16, 'Bearer realm="api", scope="orders:read"'],
  ['a forged token', () => world.forgedToken(), 16, expect.stringContaining('error="invalid_token"')],
  ['an expired token', () => world.token({ exp: 1_700_000_000 }), 16, expect.stringContaining('error="invalid_token"')],
  ['a missing scope', () => world.token({ scope: 'x' }), 7, expect.stringContaining('scope="orders:read"')],
  ['two tokens', async () => 'a, Bearer b', 3, expect.stringContaining('error="invalid_request"')],
]

describe('the recipe for gRPC', () => {
  it('gives handlers the token', async () => {
    expect(await get(await world.token())).toEqual([0, undefined, { id: 'ada 7' }])
    const chatToken = await world.token({ scope: 'orders:write' })
    const chat = recipe.client.chat(metadataOf(chatToken))
    chat.write({ id: 'hello' })
    chat.end()
    const received: Order[] = []
    chat.on('data', (order: Order) => received.push(order))
    expect(await ended(chat)).toEqual([0, undefined, 'OK'])
    expect(received).toEqual([{ id: 'hello' }])
    const imported = await asked((answered) => recipe.client.import(metadataOf(chatToken), answered).end())
    expect(imported).toEqual([0, undefined, { id: 'imported' }])
  })

  it.each(REFUSALS)('refuses a unary call: %s', async (_, token, code, challenge) => {
    expect(await get(await token())).toEqual([code, challenge, expect.not.stringContaining('oken_')])
    expect(recipe.ran).toEqual([])
  })

  it.each(REFUSALS)('refuses a stream: %s', async (_, token, code, challenge) => {
    const given = metadataOf(await token())
    const chat = recipe.client.chat(given)
    chat.write({ id: 'hello' })
    chat.resume()
    const watch = recipe.client.watch({ id: '' }, given)
    watch.resume()
    // Any token may import.
    const imported = code === 7 ? [7] : asked((answered) => recipe.client.import(given, answered).end())
    const answers = await Promise.all([ended(watch), ended(chat), imported])
    expect(answers[0]?.slice(0, 2)).toEqual([code, challenge])
    expect(answers.map(([each]) => each)).toEqual([code, code, code])
    expect(recipe.ran).toEqual([])
  })

  it('runs only the functions of later interceptors for a refused call', async () => {
    const { client, ran } = await start('laterServer')
    expect((await get(undefined, client))[0]).toBe(16)
    expect((await get(await world.token(), client))[0]).toBe(0)
    expect(ran).toEqual(['function', 'function', 'metadata'])
  })

  it('refuses a method that is not listed', async () => {
    const metadata = metadataOf(await world.token())
    const answer = await asked((answered) => recipe.client.delete({ id: '7' }, metadata, answered))
    expect(answer[0]).toBe(13)
  })

  it('ends streams in both directions when their token expires', async () => {
    const exp = Date.now() / 1000 + 0.4
    const metadata = metadataOf(await world.token({ exp, scope: 'orders:read orders:write' }))
    const watch = recipe.client.watch({ id: '' }, metadata)
    const chat = recipe.client.chat(metadata)
    const received: Order[] = []
    for (const stream of [watch, chat]) stream.on('data', (order: Order) => received.push(order))
    chat.write({ id: 'hello' })
    const answers = await Promise.all([ended(watch), ended(chat)])
    expect(Date.now() / 1000).toBeGreaterThanOrEqual(exp)
    for (const answer of answers) expect(answer.slice(0, 2)).toEqual([16, expect.stringContaining('"invalid_token"')])
    expect(received.map(({ id }) => id).toSorted()).toEqual(['first', 'hello'])
    await vi.waitFor(() => expect(recipe.ran).toContain('cancelled'))
    expect(recipe.ran.toSorted()).toEqual(['cancelled', 'cancelled', 'chat', 'hello', 'watch'])
  })

  it('tells the handler that the token has expired if the client reads nothing, and takes no more messages', async () => {
    const session = connect(`http://127.0.0.1:${recipe.port}`, { settings: { initialWindowSize: 100 } })
    const token = await world.token({ exp: Date.now() / 1000 + 0.4, scope: 'orders:read orders:write' })
    const request = (path: string) =>
      session.request({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
        te: 'trailers',
        authorization: `Bearer ${token}`,
      })
    const watch = request('/shop.Orders/Watch')
    watch.end(messageOf('many'))
    const chat = request('/shop.Orders/Chat')
    chat.write(messageOf('x'.repeat(200)))
    for (const stream of [watch, chat]) stream.on('error', () => {})
    await vi.waitFor(() => expect(recipe.ran.filter((name) => name === 'cancelled')).toHaveLength(2))
    chat.write(messageOf('late'))
    expect((await get(await world.token()))[0]).toBe(0)
    expect(recipe.ran).not.toContain('late')
    session.destroy()
  })

  it('verifies the first of several fields, the only one that Node keeps', async () => {
    const good = `Bearer ${await world.token()}`
    const statuses: unknown[] = []
    const session = connect(`http://127.0.0.1:${recipe.port}`, { strictSingleValueFields: false } as object)
    for (const fields of [
      [good, 'Bearer bad'],
      ['Bearer bad', good],
    ]) {
      const given = [':method', 'POST', ':path', '/shop.Orders/Get', ':scheme', 'http', ':authority', 'localhost']
      given.push('content-type', 'application/grpc', 'te', 'trailers')
      for (const field of fields) given.push('authorization', field)
      const stream = session.request(given)
      stream.end(messageOf('7'))
      const ending = new Promise((resolve) => stream.once('close', resolve))
      for (const event of ['response', 'trailers'])
        stream.on(event, (headers: Record<string, string>) => statuses.push(headers['grpc-status'] ?? []))
      stream.resume()
      await ending
    }
    session.close()
    expect(statuses.flat()).toEqual(['0', '16'])
  })

  it('answers UNAVAILABLE while keys are unavailable, and the call afterwards', async () => {
    const [cold, warm] = [await start(), await start()]
    const token = await world.token()
    await world.keys.behave({ kind: 'status', status: 500 })
    const refused = await get(token, cold.client)
    await world.keys.behave({ kind: 'ok' })
    expect(refused.slice(0, 2)).toEqual([14, undefined])
    expect(cold.ran).toEqual([])
    expect((await get(token, warm.client))[0]).toBe(0)
  })

  it('runs nothing for a client that cancels or resets while keys are fetched', async () => {
    const cold = await start()
    const token = await world.token({ scope: 'orders:read orders:write' })
    world.keys.forget()
    world.keys.once({ kind: 'ok', delay: 100 })
    const session = connect(`http://127.0.0.1:${cold.port}`)
    const headers = { 'content-type': 'application/grpc', te: 'trailers', authorization: `Bearer ${token}` }
    const reset = session.request({ ':method': 'POST', ':path': '/shop.Orders/Watch', ...headers })
    reset.end(messageOf('7'))
    reset.on('error', () => {})
    session.on('error', () => {})
    const chat = cold.client.chat(metadataOf(token))
    const cancelled = ended(chat)
    await world.keys.received(1)
    chat.cancel()
    session.destroy()
    await world.keys.idle()
    expect((await cancelled)[0]).toBe(1)
    expect((await get(token, cold.client))[0]).toBe(0)
    expect(cold.ran).toEqual(['get'])
  })
})

/** An order as gRPC frames it. */
function messageOf(id: string): Buffer {
  const length = id.length < 128 ? [id.length] : [(id.length % 128) + 128, Math.floor(id.length / 128)]
  const message = Buffer.from([0x0a, ...length, ...Buffer.from(id)])
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(message.length, 1)
  return Buffer.concat([prefix, message])
}
