// Starts an authorization server and an API, sends requests, prints the status codes, and ends.
import type { Express } from 'express'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { createApi } from './api.ts'
import { createAuthorizationServer } from './authorization-server.ts'

const { PORT = '4070', AUTH_PORT = '4071' } = process.env
const issuer = `http://127.0.0.1:${AUTH_PORT}`
const audience = 'orders-api'
const client = { id: 'orders-api', secret: crypto.randomUUID() }

const authorization = await createAuthorizationServer({ issuer, audience, api: client })
const servers = [
  await listen(authorization.app, AUTH_PORT),
  await listen(createApi({ issuer, audience, client }), PORT),
]

async function listen(app: Express, port: string): Promise<Server> {
  const server = createServer(app).listen(Number(port), '127.0.0.1')
  await once(server, 'listening')
  return server
}

const send = async (method: string, path: string, token: string): Promise<number> => {
  const headers = { authorization: `Bearer ${token}` }
  return (await fetch(`http://127.0.0.1:${PORT}${path}`, { method, headers })).status
}
const read = (token: string): Promise<number> => send('GET', '/orders', token)
const pay = (token: string): Promise<number> => send('POST', '/payments', token)

/** Prints status codes, and how often the API has asked the authorization server for them. */
async function say(what: string, ...requests: readonly (() => Promise<number>)[]): Promise<void> {
  const before = authorization.introspections()
  const statuses: number[] = []
  for (const request of requests) statuses.push(await request())
  console.log(
    `${what.padEnd(44)}${statuses.join(' ').padEnd(12)}asked ${authorization.introspections() - before} times`,
  )
}

const opaque = await authorization.issue('opaque', 'orders:read payments')
const jwt = await authorization.issue('jwt', 'orders:read payments')
const reader = await authorization.issue('opaque', 'orders:read')

await say('an opaque token reads, three times', ...[1, 2, 3].map(() => () => read(opaque)))
await say('it pays, twice', ...[1, 2].map(() => () => pay(opaque)))
await say('a token without the scope pays', () => pay(reader))
await say('a JWT reads, twice', ...[1, 2].map(() => () => read(jwt)))
await say('it pays, twice', ...[1, 2].map(() => () => pay(jwt)))
authorization.revoke(opaque)
authorization.revoke(jwt)
await say('both are revoked: the opaque token reads', () => read(opaque))
await say('it pays, and reads again', ...[pay, read].map((request) => () => request(opaque)))
await say('the JWT reads, and pays', ...[read, pay].map((request) => () => request(jwt)))
servers[0]?.close()
servers[0]?.closeAllConnections()
await say('the authorization server is down: reads', () => read(reader))
const other = await authorization.issue('opaque', 'orders:read payments')
await say('a new token pays', () => pay(other))
servers[1]?.close()
