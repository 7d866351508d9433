import type { AddressInfo } from 'node:net'

import { authenticateJwt, getAuth, requireScope } from '@claimgate/express'
import { createTestKeys } from '@claimgate/testing'
import express from 'express'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import {
  apiFor,
  type AuthorizationServer,
  startAuthorizationServer,
  SUBJECT,
} from '../support/interop/authorization-server.ts'
import { authorizationCode } from '../support/interop/client.ts'

const API = apiFor('ES256')

let server: AuthorizationServer
let origin: string
let tokens: Awaited<ReturnType<typeof authorizationCode>>
let stop: () => Promise<void>

beforeAll(async () => {
  server = await startAuthorizationServer({ keys: [(await createTestKeys('ES256')).privateJwk] })
  tokens = await authorizationCode(server.issuer, API)
  const app = express()
  app.use(authenticateJwt({ issuer: server.issuer, audience: API, profile: 'rfc9068' }))
  app.get('/orders', requireScope('orders:read'), (req, res) => void res.json({ sub: getAuth(req).claims.sub }))
  app.post('/orders', requireScope('orders:write'), (_req, res) => void res.sendStatus(201))
  const http = await new Promise<ReturnType<typeof app.listen>>((resolve) => {
    const listening = app.listen(0, '127.0.0.1', () => resolve(listening))
  })
  origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  stop = async () => {
    const closed = new Promise<void>((resolve) => http.close(() => resolve()))
    http.closeAllConnections()
    await closed
  }
})
afterAll(async () => {
  await stop()
  await server.close()
})

const call = async (method: string, token?: string): Promise<Response> =>
  fetch(`${origin}/orders`, { method, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } })

describe('an Express app that trusts oidc-provider', () => {
  it('serves a request with an access token', async () => {
    const response = await call('GET', tokens.access_token)
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ sub: SUBJECT })
  })

  it('challenges a request without a token', async () => {
    const response = await call('GET')
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toBe('Bearer realm="api"')
  })

  it('refuses an ID token as an access token', async () => {
    const response = await call('GET', tokens.id_token)
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toContain('error="invalid_token"')
  })

  it('refuses a request that the scopes do not allow, and names the scope', async () => {
    const response = await call('POST', tokens.access_token)
    expect(response.status).toBe(403)
    expect(response.headers.get('www-authenticate')).toMatch(/error="insufficient_scope".*scope="orders:write"/)
  })
})
