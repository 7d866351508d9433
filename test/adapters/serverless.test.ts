import { authenticateJwt } from '@claimgate/express'
import { claimgate } from '@claimgate/fastify'
import { configure as serverlessExpress } from '@codegenie/serverless-express'
import awsLambdaFastify from '@fastify/aws-lambda'
import express5, { type Express, type Request, type Response } from 'express'
import fastify from 'fastify'
import { EventEmitter } from 'node:events'
import type { IncomingHttpHeaders } from 'node:http'
import { createRequire } from 'node:module'
import { createRequest, createResponse } from 'node-mocks-http'
import serverlessHttp from 'serverless-http'
import { describe, expect, it } from 'vitest'
import { createAuthority } from '../support/adapters/authority.ts'

// Express 4 has no types; the parts used here are the same as in Express 5.
const express4 = createRequire(import.meta.url)('express4') as typeof express5

const authority = await createAuthority()
const token = await authority.token()
const good = `Bearer ${token}`
const options = {
  ...authority.options,
  credentials: [{ from: 'authorization' }, { from: 'cookie', name: 'jwt' }] as const,
}

interface Served {
  readonly auth: { readonly claims: { readonly sub: string } }
}

type Change = (headers: IncomingHttpHeaders) => void
type Invoke = (event: object, context: object) => Promise<unknown>
type Build = (change: Change) => Promise<Invoke> | Invoke

function expressApp(express: typeof express5, change: Change): Express {
  const app = express()
  app.use((req, _res, next) => {
    change(req.headers)
    next()
  })
  app.use(authenticateJwt(options), (req, res) => {
    res.end((req as unknown as Served).auth.claims.sub)
  })
  return app
}

const throughServerlessHttp =
  (express: typeof express5): Build =>
  (change) =>
    serverlessHttp(expressApp(express, change) as never)

const throughServerlessExpress =
  (express: typeof express5): Build =>
  (change) => {
    const handler = serverlessExpress({ app: expressApp(express, change) })
    return async (event, context) => handler(event, context, () => undefined) as unknown
  }

const throughAwsLambda: Build = async (change) => {
  const app = fastify()
  app.addHook('onRequest', async ({ headers }) => change(headers))
  await app.register(claimgate, options)
  app.get('/orders', (request) => (request as unknown as Served).auth.claims.sub)
  const handler = awsLambdaFastify(app)
  return async (event, context) => handler(event, context)
}

type Event = (parts: { readonly authorization?: readonly string[]; readonly cookies?: readonly string[] }) => object

/** The event of a REST API of Amazon API Gateway, or of a load balancer: `headers` has the last value of each. */
const version1: Event = ({ authorization = [], cookies = [] }) => {
  const several = Object.entries({ Authorization: authorization, Cookie: cookies }).filter(([, { length }]) => length)
  return {
    httpMethod: 'GET',
    path: '/orders',
    headers: Object.fromEntries(several.map(([name, values]) => [name, values.at(-1)])),
    multiValueHeaders: Object.fromEntries(several),
    requestContext: { identity: { sourceIp: '192.0.2.1' } },
    body: '',
    isBase64Encoded: false,
  }
}

/** The event of its HTTP APIs: repeated fields are joined with commas, and cookies are separate. */
const version2: Event = ({ authorization = [], cookies = [] }) => ({
  version: '2.0',
  rawPath: '/orders',
  rawQueryString: '',
  headers: authorization.length > 0 ? { authorization: authorization.join(',') } : {},
  ...(cookies.length > 0 && { cookies }),
  requestContext: { http: { method: 'GET', path: '/orders', sourceIp: '192.0.2.1' } },
  body: '',
  isBase64Encoded: false,
})

async function answer(build: Build, event: object, change: Change = () => undefined): Promise<readonly unknown[]> {
  const invoke = await build(change)
  const { statusCode, body, isBase64Encoded } = (await invoke(event, {})) as Answer
  const text = isBase64Encoded === true ? Buffer.from(body, 'base64').toString() : body
  return statusCode === 200 ? [statusCode, text] : [statusCode]
}

interface Answer {
  readonly statusCode: number
  readonly body: string
  readonly isBase64Encoded?: boolean
}

describe.each<[string, Build]>([
  ['Express 4 behind serverless-http', throughServerlessHttp(express4)],
  ['Express 5 behind serverless-http', throughServerlessHttp(express5)],
  ['Express 4 behind @codegenie/serverless-express', throughServerlessExpress(express4)],
  ['Express 5 behind @codegenie/serverless-express', throughServerlessExpress(express5)],
  ['Fastify behind @fastify/aws-lambda', throughAwsLambda],
])('%s', (_, build) => {
  describe.each<[string, Event]>([
    ['version 1', version1],
    ['version 2', version2],
  ])('with events of %s', (_name, event) => {
    it('serves good tokens and refuses others', async () => {
      expect(await answer(build, event({ authorization: [good] }))).toEqual([200, 'alice'])
      expect(await answer(build, event({ cookies: [`jwt=${token}`] }))).toEqual([200, 'alice'])
      expect(await answer(build, event({}))).toEqual([401])
      expect(await answer(build, event({ authorization: [`${good.slice(0, -86)}${'A'.repeat(86)}`] }))).toEqual([401])
    })

    it('reads headers as changed by earlier middleware', async () => {
      const sent = event({ authorization: [good] })
      expect(await answer(build, sent, (headers) => delete headers.authorization)).toEqual([401])
      expect(await answer(build, sent, (headers) => (headers.authorization = 'Bearer no'))).toEqual([401])
      expect(await answer(build, event({}), (headers) => (headers.authorization = good))).toEqual([200, 'alice'])
      expect(await answer(build, event({}), (headers) => (headers.cookie = `jwt=${token}`))).toEqual([200, 'alice'])
    })
  })

  it('refuses two values that events of version 2 have joined', async () => {
    const jwt = `jwt=${token}`
    expect(await answer(build, version2({ authorization: [good, good] }))).toEqual([400])
    expect(await answer(build, version2({ cookies: [jwt, jwt] }))).toEqual([400])
  })
})

describe.each<[string, Build]>([
  ['Express 4 behind @codegenie/serverless-express', throughServerlessExpress(express4)],
  ['Express 5 behind @codegenie/serverless-express', throughServerlessExpress(express5)],
  ['Fastify behind @fastify/aws-lambda', throughAwsLambda],
])('%s', (_, build) => {
  it('refuses two Authorization values in multiValueHeaders', async () => {
    expect(await answer(build, version1({ authorization: [good, good] }))).toEqual([400])
    expect(await answer(build, version1({ authorization: ['Bearer no', good] }))).toEqual([400])
  })
})

describe('serverless-http', () => {
  it('refuses two Authorization values in multiValueHeaders that it joins', async () => {
    const event = { ...version1({ authorization: [good, good] }), headers: {} }
    expect(await answer(throughServerlessHttp(express5), event)).toEqual([400])
  })
})

describe.each<[string, typeof express5]>([
  ['4', express4],
  ['5', express5],
])('requests of node-mocks-http, with Express %s', () => {
  const ask = async (headers: object, change: (req: Request) => void = () => undefined): Promise<unknown> => {
    const req = createRequest<Request>({ method: 'GET', url: '/orders', headers: headers as never })
    const res = createResponse<Response>({ req, eventEmitter: EventEmitter })
    change(req)
    let served: unknown
    await new Promise<void>((resolve) => {
      res.on('end', () => resolve())
      authenticateJwt(options)(req, res, () => {
        served = (req as unknown as Served).auth.claims.sub
        resolve()
      })
    })
    return served ?? res.statusCode
  }

  it('have no raw headers, so their headers are used', async () => {
    expect(createRequest().rawHeaders).toBeUndefined()
    expect(await ask({ Authorization: good })).toBe('alice')
    expect(await ask({ cookie: `jwt=${token}` })).toBe('alice')
    expect(await ask({})).toBe(401)
    expect(await ask({ authorization: [good, good] })).toBe(400)
    expect(await ask({ authorization: 7 })).toBe(400)
  })

  it('can be changed before', async () => {
    expect(await ask({ authorization: good }, ({ headers }) => delete headers.authorization)).toBe(401)
    expect(await ask({}, ({ headers }) => (headers.authorization = good))).toBe('alice')
  })
})
