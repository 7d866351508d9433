import { type AuthenticatorOptions, scope } from '@claimgate/core'
import { createMemoryReplayStore, dpop } from '@claimgate/core/dpop'
import { createTestKeys } from '@claimgate/testing'
import express from 'express'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startExpress } from '../support/contract/express-adapter.ts'
import { startFastify } from '../support/contract/fastify-adapter.ts'
import { startFetch } from '../support/contract/fetch-adapter.ts'
import type { Services } from '../support/contract/services.ts'
import type { StartAdapter, StartedAdapter } from '../support/contract/started-adapter.ts'
import { apiFor, type AuthorizationServer, startAuthorizationServer } from '../support/interop/authorization-server.ts'
import { CLIENT_ID, CLIENT_SECRET } from '../support/interop/client.ts'

const API = apiFor('ES256')
/** A proxy in front of the API ends TLS and strips `/v1`. */
const ORIGIN = 'https://orders.example.com/v1'
const GRANT = { grant_type: 'client_credentials', scope: 'orders:read', resource: API }

/** What a client sends and gets. */
interface DpopClient {
  /** The access token, from a real authorization server. */
  token(): Promise<string>
  /** The status and body of a request to the API. */
  call(token: string, path: string): Promise<readonly [number, string]>
}

type Proxy = (url: string, init: RequestInit) => Promise<Response>

/** oauth4webapi. As its documentation shows, the caller repeats a request whose nonce was refused. */
async function oauth4webapi(issuer: string, proxy: Proxy): Promise<DpopClient> {
  const client: oauth.Client = { client_id: CLIENT_ID }
  const insecure = { [oauth.allowInsecureRequests]: true }
  const found = await oauth.discoveryRequest(new URL(issuer), insecure)
  const server = await oauth.processDiscoveryResponse(new URL(issuer), found)
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
  const repeated = async <T>(ask: () => Promise<T>): Promise<T> =>
    ask().catch((error: unknown) => {
      if (oauth.isDPoPNonceError(error)) return ask()
      throw error
    })
  return {
    token: async () => {
      const secret = oauth.ClientSecretBasic(CLIENT_SECRET)
      const { grant_type: _, ...parameters } = GRANT
      const { access_token: token, token_type: type } = await repeated(async () => {
        const options = { DPoP, ...insecure }
        const answer = await oauth.clientCredentialsGrantRequest(server, client, secret, parameters, options)
        return oauth.processClientCredentialsResponse(server, client, answer)
      })
      expect(type).toBe('dpop')
      return token
    },
    call: async (token, path) => {
      const url = new URL(`${ORIGIN}${path}`)
      const options = { DPoP, [oauth.customFetch]: proxy as never }
      const answer = await repeated(async () =>
        oauth.protectedResourceRequest(token, 'GET', url, undefined, undefined, options),
      )
      return [answer.status, await answer.text()]
    },
  }
}

/** openid-client, which repeats such requests itself. */
async function openidClient(issuer: string, proxy: Proxy): Promise<DpopClient> {
  const options = { execute: [openid.allowInsecureRequests] }
  const config = await openid.discovery(
    new URL(issuer),
    CLIENT_ID,
    undefined,
    openid.ClientSecretBasic(CLIENT_SECRET),
    options,
  )
  const DPoP = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair('ES256'))
  return {
    token: async () => {
      const { grant_type: _, ...parameters } = GRANT
      return (await openid.clientCredentialsGrant(config, parameters, { DPoP })).access_token
    },
    call: async (token, path) => {
      config[openid.customFetch] = proxy as never
      const url = new URL(`${ORIGIN}${path}`)
      const answer = await openid.fetchProtectedResource(config, token, url, 'GET', undefined, undefined, { DPoP })
      return [answer.status, await answer.text()]
    },
  }
}

const adapters: readonly (readonly [string, StartAdapter])[] = [
  ['Express', startExpress(express, 'in the options')],
  ['Fastify', startFastify],
  ['fetch', startFetch],
]
const clients = [
  ['oauth4webapi', oauth4webapi],
  ['openid-client', openidClient],
] as const

let server: AuthorizationServer
beforeAll(async () => {
  server = await startAuthorizationServer({ keys: [(await createTestKeys('ES256')).privateJwk] })
})
afterAll(() => server.close())

describe.each(adapters)('41. DPoP with nonces, tokens of oidc-provider and %s', (_, start) => {
  let adapter: StartedAdapter
  let offset = 0
  const statuses: number[] = []

  const proxy: Proxy = async (url, init) => {
    const answer = await fetch(url.replace(ORIGIN, `http://127.0.0.1:${adapter.port}`), init)
    statuses.push(answer.status)
    return answer
  }

  beforeAll(async () => {
    const nonces = { secret: 'a secret of at least thirty-two bytes', lifetime: 300 }
    const clock = { now: () => Date.now() + offset }
    const options: AuthenticatorOptions = {
      issuer: server.issuer,
      audience: API,
      profile: 'rfc9068',
      keySet: { allowLoopbackHttp: true },
      bindings: [dpop({ origin: ORIGIN, replay: createMemoryReplayStore(), nonces, clock })],
      unboundTokens: 'refuse',
    }
    adapter = await start({
      '/orders': { options, requirement: scope('orders:read') },
      '/orders/write': { options, requirement: scope('orders:write') },
    } as unknown as Services)
  })
  afterAll(() => adapter.close())

  it.each(clients)('%s repeats its first request with a nonce, and no other', async (__, create) => {
    offset = 0
    statuses.length = 0
    const client = await create(server.issuer, proxy)
    const token = await client.token()
    for (const seconds of [0, 100, 200, 400, 500]) {
      offset = seconds * 1000
      expect((await client.call(token, '/orders'))[0]).toBe(200)
    }
    expect(statuses).toEqual([401, 200, 200, 200, 200, 200])
  })

  it.each(clients)('%s cannot use the token of another client', async (__, create) => {
    offset = 0
    const token = await (await create(server.issuer, proxy)).token()
    const thief = await create(server.issuer, proxy)
    statuses.length = 0
    await expect(thief.call(token, '/orders')).rejects.toThrow(/challenge/i)
    expect(statuses).toEqual([401])
  })

  it.each(clients)('%s reads the challenge of a token without the scope', async (__, create) => {
    const client = await create(server.issuer, proxy)
    const token = await client.token()
    const refusal: unknown = await client.call(token, '/orders/write').catch((error: unknown) => error)
    const challenges = (refusal as { readonly cause: readonly { scheme: string; parameters: object }[] }).cause
    expect(challenges.map(({ scheme }) => scheme)).toEqual(['bearer', 'dpop'])
    expect(challenges[1]).toMatchObject({ parameters: { error: 'insufficient_scope', scope: 'orders:write' } })
  })
})
