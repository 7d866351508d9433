import { createMemoryDenylist, denylist } from '@claimgate/core/denylist'
import { authenticateJwt, backchannelLogout } from '@claimgate/express'
import { createTestKeys } from '@claimgate/testing'
import express from 'express'
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, describe, expect, it } from 'vitest'
import { apiFor, startAuthorizationServer } from '../support/interop/authorization-server.ts'
import { authorizationCode, CLIENT_ID, type Cookies, logOut } from '../support/interop/client.ts'

const API = apiFor('ES256')
const cleanUps: (() => unknown)[] = []
afterAll(async () => {
  for (const cleanUp of cleanUps) await cleanUp()
})

describe('44. A logout at oidc-provider', () => {
  it('ends a session at the API, and no other', async () => {
    const app = express()
    const server: Server = app.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const { privateJwk } = await createTestKeys('ES256', { kid: 'signing key' })
    const provider = await startAuthorizationServer({ keys: [privateJwk], logoutUri: `${origin}/backchannel-logout` })
    const { issuer } = provider
    cleanUps.push(
      provider.close,
      () => server.close(),
      () => server.closeAllConnections(),
    )

    const answers: number[] = []
    const revoked = denylist({ store: createMemoryDenylist() })
    app.use((_req, res, next) => {
      res.on('finish', () => answers.push(res.statusCode))
      next()
    })
    app.post('/backchannel-logout', backchannelLogout({ denylist: revoked, issuer, clientId: CLIENT_ID }))
    app.use(authenticateJwt({ issuer, audience: API, checks: [revoked] }))
    app.get('/orders', (req, res) => res.json({ sub: req.auth?.claims.sub }))
    const call = async (token: string): Promise<number> =>
      (await fetch(`${origin}/orders`, { headers: { authorization: `Bearer ${token}` } })).status

    const [laptop, phone]: [Cookies, Cookies] = [new Map(), new Map()]
    const onLaptop = await authorizationCode(issuer, API, laptop)
    const onPhone = await authorizationCode(issuer, API, phone)
    expect([await call(onLaptop.access_token), await call(onPhone.access_token)]).toEqual([200, 200])
    await logOut(issuer, onLaptop.id_token, laptop)
    expect(answers).toEqual([200, 200, 200])
    expect([await call(onLaptop.access_token), await call(onPhone.access_token)]).toEqual([401, 200])
  })
})
