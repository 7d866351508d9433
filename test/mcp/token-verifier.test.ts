import { createMemoryReplayStore, dpop } from '@claimgate/core/dpop'
import { mcpResource, type McpResource, type McpResourceOptions } from '@claimgate/mcp'
import * as sdkErrors from '@modelcontextprotocol/sdk/server/auth/errors.js'
import { requireBearerAuth as requireOfSdk } from '../support/mcp/sdk1.ts'
import * as serverModule from '@modelcontextprotocol/server'
import express from 'express'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { fieldsWith, forgedTokenFor, tokenFor, VERIFYING } from '../support/mcp/requests.ts'
import { listen } from '../support/mcp/servers.ts'

const RESOURCE = 'https://mcp.example.com/mcp'
const { OAuthError, requireBearerAuth } = serverModule

const resourceWith = (more: Partial<McpResourceOptions> = {}): McpResource =>
  mcpResource({ resource: RESOURCE, scopes: ['mcp:tools'], ...VERIFYING, ...more } as McpResourceOptions)

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

/** The answer of a real `requireBearerAuth`. */
type Protect = (mcp: McpResource) => Promise<(authorization: string) => Promise<Response>>

const SDKS: readonly (readonly [string, Protect])[] = [
  [
    'the server package',
    async (mcp) => {
      const gate = requireBearerAuth({
        verifier: mcp.tokenVerifier({ OAuthError }),
        expectedResource: new URL(RESOURCE),
      })
      return async (authorization) => {
        const auth = await gate(new Request(RESOURCE, { headers: { authorization } }))
        return auth instanceof Response ? auth : Response.json(auth)
      }
    },
  ],
  [
    'SDK 1',
    async (mcp) => {
      const app = express()
      const gate = requireOfSdk({ verifier: mcp.tokenVerifier(sdkErrors), expectedResource: new URL(RESOURCE) })
      app.get('/', gate, (req, res) => void res.json((req as { auth?: unknown }).auth))
      const server = createServer(app)
      const port = await listen(server)
      ends.push(() => once(server.close(), 'close'))
      return (authorization) => fetch(`http://127.0.0.1:${port}`, { headers: { authorization, connection: 'close' } })
    },
  ],
]

describe.each(SDKS)('the token verifier for %s', (_, protect) => {
  const answerTo = async (mcp: McpResource, token: string): Promise<unknown> => {
    const ask = await protect(mcp)
    const response = await ask(fieldsWith(token)['authorization'] ?? '')
    const { error, error_description: text } = (await response.json()) as Record<string, unknown>
    return response.status === 200 ? 200 : [response.status, error, text]
  }

  it('describes an accepted token', async () => {
    const ask = await protect(resourceWith({ implies: { 'mcp:tools': ['mcp:read'] } }))
    const token = await tokenFor(RESOURCE, { exp: Math.floor(Date.now() / 1000) + 300 })
    expect(await (await ask(`Bearer ${token}`)).json()).toMatchObject({
      clientId: 'client-1',
      scopes: ['mcp:tools', 'mcp:read'],
      expiresAt: JSON.parse(atob(token.split('.')[1] ?? '')).exp,
      resource: RESOURCE,
      resourceMetadataUrl: 'https://mcp.example.com/.well-known/oauth-protected-resource/mcp',
      extra: { claims: { sub: 'ada' } },
    })
  })

  const INVALID = [
    401,
    'invalid_token',
    'The access token is malformed, expired, revoked or not meant for this resource',
  ]

  it('answers 401 to tokens that are refused, always with the same text', async () => {
    const mcp = resourceWith()
    const bad = [
      'nonsense',
      await forgedTokenFor(RESOURCE),
      await tokenFor(RESOURCE, { aud: 'https://other.example' }),
      await tokenFor(RESOURCE, { exp: 1 }),
      await tokenFor(RESOURCE, { cnf: { jkt: 'thumbprint' } }),
    ]
    for (const token of bad) expect([token, await answerTo(mcp, token)]).toEqual([token, INVALID])
  })

  it('answers 403 to a token without the scopes of every request', async () => {
    expect(await answerTo(resourceWith(), await tokenFor(RESOURCE, { scope: 'other' }))).toEqual([
      403,
      'insufficient_scope',
      'The access token does not grant what this request needs',
    ])
  })

  it('answers 500 and not 401 while keys cannot be fetched', async () => {
    const { issuer } = VERIFYING
    const mcp = mcpResource({
      resource: RESOURCE,
      scopes: [],
      issuer,
      fetch: () => Promise.reject(new TypeError('down')),
    })
    expect(await answerTo(mcp, await tokenFor(RESOURCE))).toEqual([
      500,
      'server_error',
      'Access tokens cannot be verified at the moment',
    ])
  })

  it('answers 500 for bugs, without their text', async () => {
    const mcp = resourceWith({
      requiredClaims: {
        sub: () => {
          throw new RangeError('a secret')
        },
      },
    })
    expect(await answerTo(mcp, await tokenFor(RESOURCE))).toEqual([500, 'server_error', 'Internal Server Error'])
  })

  it('refuses a token that is bound to a key, because no proof is passed on', async () => {
    const binding = dpop({ origin: 'https://mcp.example.com', replay: createMemoryReplayStore() })
    const mcp = resourceWith({ bindings: [binding] })
    expect(await answerTo(mcp, await tokenFor(RESOURCE, { cnf: { jkt: 'a'.repeat(43) } }))).toEqual(INVALID)
  })
})

describe('the errors of the token verifier', () => {
  const failure = async (errors: Parameters<McpResource['tokenVerifier']>[0]): Promise<unknown> =>
    resourceWith()
      .tokenVerifier(errors)
      .verifyAccessToken('nonsense')
      .catch((error: unknown) => error)

  it('are those of the module that was passed', async () => {
    expect(await failure(serverModule)).toBeInstanceOf(OAuthError)
    expect(await failure(sdkErrors)).toBeInstanceOf(sdkErrors.InvalidTokenError)
  })
})
