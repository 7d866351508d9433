// Starts an authorization server and an API, sends requests, prints the status codes, and ends.
import { startServers } from './start-servers.ts'

const { PORT = '4070', AUTH_PORT = '4071' } = process.env
const servers = await startServers(Number(PORT), Number(AUTH_PORT))
const { authorization } = servers

const read = (token: string): Promise<number> => servers.send('GET', '/orders', token)
const pay = (token: string): Promise<number> => servers.send('POST', '/payments', token)

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
servers.stopAuthorization()
await say('the authorization server is down: reads', () => read(reader))
const other = await authorization.issue('opaque', 'orders:read payments')
await say('a new token pays', () => pay(other))
servers.close()
