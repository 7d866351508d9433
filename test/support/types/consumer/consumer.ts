import { anyScope, createAuthenticator, createVerifier, type FetchLike, type VerifierOptions } from '@claimgate/core'
import { createMemoryDenylist, type DenylistOptions } from '@claimgate/core/denylist'
import { undiciFetch } from '@claimgate/core/node'
import { authenticateJwt, getAuth } from '@claimgate/express'
import { claimgate, type ClaimgateOptions } from '@claimgate/fastify'
import { createGate } from '@claimgate/fetch'
import * as hono from '@claimgate/hono'
import { createIssuer, type IssuerOptions } from '@claimgate/issuer'
import { mcpResource } from '@claimgate/mcp'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { createServer, type ServerResponse } from 'node:http'
import { fetch as fetchOfUndici } from 'undici'

const api = { issuer: 'https://issuer.example', audience: 'https://api.example' }
/** A string, and not `any`. */
type Text<T> = 0 extends 1 & T ? never : T & string
const isText = <T>(value: Text<T>): Text<T> => value

// The parameters of an inline fetch function have their types from the option.
createVerifier({
  ...api,
  fetch: (url, init) => {
    isText<typeof url>(url)
    isText<typeof init.method>(init.method)
    return fetch(url, { ...init, headers: { ...init.headers, 'x-api-key': 'k' } })
  },
})
createVerifier({ ...api, fetch: async (url) => new Response(url, { status: 404 }) })
createAuthenticator({ ...api, fetch: (url, init) => fetch(url.toUpperCase(), init) })
authenticateJwt({ ...api, fetch: (url, init) => fetch(url.toUpperCase(), init) })
createGate({ ...api, fetch: (url, init) => fetch(url.toUpperCase(), init) })

// Every type of fetch is accepted.
const fetches: readonly FetchLike[] = [fetch, globalThis.fetch, fetchOfUndici, undiciFetch({ proxy: undefined })]
for (const one of fetches) createVerifier({ ...api, fetch: one })
createVerifier({ ...api, fetch: fetchOfUndici })
createVerifier({ ...api, fetch })
undiciFetch()('https://issuer.example', {
  method: 'GET',
  headers: {},
  redirect: 'manual',
  signal: new AbortController().signal,
})
  .then((response) => response.json())
  .catch(() => undefined)

// @ts-expect-error a function that returns text is not a fetch
createVerifier({ ...api, fetch: async () => 'text' })

// A value that may be undefined means the default, if the default accepts no more.
const jwksUri: string | undefined = process.env['JWKS_URI']
const count: number | undefined = jwksUri?.length
const flag: boolean | undefined = jwksUri?.startsWith('https:')
export const options: VerifierOptions = {
  ...api,
  jwksUri,
  padding: undefined,
  allowHttpHosts: undefined,
  clockTolerance: count,
  tokenCache: { maxEntries: count, maxBytes: count, maxAge: count },
  limits: undefined,
  fetch: flag === true ? fetch : undefined,
  onEvent: undefined,
  clock: undefined,
  keySet: {
    freshFor: count,
    staleFor: count,
    cooldown: count,
    timeout: count,
    softWait: count,
    fetchesPerMinute: count,
    maxBytes: count,
    maxKeys: count,
    proxy: jwksUri,
    store: undefined,
    seed: undefined,
    waitUntil: undefined,
    sharing: undefined,
  },
}
const http = {
  realm: jwksUri,
  credentials: undefined,
  refusalBody: undefined,
  exposeChallenge: flag,
  log: undefined,
}
createAuthenticator({ ...api, ...http, jwksUri, optional: flag })
authenticateJwt({ ...api, ...http, jwksUri, optional: flag, onReject: undefined })
createGate({ ...api, ...http, jwksUri })
export const scope: ClaimgateOptions = {
  ...api,
  ...http,
  jwksUri,
  global: flag,
  onReject: undefined,
  securityScheme: jwksUri,
  notFound: undefined,
}
export const denylist: DenylistOptions = {
  store: createMemoryDenylist({ maxEntries: count, clock: undefined }),
  maxLifetime: count,
  clockTolerance: count,
  maxLag: count,
  timeout: count,
  clock: undefined,
}
export const issuer: IssuerOptions = {
  issuer: api.issuer,
  algorithm: undefined,
  ttl: count,
  typ: jwksUri,
  jwksMaxAge: count,
  overlap: { publishAhead: count, clockTolerance: count },
  clock: undefined,
  randomUUID: undefined,
}
createIssuer(issuer).catch(() => undefined)

// If omitting an option accepts more, a missing value is a mistake.
// @ts-expect-error `clientId` narrows.
createVerifier({ ...api, clientId: jwksUri })
// @ts-expect-error `algorithms` narrows.
createVerifier({ ...api, algorithms: undefined })
// @ts-expect-error `bindings` narrows.
createAuthenticator({ ...api, bindings: undefined })
// @ts-expect-error A requirement narrows.
authenticateJwt({ ...api, requirement: undefined })

// Verified tokens are typed, too.
export const subject = async (token: string): Promise<string | undefined> => {
  const { claims, scopes } = await createVerifier(api).verify(token)
  return scopes.has('orders:read') ? claims.sub : undefined
}
export const handlers = [claimgate, getAuth]

// A resource for MCP fits every framework, and its handlers may have inline parameters.
const mcp = mcpResource({
  resource: 'https://mcp.example/mcp',
  issuer: api.issuer,
  scopes: ['mcp:tools'],
  tools: { purge: anyScope('mcp:admin'), move: (call) => anyScope(isText<typeof call.name>(call.name)) },
  clock: undefined,
})
express().use(mcp.express((req, res, message) => res.setHeader('x', String(req.method ?? message))))
createServer(mcp.express((_req, res: ServerResponse) => res.end('ok')))
fastify()
  .register(mcp.fastify((_req, res) => res.end()))
  .then(undefined, () => undefined)
export const worker = {
  fetch: mcp.fetch((request, { authInfo }, env: { readonly name: string }) =>
    Response.json([
      isText<typeof request.url>(request.url),
      isText<typeof authInfo.clientId>(authInfo.clientId),
      env.name,
    ]),
  ),
}

// Hono infers the type of the variable from the middleware.
new Hono()
  .use(hono.authenticateJwt({ ...api, fetch: (url, init) => fetch(url.toUpperCase(), init) }))
  .get('/', hono.requireScope('orders:read'), (c) => c.text(isText<string>(c.get('auth').claims.sub ?? '')))
