import { createServer, type RequestListener } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'

import { scope, type VerifierOptions } from '@claimgate/core'
import { bare, own } from '@claimgate/core/extend'
import * as expressAdapter from '@claimgate/express'
import { authenticateJwt, getAuth, requireScope } from '@claimgate/express'
import * as fastifyAdapter from '@claimgate/fastify'
import { claimgate } from '@claimgate/fastify'
import * as fetchAdapter from '@claimgate/fetch'
import { createGate, protect } from '@claimgate/fetch'
import * as hono from '@claimgate/hono'
import { authorizer, protect as protectLambda } from '@claimgate/lambda'
import { type AuthInfo, mcpResource } from '@claimgate/mcp'
import { Auth, ClaimgateModule, Public, Scopes } from '@claimgate/nestjs'
import { Controller, Get } from '@nestjs/common'
import express, { type Request as ExpressRequest } from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import { NOW } from '../core/jose-tokens.ts'
import { decorate, listenerOf, type Platform, startApp } from '../nestjs/nest.ts'
import { CLIENT, FORM, keys as logoutKeys, logoutToken } from '../revocation/world.ts'
import { AUDIENCE, ISSUER } from './hostile.ts'
import { rawClient } from './raw-client.ts'
import { type Ask, outcome, type Scenario, stringify } from './scenario.ts'
import type { Made } from './tokens.ts'

// The types of Express 5 also fit Express 4 here.
const express4 = createRequire(import.meta.url)('express4') as typeof express

// Signed before anything is polluted.
const FORMS = {
  good: `logout_token=${await logoutToken()}`,
  'without events': `logout_token=${await logoutToken({ events: undefined })}`,
  empty: '',
}

const ROUTES = ['/open', '/orders', '/admin', '/unknown']

/** The answers of real servers with each adapter, on routes that are open, protected, restricted and unknown. */
export function adapterScenarios({ keys, tokens }: Made): readonly Scenario[] {
  const options = (): VerifierOptions => ({ issuer: ISSUER, audience: AUDIENCE, jwks: { keys: [keys.publicJwk] } })
  const sent = { ...tokens, none: undefined }

  // Servers are closed by the end of the process, because closing hundreds of them takes longer than everything else.
  const overHttp = async (port: number): Promise<Ask> => {
    const client = await rawClient(port)
    return async () => {
      const answers: Record<string, string> = {}
      for (const route of ROUTES) {
        for (const [name, token] of Object.entries(sent)) {
          const field = token === undefined ? '' : `Authorization: Bearer ${token}\n`
          const answer = await client.ask(`GET ${route} HTTP/1.1\nHost: api.example\n${field}\n`)
          answers[`${route} ${name}`] = answer
          // A closed connection would not answer any more.
          if (answer.startsWith('error the connection')) return answers
        }
      }
      return answers
    }
  }

  const expressScenario = (name: string, make: typeof express): Scenario => ({
    name,
    start: async () => {
      const app = make()
      app.get('/open', (_req, res) => void res.end('open'))
      app.use(authenticateJwt(options()))
      app.get('/orders', (req, res) => void res.end(said(getAuth(req as ExpressRequest))))
      app.get('/admin', requireScope('admin'), (req, res) => void res.end(said(getAuth(req as ExpressRequest))))
      return overHttp(await listening(app))
    },
  })

  const nestScenario = (platform: Platform): Scenario => ({
    name: `NestJS on ${platform}`,
    start: async () => {
      class Orders {
        open(): string {
          return 'open'
        }
        orders(auth: Parameters<typeof said>[0]): string {
          return said(auth)
        }
        admin(auth: Parameters<typeof said>[0]): string {
          return said(auth)
        }
      }
      Controller()(Orders)
      decorate(Orders, 'open', [Get('open'), Public()])
      decorate(Orders, 'orders', [Get('orders')], [Auth()])
      decorate(Orders, 'admin', [Get('admin'), Scopes('admin')], [Auth()])
      // The parser of Express fails at start-up with inherited options.
      const imports = [ClaimgateModule.forRoot(options())]
      const app = await startApp(platform, { imports, controllers: [Orders], bodyParser: false })
      return overHttp(await listening(listenerOf(app, platform)))
    },
  })

  const list = {
    check: async () => {},
    denyToken: async () => {},
    denySubject: async () => {},
    denySession: async () => {},
  }
  const jwks = { keys: [logoutKeys.publicJwk] }
  const logout = { denylist: list, issuer: ISSUER, clientId: CLIENT, jwks, clock: { now: () => NOW * 1000 } }
  const logOutOverHttp = async (port: number): Promise<Ask> => {
    const client = await rawClient(port)
    return async () => {
      const answers: Record<string, string> = {}
      for (const [name, form] of Object.entries(FORMS)) {
        const fields = `Host: api.example\nContent-Type: ${FORM}\nContent-Length: ${form.length}\n`
        answers[name] = await client.ask(`POST /logout HTTP/1.1\n${fields}\n${form}`)
        if (answers[name].startsWith('error the connection')) return answers
      }
      return answers
    }
  }
  const logoutScenarios: readonly Scenario[] = [
    {
      name: 'logout tokens in Express',
      start: async () =>
        logOutOverHttp(await listening(express().post('/logout', expressAdapter.backchannelLogout(logout)))),
    },
    {
      name: 'logout tokens in Fastify',
      start: async () => {
        const app = Fastify()
        app.register(fastifyAdapter.backchannelLogout(logout), bare({ prefix: '/logout' }))
        await app.listen({ port: 0, host: '127.0.0.1' })
        return logOutOverHttp((app.server.address() as AddressInfo).port)
      },
    },
    {
      name: 'logout tokens in fetch',
      start: () => {
        const handler = fetchAdapter.backchannelLogout(logout)
        return async () => {
          const answers: Record<string, string> = {}
          for (const [name, body] of Object.entries(FORMS)) {
            const headers = bare({ 'content-type': FORM })
            answers[name] = await outcome(async () => {
              const response = await handler(
                new Request('https://api.example/', bare({ method: 'POST', headers, body })),
              )
              return `${response.status === 200 ? 'accepted' : 'refused'} ${response.status} ${await response.text()}`
            })
          }
          return answers
        }
      },
    },
  ]

  return [
    ...logoutScenarios,
    expressScenario('Express 5', express),
    expressScenario('Express 4', express4),
    nestScenario('Express'),
    nestScenario('Fastify'),
    {
      name: 'Express 5 with optional tokens from the environment',
      start: async () => {
        process.env['JWT_ISSUER'] = ISSUER
        process.env['JWT_AUDIENCE'] = AUDIENCE
        process.env['JWT_PUBLIC_KEY'] = keys.publicPem
        const app = express()
        app.use(authenticateJwt({ optional: true }))
        app.get('/orders', (req, res) => void res.end(req.auth === undefined ? 'anonymous' : said(req.auth)))
        return overHttp(await listening(app))
      },
    },
    {
      name: 'Fastify',
      triesForeign: true,
      start: async () => {
        const app = Fastify()
        await app.register(claimgate, { ...options(), log: false })
        app.get('/open', { config: { auth: false } }, () => 'open')
        app.get('/orders', (request) => said(request.auth ?? undefined))
        app.get('/admin', { config: { auth: scope('admin') } }, (request) => said(request.auth ?? undefined))
        await app.listen({ port: 0, host: '127.0.0.1' })
        return overHttp((app.server.address() as AddressInfo).port)
      },
    },
    {
      name: 'Fastify with routes declared before the plugin has loaded',
      start: async () => {
        const app = Fastify()
        app.get('/orders', (request) => said(request.auth ?? undefined))
        app.register(claimgate, { ...options(), log: false })
        app.get('/admin', { config: { auth: scope('admin') } }, (request) => said(request.auth ?? undefined))
        await app.listen({ port: 0, host: '127.0.0.1' })
        return overHttp((app.server.address() as AddressInfo).port)
      },
    },
    {
      name: 'Fastify with a hook for each route',
      start: async () => {
        const app = Fastify()
        await app.register(claimgate, { ...options(), log: false, global: false })
        app.get('/open', () => 'open')
        app.get('/orders', { onRequest: app.authenticateJwt() }, (request) => said(request.auth ?? undefined))
        app.get('/admin', { onRequest: app.authenticateJwt(scope('admin')) }, (request) =>
          said(request.auth ?? undefined),
        )
        await app.listen({ port: 0, host: '127.0.0.1' })
        return overHttp((app.server.address() as AddressInfo).port)
      },
    },
    {
      name: 'fetch',
      triesForeign: true,
      start: () => {
        const gate = createGate(options())
        const handlers = {
          plain: protect(gate, (_request, auth) => text(said(auth))),
          admin: protect(gate, (_request, auth) => text(said(auth)), scope('admin')),
          own: protect(
            async () => ({}) as never,
            (_request, auth) => text(`accepted by a gate without a token ${said(auth)}`),
          ),
        }
        return async () => {
          const answers: Record<string, string> = {}
          for (const [route, handler] of Object.entries(handlers))
            for (const [name, token] of Object.entries(sent)) {
              const headers = bare(token === undefined ? {} : { authorization: `Bearer ${token}` })
              answers[`${route} ${name}`] = await outcome(async () => {
                const response = await handler(new Request('https://api.example/orders', bare({ headers })))
                const word = response.status === 200 ? 'accepted' : 'refused'
                return `${word} ${response.status} ${response.headers.get('www-authenticate')} ${await response.text()}`
              })
            }
          return answers
        }
      },
    },
    {
      name: 'Hono',
      start: () => {
        const app = new Hono<hono.AuthEnv>()
        // The default answer of Hono fails with inherited headers.
        app.notFound((c) => c.body(null, 404))
        app.get('/open', (c) => c.body('open'))
        app.use(hono.authenticateJwt(options()))
        app.get('/orders', (c) => c.body(said(c.get('auth'))))
        app.get('/admin', hono.requireScope('admin'), (c) => c.body(said(c.get('auth'))))
        return async () => {
          const answers: Record<string, string> = {}
          for (const route of ROUTES)
            for (const [name, token] of Object.entries(sent)) {
              const headers = bare(token === undefined ? {} : { authorization: `Bearer ${token}` })
              answers[`${route} ${name}`] = await outcome(async () => {
                const response = await app.fetch(new Request(`https://api.example${route}`, bare({ headers })))
                const word = response.status === 200 ? 'accepted' : 'refused'
                return `${word} ${response.status} ${response.headers.get('www-authenticate')} ${await response.text()}`
              })
            }
          return answers
        }
      },
    },
    {
      name: 'Lambda',
      start: () => {
        const serve = (_event: object, auth: Parameters<typeof said>[0]): object =>
          bare({ statusCode: 200, body: said(auth) })
        const routes = bare({ 'GET/orders': scope('orders:read'), 'GET/admin': scope('admin') })
        const functions = {
          plain: protectLambda(serve, options()),
          admin: protectLambda(serve, { ...options(), requirement: scope('admin') }),
          authorizer: authorizer(options()),
          'authorizer of routes': authorizer({ ...options(), routes }),
        }
        const methodArn = 'arn:aws:execute-api:eu-west-1:123456789012:a1/prod/GET/orders'
        return async () => {
          const answers: Record<string, string> = {}
          for (const [route, invoke] of Object.entries<(event: object) => Promise<unknown>>(functions))
            for (const [name, token] of Object.entries(sent)) {
              const headers = bare(token === undefined ? {} : { authorization: `Bearer ${token}` })
              answers[`${route} ${name}`] = await outcome(async () => {
                const event = bare({ type: 'REQUEST', httpMethod: 'GET', path: '/orders', methodArn, headers })
                const answer = stringify(await invoke(event))
                return `${/:200,|"Allow"/.test(answer) ? 'accepted' : 'refused'} ${answer}`
              })
            }
          return answers
        }
      },
    },
    {
      name: 'an MCP server',
      start: async () => {
        const mcp = mcpResource({
          ...options(),
          resource: RESOURCE,
          audience: [RESOURCE, AUDIENCE],
          scopes: ['orders:read'],
          tools: { purge: scope('admin') },
        })
        const ofFetch = mcp.fetch((_request, given) => text(toldMcp(given.authInfo, given.parsedBody)))
        const ofNode = await rawClient(
          await listening(
            mcp.express((req, res, message) => void res.end(toldMcp(own(req, 'auth') as AuthInfo, message))),
          ),
        )
        return async () => {
          const answers: Record<string, string> = {}
          for (const name of ['good', 'without scope', 'for another', 'bound', 'none'] as const)
            for (const [kind, body] of Object.entries(MESSAGES)) {
              const token = sent[name]
              const fields = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) }
              answers[`fetch ${kind} ${name}`] = await outcome(async () => {
                const init = bare({ method: 'POST', headers: bare(fields), body })
                const response = await ofFetch(new Request(RESOURCE, init))
                const word = response.status === 200 ? 'accepted' : 'refused'
                return `${word} ${response.status} ${response.headers.get('www-authenticate')} ${await response.text()}`
              })
            }
          for (const [kind, body] of Object.entries(MESSAGES)) {
            const lines = ['Host: api.example', 'Content-Type: application/json', `Content-Length: ${body.length}`]
            const head = ['POST /mcp HTTP/1.1', ...lines, `Authorization: Bearer ${tokens.good}`]
            const answer = await ofNode.ask(`${head.join('\n')}\n\n${body}`)
            answers[`node ${kind}`] = answer
            if (answer.startsWith('error the connection')) return answers
          }
          return answers
        }
      },
    },
  ]
}

const RESOURCE = 'https://api.example/mcp'
const MESSAGES = {
  echo: '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo"}}',
  purge: '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"purge"}}',
  nothing: '{"jsonrpc":"2.0","id":1}',
}

const toldMcp = ({ clientId, scopes }: AuthInfo, message: unknown): string => stringify([clientId, scopes, message])

function said(
  auth: { readonly claims: Readonly<Record<string, unknown>>; readonly scopes: ReadonlySet<string> } | undefined,
): string {
  if (auth === undefined) return 'nothing'
  return stringify([
    auth.claims,
    auth.scopes,
    ['admin', 'role', 'tenant', 'sub', 'scope'].map((name) => auth.claims[name]),
  ])
}

function text(body: string): Response {
  return new Response(body, bare({ status: 200, statusText: '', headers: bare({}) }))
}

function listening(listener: RequestListener): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer(listener)
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}
