// Starts a provider and an API, ends sessions and tokens, prints the status codes, and ends.
import type { Express } from 'express'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { createApi } from './api.ts'
import { createProvider } from './provider.ts'

const { PORT = '4090', PROVIDER_PORT = '4091' } = process.env
const issuer = `http://127.0.0.1:${PROVIDER_PORT}`
const api = `http://127.0.0.1:${PORT}`
const names = { issuer, audience: 'orders-api', clientId: 'web-shop' }
const secret = crypto.randomUUID()

let ahead = 0
/** The clock of the API. It is moved ahead instead of waiting. */
const clock = { now: () => Date.now() + ahead, monotonic: () => performance.now() + ahead }

const provider = await createProvider(names)
const servers = [await listen(provider.app, PROVIDER_PORT), await listen(createApi({ ...names, secret, clock }), PORT)]

async function listen(app: Express, port: string): Promise<Server> {
  const server = createServer(app).listen(Number(port), '127.0.0.1')
  await once(server, 'listening')
  return server
}

const read = async (token: string): Promise<number> =>
  (await fetch(`${api}/orders`, { headers: { authorization: `Bearer ${token}` } })).status

const logOut = async (token: string): Promise<number> => {
  const body = new URLSearchParams({ logout_token: token })
  return (await fetch(`${api}/backchannel-logout`, { method: 'POST', body })).status
}

const report = async (event: string, bearer: string): Promise<number> => {
  const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/secevent+jwt' }
  return (await fetch(`${api}/events`, { method: 'POST', headers, body: event })).status
}

/** Prints the status codes of answers. */
function say(what: string, ...statuses: readonly number[]): void {
  console.log(`${what.padEnd(50)}${statuses.join(' ')}`)
}

const [laptop, phone, bob, carol] = [
  await provider.issue('ada', 'laptop', 0),
  await provider.issue('ada', 'phone', 1),
  await provider.issue('bob', 'tablet', 2),
  await provider.issue('carol', 'desktop', 3),
]
say('ada on her laptop and phone, bob and carol read', ...(await Promise.all([laptop, phone, bob, carol].map(read))))

const logoutToken = await provider.logoutToken('laptop')
say('a logout token for another client', await logOut(await provider.logoutToken('phone', 'other-shop')))
say('an access token as logout token', await logOut(phone))
say('ada logs out on her laptop', await logOut(logoutToken))
say('the same logout token again', await logOut(logoutToken))
say('the laptop and the phone read', await read(laptop), await read(phone))

const event = await provider.credentialChange('bob')
say('an event without the secret', await report(event, crypto.randomUUID()))
say('bob has changed his password', await report(event, secret))
say('bob reads', await read(bob))

provider.setStatus(3, 1)
say("carol's token is revoked in the list: she reads", await read(carol))
ahead += 61_000
say('a minute later she reads, and the phone', await read(carol), await read(phone))
console.log(`${'requests for the status list'.padEnd(50)}${provider.listRequests()}`)

for (const server of servers) server.close()
