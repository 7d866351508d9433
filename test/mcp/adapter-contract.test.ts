import type { VerifiedToken } from '@claimgate/core'
import { type AuthInfo, mcpResource, type McpResource } from '@claimgate/mcp'
import express from 'express'
import fastify from 'fastify'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AUDIENCE, createCredentials, ISSUER } from '../support/contract/credentials.ts'
import { challenging, COMPARED_FIELDS, type Expected } from '../support/contract/expected.ts'
import { sendRaw } from '../support/contract/raw-request.ts'
import { contractRows, type Row } from '../support/contract/rows.ts'
import { greeting } from '../support/contract/services.ts'
import { listen, type StartedAdapter } from '../support/contract/started-adapter.ts'
import { bridge } from '../support/mcp/servers.ts'

// The rows of the adapter contract that need no other place for the token than the header, and no body.
const SCOPES: Readonly<Record<string, readonly string[]>> = {
  '/orders': [],
  '/orders/write': ['orders:write'],
  '/orders/both': ['orders:read', 'orders:write'],
}

const { jwks, tokens } = await createCredentials()
const rows = contractRows(tokens).filter(
  ({ request: { target, method } }) => method !== 'POST' && Object.hasOwn(SCOPES, target.split('?', 1)[0] ?? ''),
)

/** One resource for each path. */
const resources = Object.entries(SCOPES).map(([path, scopes]): McpResource =>
  mcpResource({
    resource: AUDIENCE,
    path,
    scopes,
    issuer: ISSUER,
    jwks,
    exposeChallenge: false,
    metadata: { path: `/metadata${path}` },
  }),
)

const FRAMEWORKS: Readonly<Record<string, (count: () => void) => Promise<RequestListener>>> = {
  Express: async (count) => {
    const app = express()
    for (const mcp of resources) app.use(mcp.express(greet(count)))
    return app
  },
  Fastify: async (count) => {
    const app = fastify()
    for (const mcp of resources) app.register(mcp.fastify(greet(count)))
    await app.ready()
    return (req, res) => app.routing(req, res)
  },
  fetch: async (count) => {
    const last = async (): Promise<Response> => new Response(null, { status: 404 })
    const serve = resources.reduce(
      (otherwise, mcp) =>
        mcp.fetch((_request, { authInfo }) => {
          count()
          return new Response(greetingOf(authInfo), { headers: { 'content-type': 'text/plain' } })
        }, otherwise),
      last as (request: Request) => Promise<Response>,
    )
    return bridge(serve)
  },
}

const greet =
  (count: () => void) =>
  ({ auth }: IncomingMessage & { auth?: AuthInfo }, res: ServerResponse): void => {
    count()
    res.setHeader('content-type', 'text/plain').end(auth && greetingOf(auth))
  }

const greetingOf = ({ extra, scopes }: AuthInfo): string =>
  greeting({ claims: extra.claims, scopes: new Set(scopes) } as unknown as VerifiedToken)

describe.each(Object.entries(FRAMEWORKS))('the adapter contract for an MCP server on %s', (_, start) => {
  let adapter: StartedAdapter
  beforeAll(async () => {
    let served = 0
    const listener = await start(() => void (served += 1))
    adapter = { ...(await listen(createServer(listener))), served: () => served }
  })
  afterAll(() => adapter.close())

  it.each(rows)('$name', async ({ request, expected }) => {
    const before = adapter.served()
    const { status, headers, body } = await sendRaw(adapter.port, request)
    const wanted = expectedOf({ name: '', request, expected })
    expect([status, body]).toEqual([wanted.status, wanted.body ?? body])
    if (wanted.headers !== 'unchecked')
      for (const name of COMPARED_FIELDS)
        expect([name, headers.get(name)]).toEqual([name, matching(wanted.headers[name])])
    expect(adapter.served() - before).toBe(expected.reaches === 'service' ? 1 : 0)
  })
})

const matching = (value: string | RegExp | undefined): unknown =>
  value instanceof RegExp ? (expect.stringMatching(value) as unknown) : value

/** Every challenge names the metadata, and those for bad tokens the scopes. */
function expectedOf({ request, expected }: Row): Expected {
  if (expected.headers === 'unchecked' || expected.headers['www-authenticate'] === undefined) return expected
  const scopes = SCOPES[request.target.split('?', 1)[0] ?? '']?.join(' ') ?? ''
  return challenging(expected, (challenge) => {
    const isNamed = challenge.includes('scope=') || !challenge.includes('error="invalid_token"') || scopes === ''
    const named = isNamed ? challenge : `${challenge}, scope="${scopes}"`
    return `${named}, resource_metadata="${AUDIENCE}/.well-known/oauth-protected-resource"`
  })
}

it('has rows for every path', () => {
  expect(new Set(rows.map(({ request }) => request.target.split('?', 1)[0]))).toEqual(new Set(Object.keys(SCOPES)))
  expect(rows.length).toBeGreaterThan(60)
})
