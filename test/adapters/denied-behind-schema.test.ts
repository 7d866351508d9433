import { createRequire } from 'node:module'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createVerifier, type VerifiedToken } from '@claimgate/core'
import { createMemoryDenylist, type Denylist, denylist } from '@claimgate/core/denylist'
import { createNestedVerifier, decryptionKeys } from '@claimgate/core/jwe'
import { authenticateJwt, getAuth } from '@claimgate/express'
import { claimgate } from '@claimgate/fastify'
import { createGate } from '@claimgate/fetch'
import { authenticateJwt as honoJwt } from '@claimgate/hono'
import { protect } from '@claimgate/lambda'
import { Auth, ClaimgateModule } from '@claimgate/nestjs'
import { createAdaptorServer } from '@hono/node-server'
import { Controller, Get, HttpCode, Post } from '@nestjs/common'
import express5 from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { CompactEncrypt, generateKeyPair } from 'jose'
import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { createAuthority } from '../support/adapters/authority.ts'
import { restApi, sendResponse, sentOf } from '../support/lambda/events.ts'
import { decorate, listenerOf, type Platform, startApp } from '../support/nestjs/nest.ts'

const express4 = createRequire(import.meta.url)('express4') as typeof express5
const authority = await createAuthority()
const encryption = await generateKeyPair('ECDH-ES')

/** Claims as an application may rename them: afterwards, every claim that identifies the token has another value. */
const claims = z.looseObject({ iss: z.string(), jti: z.string(), exp: z.number() }).transform((signed) => ({
  ...signed,
  iss: 'tenant-1',
  jti: `tenant-1:${signed.jti}`,
  exp: new Date(signed.exp * 1000),
  sub: undefined,
}))

type Options = ReturnType<typeof optionsWith>
const optionsWith = (denied: Denylist) => ({ ...authority.options, claims, checks: [denied] })

const listen = async (server: Server): Promise<string> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const startExpress = (framework: typeof express5) => (options: Options, denied: Denylist) => {
  const app = framework().use(authenticateJwt(options))
  app.post('/log-out', (req, res, next) => {
    denied.denyToken(getAuth(req)).then(() => res.status(204).end(), next)
  })
  app.get('/orders', (_req, res) => void res.send('orders'))
  return listen(createServer(app))
}

const startFastify = async (options: Options, denied: Denylist): Promise<string> => {
  const app = fastify()
  await app.register(claimgate, options)
  app.post('/log-out', async ({ auth }, reply) => {
    await denied.denyToken(auth as VerifiedToken)
    return reply.code(204).send()
  })
  app.get('/orders', () => 'orders')
  onTestFinished(() => app.close())
  return app.listen({ host: '127.0.0.1', port: 0 })
}

const startGate =
  (gateOf: (options: Options) => (request: Request) => Promise<VerifiedToken | Response>) =>
  (options: Options, denied: Denylist) => {
    const gate = gateOf(options)
    return listen(
      createServer((req, res) => {
        const answer = async (): Promise<number> => {
          const { authorization = '' } = req.headers
          const auth = await gate(new Request(`http://127.0.0.1${req.url}`, { headers: { authorization } }))
          if (auth instanceof Response) return auth.status
          if (req.method === 'GET') return 200
          await denied.denyToken(auth)
          return 204
        }
        answer().then(
          (status) => res.writeHead(status).end(),
          () => res.writeHead(500).end(),
        )
      }),
    )
  }

const startHono = (options: Options, denied: Denylist) => {
  const app = new Hono()
    .use(honoJwt(options))
    .get('/orders', (c) => c.text('orders'))
    .post('/log-out', async (c) => {
      await denied.denyToken(c.get('auth') as VerifiedToken)
      return c.body(null, 204)
    })
  return listen(createAdaptorServer({ fetch: app.fetch }) as Server)
}

const startNest = (platform: Platform) => async (options: Options, denied: Denylist) => {
  class Orders {
    orders(): string {
      return 'orders'
    }
    async logOut(auth: VerifiedToken): Promise<void> {
      await denied.denyToken(auth)
    }
  }
  Controller()(Orders)
  decorate(Orders, 'orders', [Get('orders')])
  decorate(Orders, 'logOut', [Post('log-out'), HttpCode(204)], [Auth()])
  const app = await startApp(platform, { imports: [ClaimgateModule.forRoot(options)], controllers: [Orders] })
  return listen(createServer(listenerOf(app, platform)))
}

const startLambda = (options: Options, denied: Denylist) => {
  const handler = protect(async ({ httpMethod }: { readonly httpMethod?: string }, auth) => {
    if (httpMethod === 'POST') await denied.denyToken(auth as VerifiedToken)
    return { statusCode: httpMethod === 'POST' ? 204 : 200, body: '', isBase64Encoded: false as const }
  }, options)
  return listen(
    createServer((req, res) => {
      const answer = async (): Promise<void> => sendResponse(res, await handler(restApi(await sentOf(req))))
      answer().catch(() => res.writeHead(500).end())
    }),
  )
}

const nested = (options: Options) => {
  const decryption = { keys: decryptionKeys({ privateKey: encryption.privateKey }) }
  return createGate({ verifier: createNestedVerifier({ verifier: createVerifier(options), decryption }) })
}

const encrypt = async (token: string): Promise<string> =>
  new CompactEncrypt(new TextEncoder().encode(token))
    .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM', cty: 'JWT' })
    .encrypt(encryption.publicKey)

describe('37. Nothing fails open: a token that is denied with the claims a handler received, behind a schema that renames them', () => {
  it.each([
    { name: 'Express 5', start: startExpress(express5), asSent: async (token: string) => token },
    { name: 'Express 4', start: startExpress(express4), asSent: async (token: string) => token },
    { name: 'Fastify', start: startFastify, asSent: async (token: string) => token },
    { name: 'Hono', start: startHono, asSent: async (token: string) => token },
    { name: 'NestJS on Express', start: startNest('Express'), asSent: async (token: string) => token },
    { name: 'NestJS on Fastify', start: startNest('Fastify'), asSent: async (token: string) => token },
    { name: 'Lambda', start: startLambda, asSent: async (token: string) => token },
    { name: 'a gate', start: startGate((options) => createGate(options)), asSent: async (token: string) => token },
    { name: 'a gate for encrypted tokens', start: startGate(nested), asSent: encrypt },
  ])('is refused from then on, and no other token is, in $name', async ({ start, asSent }) => {
    for (const tokenCache of [{}, false] as const) {
      const denied = denylist({ store: createMemoryDenylist() })
      const options = { ...optionsWith(denied), tokenCache }
      const origin = await start(options, denied)
      const ended = await asSent(await authority.token({ jti: 'ended' }))
      const other = await asSent(await authority.token({ jti: 'other' }))
      const send = async (token: string, method = 'GET', path = '/orders'): Promise<number> =>
        (await fetch(`${origin}${path}`, { method, headers: { authorization: `Bearer ${token}` } })).status
      expect([await send(ended), await send(ended), await send(other)]).toEqual([200, 200, 200])
      expect(await send(ended, 'POST', '/log-out')).toBe(204)
      expect([await send(ended), await send(other), await send(ended)]).toEqual([401, 200, 401])
    }
  })
})
