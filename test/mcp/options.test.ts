import { createVerifier, scope } from '@claimgate/core'
import { fresh } from '@claimgate/core/introspection'
import { mcpResource, type McpResource, type McpResourceOptions } from '@claimgate/mcp'
import { describe, expect, it } from 'vitest'
import { callOf, fieldsWith, ISSUER, tokenFor, VERIFYING } from '../support/mcp/requests.ts'

const RESOURCE = 'https://mcp.example.com/mcp'
const GOOD = { resource: RESOURCE, scopes: ['mcp:tools'], ...VERIFYING }

const statusFor = async (options: McpResourceOptions, claims: object = {}, tool = 'echo'): Promise<number> => {
  const serve = mcpResource(options).fetch(() => new Response(null, { status: 204 }))
  const headers = fieldsWith(await tokenFor(RESOURCE, claims))
  return (await serve(new Request(RESOURCE, { method: 'POST', headers, body: callOf(tool) }))).status
}

describe('options of a resource', () => {
  it.each([
    ['no options', undefined, 'give options with "resource", "issuer" and "scopes"'],
    ['no resource', { resource: undefined }, '"resource" must be the URL of the MCP endpoint'],
    ['a resource that is no URL', { resource: 'mcp' }, '"resource" must be the URL of the MCP endpoint'],
    ['no scopes', { scopes: undefined }, '"scopes" must be a list of scopes, such as ["mcp:tools"]'],
    ['two scopes in one text', { scopes: ['a b'] }, 'each of "scopes" must be one scope'],
    ['a tool without a requirement', { tools: { purge: undefined } }, '"tools.purge" must be a requirement'],
    ['a tool with the name of a scope', { tools: { purge: 'mcp:admin' } }, '"tools.purge" must be a requirement'],
    ['a tool with an uncalled function', { tools: { purge: scope } }, '"tools.purge" must be a requirement'],
    ['a tool that this verifier cannot ask about', { tools: { pay: fresh() } }, 'fresh() needs a verifier that asks'],
    ['tools set to undefined', { tools: undefined }, '"tools" must not be undefined'],
    ['implied scopes that are text', { implies: { 'mcp:admin': 'mcp:tools' } }, '"implies.mcp:admin" must be a list'],
    ['scopes by the name of a verifier', { scopeHierarchy: {} }, 'write "implies" instead of "scopeHierarchy"'],
    ['an audience without the resource', { audience: 'orders' }, '"audience" must include the "resource"'],
    ['no audience at all', { audience: null }, '"audience" must'],
    ['a path without a slash', { path: 'mcp' }, '"path" must be a path such as "/mcp"'],
    ['a message length of 1', { bodyLength: 1 }, '"bodyLength" must be a whole number from 1024 to 67108864'],
    [
      'a message that may take an hour',
      { bodyTimeout: 3600 },
      '"bodyTimeout" must be a number of seconds from 0.1 to 300',
    ],
    ['an origin with a path', { origins: ['https://app.example.com/'] }, 'each of "origins" must be an origin'],
    ['tokens from cookies', { credentials: [{ from: 'cookie', name: 'a' }] }, 'there is no option "credentials"'],
    ['anonymous requests', { optional: true }, 'there is no option "optional"'],
    ['a misspelled option', { scope: ['mcp:tools'] }, 'did you mean "scopes"'],
    ['other metadata of the resource', { metadata: { resourceNam: 'Orders' } }, 'resourceName'],
    [
      'a verifier and implied scopes',
      { verifier: createVerifier({ issuer: ISSUER, audience: RESOURCE }), issuer: undefined },
      'belongs',
    ],
  ])('stop the start if they have %s', (_, changes, message) => {
    const given = changes === undefined ? undefined : { ...GOOD, ...changes }
    expect(() => mcpResource(given as McpResourceOptions)).toThrow(message)
  })

  it.each([
    ['express', (mcp: McpResource) => mcp.express({} as never)],
    ['fastify', (mcp: McpResource) => mcp.fastify(undefined as never)],
    ['fetch', (mcp: McpResource) => mcp.fetch({ fetch: () => new Response() } as never)],
  ])('need a handler: %s', (_, serve) => {
    expect(() => serve(mcpResource(GOOD))).toThrow('Cannot serve MCP: give a handler, such as toNodeHandler(server)')
  })

  it('need the errors of an SDK for a token verifier', () => {
    expect(() => mcpResource(GOOD).tokenVerifier({} as never)).toThrow(
      'Cannot create token verifier: give { OAuthError }',
    )
  })

  it('may name other audiences besides the resource', async () => {
    const options = { ...GOOD, audience: [RESOURCE, 'orders'] }
    expect(await statusFor(options, { aud: 'orders' })).toBe(204)
    expect(await statusFor(options, { aud: 'other' })).toBe(401)
  })

  it('may require no scopes', async () => {
    expect(await statusFor({ ...GOOD, scopes: [] }, { scope: undefined })).toBe(204)
    const serve = mcpResource({ ...GOOD, scopes: [] }).fetch(() => new Response())
    const response = await serve(new Request(RESOURCE))
    expect(response.headers.get('www-authenticate')).not.toContain('scope')
  })

  it('may have several issuers, as a list or as a function', async () => {
    const { jwks, ...rest } = GOOD
    const policies = [
      { issuer: 'https://other.example', jwks },
      { issuer: ISSUER, jwks },
    ]
    const { issuer: _, ...shared } = rest
    const find = async (iss: string) => policies.find(({ issuer }) => issuer === iss)
    const tools = { purge: scope('mcp:admin') }
    for (const issuers of [policies, find]) {
      const options = {
        ...shared,
        issuers,
        tools,
        implies: { 'mcp:root': ['mcp:tools', 'mcp:admin'] },
      } as McpResourceOptions
      expect(await statusFor(options)).toBe(204)
      expect(await statusFor(options, { aud: 'https://other.example' })).toBe(401)
      expect(await statusFor(options, {}, 'purge')).toBe(403)
      expect(await statusFor(options, { scope: 'mcp:root' }, 'purge')).toBe(204)
    }
  })

  it('may have a verifier, whose tokens must be for the resource all the same', async () => {
    const { resource, scopes } = GOOD
    const accepting = {
      verify: async (token: string) => ({
        token,
        claims: { aud: token.startsWith('ey') ? resource : 'other' },
        scopes: new Set(scopes),
      }),
      explain: async () => ({}),
      ready: async () => {},
      close: () => {},
    }
    const options = { resource, scopes, verifier: accepting } as unknown as McpResourceOptions
    expect(await statusFor(options)).toBe(204)
    const serve = mcpResource(options).fetch(() => new Response(null, { status: 204 }))
    const refused = await serve(
      new Request(RESOURCE, { method: 'POST', headers: fieldsWith('opaque'), body: callOf('echo') }),
    )
    expect(refused.status).toBe(401)
    await expect(mcpResource(options).tokenVerifier({ OAuthError: Error }).verifyAccessToken('opaque')).rejects.toThrow(
      'invalid_token',
    )
    expect(() => mcpResource({ ...options, implies: { a: ['b'] } })).toThrow(
      '"implies" belongs to its options, as "scopeHierarchy"',
    )
  })

  it('are read once', async () => {
    const options = { ...GOOD, tools: { purge: scope('mcp:admin') } as Record<string, ReturnType<typeof scope>> }
    const mcp = mcpResource(options)
    delete options.tools['purge']
    const serve = mcp.fetch(() => new Response(null, { status: 204 }))
    const headers = fieldsWith(await tokenFor(RESOURCE))
    expect((await serve(new Request(RESOURCE, { method: 'POST', headers, body: callOf('purge') }))).status).toBe(403)
  })
})
