import { createRequire } from 'node:module'
import { createServer } from 'node:http'
import { authenticateJwt } from '@claimgate/express'
import { claimgate } from '@claimgate/fastify'
import { Auth, ClaimgateModule } from '@claimgate/nestjs'
import formbody from '@fastify/formbody'
import { Controller, HttpCode, Post } from '@nestjs/common'
import express5 from 'express'
import fastify from 'fastify'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { listen } from '../support/contract/started-adapter.ts'
import { createAuthority } from '../support/adapters/authority.ts'
import { decorate, listenerOf, type Platform, startApp } from '../support/nestjs/nest.ts'

const require = createRequire(import.meta.url)
const express4 = require('express4') as typeof express5

const authority = await createAuthority()
const token = await authority.token()
const options = { ...authority.options, credentials: [{ from: 'form' }], optional: true } as const

interface Started {
  readonly port: number
  readonly close: () => Promise<unknown>
}

const startExpress = (framework: typeof express5, extended: boolean) => async (): Promise<Started> => {
  const app = framework()
  app.use(framework.urlencoded({ extended }))
  app.use(authenticateJwt(options), (req, res) => {
    res.send((req as { auth?: { claims: { sub?: string } } }).auth?.claims.sub ?? 'anonymous')
  })
  return listen(createServer(app))
}

const startFastify = (parse: 'formbody' | 'URLSearchParams') => async (): Promise<Started> => {
  const app = fastify({ bodyLimit: 2_000_000 })
  if (parse === 'formbody') await app.register(formbody, { bodyLimit: 2_000_000 })
  else
    app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
      done(null, new URLSearchParams(String(body))),
    )
  await app.register(claimgate, options)
  app.post('/', (request) => request.auth?.claims.sub ?? 'anonymous')
  await app.listen({ host: '127.0.0.1', port: 0 })
  return { port: (app.server.address() as AddressInfo).port, close: () => app.close() }
}

const startNest = (platform: Platform) => async (): Promise<Started> => {
  class Subject {
    get(auth: { readonly claims: { readonly sub?: string } } | undefined): string {
      return auth?.claims.sub ?? 'anonymous'
    }
  }
  Controller()(Subject)
  decorate(Subject, 'get', [Post(), HttpCode(200)], [Auth()])
  const app = await startApp(platform, {
    imports: [ClaimgateModule.forRoot(options)],
    controllers: [Subject],
    fastify: { bodyLimit: 2_000_000 },
  })
  return listen(createServer(listenerOf(app, platform)))
}

// The body parser limits the size of a form; a credential is only a single text.
describe.each([
  ['Express 4, plain', startExpress(express4, false), 'names'],
  ['Express 4, extended', startExpress(express4, true), 'brackets'],
  ['Express 5, plain', startExpress(express5, false), 'names'],
  ['Express 5, extended', startExpress(express5, true), 'brackets'],
  ['Fastify with @fastify/formbody', startFastify('formbody'), 'names'],
  ['Fastify with a parser that returns URLSearchParams', startFastify('URLSearchParams'), 'names'],
  ['NestJS on Express', startNest('Express'), 'brackets'],
  ['NestJS on Fastify', startNest('Fastify'), 'names'],
] as const)('a form in %s', (name, start, kind) => {
  let app: Started
  beforeAll(async () => {
    app = await start()
  })
  afterAll(() => app.close())

  const post = async (body: string): Promise<unknown> => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const response = await fetch(`http://127.0.0.1:${app.port}/`, { method: 'POST', headers, body })
    const text = await response.text()
    return response.status === 200 ? text : response.status
  }

  const rows: (readonly [what: string, body: string, expected: string | number])[] = [
    ['a token', `a=b&access_token=${token}`, 'alice'],
    ['a bad token', 'access_token=a.b.c', 401],
    ['no token', 'a=b', 'anonymous'],
    ['an empty token', 'access_token=', 'anonymous'],
    ['the token twice', `access_token=${token}&access_token=${token}`, 400],
    ['a token and an empty one', `access_token=${token}&access_token=`, 400],
    ['nine hundred tokens', 'access_token=a&'.repeat(900), 400],
    ['nine hundred empty tokens', 'access_token=&'.repeat(900), 400],
    // The parser of NestJS for Fastify refuses them.
    [
      'names of prototypes',
      '__proto__=a&constructor=b&hasOwnProperty=c',
      name === 'NestJS on Fastify' ? 400 : 'anonymous',
    ],
    ['a token of a prototype', `__proto__[access_token]=${token}`, 'anonymous'],
  ]
  // The limits of the parsers of Express are lower.
  if (name.startsWith('Fastify')) rows.push(['a hundred thousand tokens', 'access_token=a&'.repeat(100_000), 400])
  if (kind === 'brackets')
    rows.push(
      ['an object in the place of the token', `access_token[a]=${token}`, 400],
      ['a list of one in the place of the token', `access_token[]=${token}`, 'alice'],
      ['a list of one bad token in the place of the token', 'access_token[]=a.b.c', 401],
      ['a list of objects in the place of the token', `access_token[][a]=${token}`, 400],
      ['a list of two in the place of the token', `access_token[]=${token}&access_token[]=${token}`, 400],
      ['a token and a list in the place of the token', `access_token=${token}&access_token[]=${token}`, 400],
      ['deep nesting in the place of the token', `access_token${'[a]'.repeat(1000)}=${token}`, 400],
      ['a long list in the place of the token', 'access_token[]=a&'.repeat(900), 400],
    )
  it.each(rows)('with %s', async (_case, body, expected) => {
    expect(await post(body)).toBe(expected)
  })
})
