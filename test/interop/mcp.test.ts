import { createMemoryReplayStore, dpop } from '@claimgate/core/dpop'
import { scope } from '@claimgate/core'
import { resourceMetadata } from '@claimgate/express'
import { mcpResource, type McpResource, type NodeHandler } from '@claimgate/mcp'
import { createTestKeys } from '@claimgate/testing'
import { DpopSession } from '@modelcontextprotocol/client'
import { requireBearerAuth as requireBearerAuth1, sessionsOfSdk1 } from '../support/mcp/sdk1.ts'
import * as errors from '@modelcontextprotocol/sdk/server/auth/errors.js'
import { createMcpHandler, OAuthError, requireBearerAuth } from '@modelcontextprotocol/server'
import { toNodeHandler } from '@modelcontextprotocol/node'
import express from 'express'
import fastify from 'fastify'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type AuthorizationServer, startAuthorizationServer, SUBJECT } from '../support/interop/authorization-server.ts'
import { CLIENT_ID, clientCredentials } from '../support/interop/client.ts'
import { connectClient2, connectSdk1, type McpClient } from '../support/mcp/clients.ts'
import { bridge, listen, SCOPES, startMcp, THREE, toolServer } from '../support/mcp/servers.ts'

let authority: AuthorizationServer
beforeAll(async () => {
  const { privateJwk } = await createTestKeys('ES256', { kid: 'key-1' })
  authority = await startAuthorizationServer({ keys: [privateJwk], scopes: SCOPES })
})
afterAll(() => authority.close())

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end()
})

const clients: readonly (readonly [string, (url: URL) => Promise<McpClient>])[] = [
  ['client 2', connectClient2],
  ['client 2 with revision 2026-07-28', (url) => connectClient2(url, { isModern: true })],
  ['sdk 1', connectSdk1],
]

describe.each(THREE)('an MCP server on %s', (framework) => {
  it.each(clients)('lets %s log in, call a tool, and step up for another', async (_, connect) => {
    const server = await startMcp(framework, () => ({ issuer: authority.issuer }))
    ends.push(server.close)
    const client = await connect(server.url)
    ends.push(client.close)
    expect(await client.call('echo', { text: 'hi' })).toBe(`hi | ${SUBJECT} | ${CLIENT_ID} | mcp:tools`)
    expect(await client.call('purge')).toBe('purged')
    expect(client.requested).toEqual(['mcp:tools', 'mcp:tools mcp:admin'])
    expect(server.received.filter((method) => method === 'tools/call')).toHaveLength(2)
  })

  it('accepts DPoP with nonces from a client that does it, and no stolen token', async () => {
    const server = await startMcp(framework, (origin) => ({
      issuer: authority.issuer,
      unboundTokens: 'refuse',
      bindings: [
        dpop({ origin, replay: createMemoryReplayStore(), nonces: { secret: 'a secret of tests '.repeat(2) } }),
      ],
    }))
    ends.push(server.close)
    const session = await DpopSession.create()
    const client = await connectClient2(server.url, { dpop: session })
    ends.push(client.close)
    expect(await client.call('echo', { text: 'hi' })).toContain(`hi | ${SUBJECT}`)
    expect(session.nonceFor(server.url)).toEqual(expect.any(String))
    expect(await client.call('purge')).toBe('purged')
    const stolen = await fetch(server.url, { method: 'POST', headers: { authorization: `Bearer ${client.token()}` } })
    expect([stolen.status, stolen.headers.get('www-authenticate')]).toEqual([
      401,
      expect.stringContaining('DPoP realm'),
    ])
  })
})

describe('a server of SDK 1, with sessions', () => {
  it.each([
    ['Express', async (mcp: McpResource, handler: NodeHandler<never, never>) => express().use(mcp.express(handler))],
    [
      'Fastify',
      async (mcp: McpResource, handler: NodeHandler<never, never>) => {
        const app = fastify()
        await app.register(mcp.fastify(handler))
        await app.ready()
        ends.push(() => app.close())
        return (req: IncomingMessage, res: ServerResponse) => app.routing(req, res)
      },
    ],
  ])('lets a client log in, call a tool, and step up for another on %s', async (_, mount) => {
    const server = createServer()
    const url = new URL(`http://127.0.0.1:${await listen(server)}/mcp`)
    const tools = { purge: scope('mcp:admin') }
    const mcp = mcpResource({ resource: url.href, issuer: authority.issuer, scopes: ['mcp:tools'], tools })
    const { handler, methods, close } = sessionsOfSdk1()
    server.on('request', await mount(mcp, handler))
    ends.push(close, () => {
      server.close()
      server.closeAllConnections()
    })
    const client = await connectSdk1(url)
    ends.push(client.close)
    expect(await client.call('echo', { text: 'hi' })).toBe(`hi | ${CLIENT_ID}`)
    expect(await client.call('purge')).toBe('purged')
    expect(client.requested).toEqual(['mcp:tools', 'mcp:tools mcp:admin'])
    expect(new Set(methods)).toEqual(new Set(['POST', 'GET']))
  })
})

describe('the token verifier', () => {
  const resourceAt = (url: URL): McpResource =>
    mcpResource({ resource: url.href, issuer: authority.issuer, scopes: ['mcp:tools'] })
  const start = async (listenerAt: (url: URL) => RequestListener): Promise<URL> => {
    const server = createServer()
    const url = new URL(`http://127.0.0.1:${await listen(server)}/mcp`)
    server.on('request', listenerAt(url))
    ends.push(() => {
      server.close()
      server.closeAllConnections()
    })
    return url
  }
  const handler = createMcpHandler(toolServer)
  const answerTo = async (url: URL, token: string): Promise<string> => {
    const { status, headers } = await fetch(url, { method: 'POST', headers: { authorization: `Bearer ${token}` } })
    return [status, /error="(\w+)"/.exec(headers.get('www-authenticate') ?? '')?.[1]].filter(Boolean).join(' ')
  }

  it('lets clients in through requireBearerAuth of the server package', async () => {
    const url = await start((at) => {
      const mcp = resourceAt(at)
      const gate = requireBearerAuth({
        verifier: mcp.tokenVerifier({ OAuthError }),
        requiredScopes: ['mcp:tools'],
        resourceMetadataUrl: mcp.resource.metadataUri,
        expectedResource: at,
      })
      const metadata = mcp.fetch(() => new Response(null, { status: 500 }))
      return bridge(async (request) => {
        if (new URL(request.url).pathname !== '/mcp') return metadata(request)
        const auth = await gate(request)
        return auth instanceof Response ? auth : handler.fetch(request, { authInfo: auth })
      })
    })
    const client = await connectClient2(url)
    ends.push(client.close)
    expect(await client.call('echo', { text: 'hi' })).toBe(`hi | ${SUBJECT} | ${CLIENT_ID} | mcp:tools`)
    expect(await answerTo(url, 'nonsense')).toBe('401 invalid_token')
    expect(await answerTo(url, await clientCredentials(authority.issuer, url.href, 'mcp:admin'))).toBe(
      '403 insufficient_scope',
    )
  })

  it('lets clients in through requireBearerAuth of SDK 1', async () => {
    const url = await start((at) => {
      const mcp = resourceAt(at)
      const gate = requireBearerAuth1({
        verifier: mcp.tokenVerifier(errors),
        requiredScopes: ['mcp:tools'],
        resourceMetadataUrl: mcp.resource.metadataUri,
        expectedResource: at,
      })
      const app = express().use(resourceMetadata(mcp.resource))
      return app.post('/mcp', gate, (req, res) => void toNodeHandler(handler)(req as never, res))
    })
    const client = await connectSdk1(url)
    ends.push(client.close)
    expect(await client.call('echo', { text: 'hi' })).toBe(`hi | ${SUBJECT} | ${CLIENT_ID} | mcp:tools`)
    expect(await answerTo(url, 'nonsense')).toBe('401 invalid_token')
    expect(await answerTo(url, await clientCredentials(authority.issuer, url.href, 'mcp:admin'))).toBe(
      '403 insufficient_scope',
    )
  })
})
