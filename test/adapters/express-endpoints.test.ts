import { createAuthenticator, createVerifier } from '@claimgate/core'
import { createMemoryDenylist, denylist } from '@claimgate/core/denylist'
import { protectedResource } from '@claimgate/core/metadata'
import * as adapter from '@claimgate/express'
import { authenticateJwt, authorize, getAuth, requireScope } from '@claimgate/express'
import { createTestClock } from '@claimgate/testing'
import express5, { type ErrorRequestHandler, type RequestHandler } from 'express'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { createAuthority } from '../support/adapters/authority.ts'
import { toyDpop } from '../support/adapters/toy-dpop.ts'
import { listen } from '../support/contract/started-adapter.ts'
import { FORM } from '../support/revocation/world.ts'

const express4 = createRequire(import.meta.url)('express4') as typeof express5
const authority = await createAuthority()
const { options } = authority
const verifier = createVerifier(options)
const clock = createTestClock()
const common = {
  issuer: options.issuer,
  jwks: options.jwks,
  denylist: denylist({ store: createMemoryDenylist() }),
  clock,
}
const logout = { ...common, clientId: 'shop' }
const events = { ...common, audience: 'receiver', authenticate: null }
const resource = protectedResource({ resource: options.audience })

describe.each([
  ['4', express4],
  ['5', express5],
] as const)('Express %s', (_version, express) => {
  let app: ReturnType<typeof express5>
  let errors: unknown[]
  const collectErrors: ErrorRequestHandler = (error, _req, res, _next) => {
    errors.push(error)
    res.status(500).end('error handler')
  }
  beforeEach(() => {
    app = express()
    errors = []
  })
  const request = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const { port, close } = await listen(createServer(app))
    onTestFinished(close)
    return fetch(`http://127.0.0.1:${port}${path}`, init)
  }
  const post = (body: BodyInit, path = '/logout'): Promise<Response> =>
    request(path, { method: 'POST', headers: { 'content-type': FORM }, body, duplex: 'half' } as RequestInit)

  describe('an endpoint of revocations', () => {
    it.each<readonly [string, () => BodyInit, number, string]>([
      ['too large', () => `a=${'a'.repeat(70_000)}`, 413, 'close'],
      ['no logout token', () => 'a=b', 400, 'keep-alive'],
    ])('closes the connection only if the rest of the body was not read: %s', async (_, body, status, connection) => {
      app.use('/logout', adapter.backchannelLogout(logout))
      const response = await post(body())
      expect([response.status, response.headers.get('connection')]).toEqual([status, connection])
    })

    it('closes the connection of a body that does not end', async () => {
      app.use('/logout', adapter.backchannelLogout(logout))
      const answer = post(new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(1)) }))
      await expect.poll(() => clock.pending()).toBe(1)
      clock.advance(5000)
      const response = await answer
      expect([response.status, response.headers.get('connection')]).toEqual([408, 'close'])
    })

    it('leaves the connection of HTTP/2 open', async () => {
      app.use((req, _res, next) => {
        Object.defineProperty(req, 'httpVersionMajor', { value: 2 })
        next()
      })
      app.use('/logout', adapter.backchannelLogout(logout))
      const response = await post(`a=${'a'.repeat(70_000)}`)
      expect([response.status, response.headers.get('connection')]).toEqual([413, 'keep-alive'])
    })
  })

  it.each<readonly [string, RequestHandler, string]>([
    ['metadata', adapter.resourceMetadata(resource), resource.paths[0] ?? ''],
    ['logout', adapter.backchannelLogout(logout), '/'],
    ['security events', adapter.securityEvents(events), '/'],
  ])('passes a failure to answer to the error handler: %s', async (_, handler, path) => {
    const failure = new Error('no header can be set')
    app.use((_req, res, next) => {
      res.setHeader = () => {
        throw failure
      }
      next()
    })
    app.use(handler)
    app.use(collectErrors)
    expect(await (await request(path)).text()).toBe('error handler')
    expect(errors).toEqual([failure])
  })

  it.each([
    ['resourceMetadata', adapter.resourceMetadata, 'app.use(resourceMetadata(resource))'],
    [
      'backchannelLogout',
      adapter.backchannelLogout,
      'app.post("/backchannel-logout", backchannelLogout({ denylist, issuer, clientId }))',
    ],
    [
      'securityEvents',
      adapter.securityEvents,
      'app.post("/events", securityEvents({ denylist, issuer, audience, authenticate }))',
    ],
  ] as const)('%s passed uncalled says what to write', async (name, uncalled, call) => {
    app.use(uncalled as never)
    app.use(collectErrors)
    await request('/')
    expect(errors).toEqual([new TypeError(`${name} was passed uncalled: write ${call}`)])
  })

  describe('a request', () => {
    it('gets no other property than "auth" without an option', async () => {
      let added: readonly string[] = []
      app.use(
        (req, _res, next) => {
          added = Object.keys(req)
          next()
        },
        authenticateJwt(verifier),
        (req, res) => res.json(Object.keys(req).filter((name) => !added.includes(name))),
      )
      expect(await (await request('/', { headers: await authority.authorization() })).json()).toEqual(['auth'])
    })

    it('loses what earlier middleware has put into the property, if it is refused', async () => {
      app.use(
        (req, _res, next) => next(void Object.assign(req, { user: 'mine' })),
        authenticateJwt({
          verifier,
          property: 'user',
          onReject: (_refusal, req, res) => res.json([(req as { user?: unknown }).user ?? null]),
        }),
      )
      expect(await (await request('/')).json()).toEqual([null])
    })

    it('is admitted also if its headers were sent before', async () => {
      const token = await authority.token({ cnf: { jkt: 'thumbprint' } })
      app.use(
        (_req, res, next) => {
          res.flushHeaders()
          next()
        },
        authenticateJwt({ verifier, bindings: [toyDpop] }),
        (_req, res) => void res.end('served'),
      )
      const response = await request('/', { headers: { authorization: `DPoP ${token}`, dpop: 'thumbprint' } })
      expect([await response.text(), response.headers.get('dpop-nonce')]).toEqual(['served', null])
    })
  })

  describe('an authenticator of the application', () => {
    const made = createAuthenticator(verifier)

    it.each<readonly [string, () => unknown]>([
      ['admits an anonymous request', () => ({ kind: 'authenticated', token: {} })],
      ['answers later', async () => ({ kind: 'refused' })],
    ])('that %s gives it no token', async (_, decide) => {
      const authenticator = { ...made, authenticate: async () => ({ kind: 'anonymous' }) as const, authorize: decide }
      app.use(authenticateJwt(authenticator as never), (req, res) => res.json(getAuth(req)))
      app.use(collectErrors)
      expect((await request('/')).status).toBe(500)
      expect(errors).toEqual([new TypeError('Cannot get auth: the request is anonymous')])
    })

    it('that takes a token for none admits no request', async () => {
      const authenticator = { ...made, authorize: () => ({ kind: 'anonymous' }) }
      app.use(authenticateJwt(authenticator as never), requireScope('a'), (_req, res) => void res.end())
      app.use(collectErrors)
      expect((await request('/', { headers: await authority.authorization() })).status).toBe(500)
      expect(errors).toEqual([new TypeError('Cannot authorize request: it is anonymous')])
    })
  })

  it('names the middleware that has not admitted a request, and a requirement that is none', async () => {
    const [first, second] = [authenticateJwt(verifier), authenticateJwt(verifier)]
    app.use(first, second, (req, res) => res.json(first.getAuth(req)))
    app.use(collectErrors)
    await request('/', { headers: await authority.authorization() })
    expect(errors).toEqual([new TypeError('Cannot get auth: another authenticateJwt() has let the request through')])
    expect(() => authorize('orders:read' as never)).toThrow('Cannot authorize request: give a requirement')
  })

  describe('onReject', () => {
    const rejecting = (onReject: adapter.OnReject): void => {
      app.use(authenticateJwt({ verifier, onReject }), (_req, res) => void res.end('served'))
      app.use(collectErrors)
    }

    it('that calls next twice reaches the error handler once', async () => {
      rejecting((_refusal, _req, _res, next) => {
        next(new Error('first'))
        next(new Error('second'))
      })
      expect(await (await request('/')).text()).toBe('error handler')
      expect(errors).toEqual([new Error('first')])
    })

    it('that calls next after its answer has only answered', async () => {
      rejecting((_refusal, _req, res, next) => {
        res.status(418).end('own')
        next()
      })
      const response = await request('/')
      expect([response.status, await response.text()]).toEqual([418, 'own'])
      await new Promise((resolve) => setImmediate(resolve))
      expect(errors).toEqual([])
    })

    it('that sends a directory as a file reaches no handler', async () => {
      rejecting((_refusal, _req, res) => {
        res.sendFile(import.meta.dirname, { dotfiles: 'allow' })
        return res
      })
      expect(await (await request('/')).text()).toBe('error handler')
      expect(errors).toMatchObject([{ message: 'Request refused', status: 401 }])
    })
  })
})
