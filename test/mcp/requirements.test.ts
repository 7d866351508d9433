import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type McpResource, mcpResource } from '@claimgate/mcp'
import {
  callOf,
  codeOf,
  fieldsWith,
  forgedTokenFor,
  modernCallOf,
  modernFields,
  tokenFor,
  VERIFYING,
} from '../support/mcp/requests.ts'
import { FRAMEWORKS, startMcp, type StartedMcp } from '../support/mcp/servers.ts'

// What the MCP specification demands of a server. docs/mcp.md names these tests.

const REALM = 'Bearer realm="api"'
const APP = 'https://app.example.com'

describe.each(Object.keys(FRAMEWORKS))('an MCP server on %s', (framework) => {
  let server: StartedMcp
  let token: string
  let admin: string
  beforeAll(async () => {
    server = await startMcp(framework, () => ({
      ...VERIFYING,
      implies: { 'mcp:root': ['mcp:admin', 'mcp:tools'] },
      origins: [APP],
    }))
    token = await tokenFor(server.url.href)
    admin = await tokenFor(server.url.href, { scope: 'mcp:tools mcp:admin' })
  })
  afterAll(() => server.close())

  const post = (
    given: string | undefined,
    {
      body = callOf('echo'),
      more = {},
      path = '',
    }: { body?: string; more?: Record<string, string>; path?: string } = {},
  ): Promise<Response> => fetch(`${server.url}${path}`, { method: 'POST', headers: fieldsWith(given, more), body })
  const challengeOf = (response: Response): string => response.headers.get('www-authenticate') ?? ''
  const metadataUri = (): string => `${server.url.origin}/.well-known/oauth-protected-resource/mcp`
  const parameter = (): string => `resource_metadata="${metadataUri()}"`

  /** The status of the answer. Whatever is refused must not reach the transport. */
  const statusOf = async (given: string | undefined, request: Parameters<typeof post>[1] = {}): Promise<number> => {
    const before = server.received.length
    const { status } = await post(given, request)
    expect(server.received.length - before).toBe(status === 200 ? 1 : 0)
    return status
  }

  it('publishes the metadata with its authorization server', async () => {
    const response = await fetch(metadataUri())
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json'])
    expect(await response.json()).toEqual({
      resource: server.url.href,
      authorization_servers: [VERIFYING.issuer],
      bearer_methods_supported: ['header'],
      scopes_supported: ['mcp:tools'],
    })
  })

  it('lets pages of every origin read the metadata', async () => {
    const response = await fetch(metadataUri(), { headers: { origin: 'https://other.example' } })
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    const preflight = await fetch(metadataUri(), { method: 'OPTIONS' })
    expect([preflight.status, await preflight.text()]).toEqual([204, ''])
    const head = await fetch(metadataUri(), { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
  })

  it('names the metadata and the scopes in the challenge without a token', async () => {
    const response = await post(undefined)
    expect(response.status).toBe(401)
    expect(challengeOf(response)).toBe(`${REALM}, scope="mcp:tools", ${parameter()}`)
    expect(response.headers.get('access-control-expose-headers')).toBe('WWW-Authenticate')
    expect(await response.json()).toMatchObject({ status: 401 })
  })

  it('names the metadata and the scopes in the challenge for a bad token', async () => {
    const response = await post('nonsense')
    expect(response.status).toBe(401)
    expect(challengeOf(response)).toMatch(
      /^Bearer realm="api", error="invalid_token", error_description="[^"]+", scope="mcp:tools", /,
    )
    expect(challengeOf(response)).toContain(parameter())
  })

  it('accepts a token that was issued for it', async () => {
    expect(await statusOf(token)).toBe(200)
    expect(await (await post(token)).text()).toContain('hi | ada | client-1 | mcp:tools')
  })

  it('answers 401 to tokens that are expired, forged, unsigned or of another issuer', async () => {
    const now = Math.floor(Date.now() / 1000)
    const { href } = server.url
    const bad = [
      await tokenFor(href, { iat: now - 900, exp: now - 300 }),
      await tokenFor(href, { exp: undefined }),
      await tokenFor(href, { iss: 'https://other.example' }),
      await forgedTokenFor(href),
      `${Buffer.from('{"alg":"none"}').toString('base64url')}.${token.split('.')[1]}.`,
      token.slice(0, -2),
    ]
    for (const one of bad) expect([one, await statusOf(one)]).toEqual([one, 401])
  })

  it('answers 401 to tokens for another resource, or for none', async () => {
    const { href, origin } = server.url
    const audiences = [undefined, 'https://other.example/mcp', origin, `${href}/`, `${href}/sub`, href.toUpperCase()]
    for (const aud of audiences) expect([aud, await statusOf(await tokenFor(href, { aud }))]).toEqual([aud, 401])
    expect(await statusOf(await tokenFor(href, { aud: ['https://other.example', href] }))).toBe(200)
  })

  it('accepts tokens from the Authorization header only', async () => {
    expect(await statusOf(undefined, { path: `?access_token=${token}` })).toBe(401)
    expect(await statusOf(undefined, { more: { cookie: `access_token=${token}` } })).toBe(401)
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    expect(await statusOf(undefined, { body: `access_token=${token}`, more: form })).toBe(401)
    expect(await statusOf(token, { path: `?access_token=${token}` })).toBe(200)
  })

  it('needs a token in every request, also in those of a session', async () => {
    for (const method of ['GET', 'DELETE', 'HEAD', 'OPTIONS', 'PUT']) {
      const headers = { accept: 'text/event-stream', 'mcp-session-id': 'session-1' }
      expect([method, (await fetch(server.url, { method, headers })).status]).toEqual([method, 401])
    }
    expect(await statusOf(undefined, { more: { 'mcp-session-id': 'session-1' } })).toBe(401)
  })

  it('answers 400 to malformed credentials', async () => {
    expect(await statusOf(`${token} ${token}`)).toBe(400)
    expect(await statusOf(`${token}, Bearer ${token}`)).toBe(400)
  })

  it('answers 403 with all scopes of the operation to a token without them', async () => {
    const response = await post(token, { body: callOf('purge') })
    expect(response.status).toBe(403)
    expect(challengeOf(response)).toBe(
      `${REALM}, error="insufficient_scope", error_description="The access token does not grant what this request needs", ` +
        `scope="mcp:tools mcp:admin", ${parameter()}`,
    )
    expect(await statusOf(token, { body: callOf('purge') })).toBe(403)
    expect(await statusOf(admin, { body: callOf('purge') })).toBe(200)
  })

  it('names the same scopes of an operation, whatever the token has', async () => {
    const challenges = new Set<string>()
    for (const scope of ['mcp:tools', 'mcp:admin', 'other', undefined]) {
      const response = await post(await tokenFor(server.url.href, { scope }), { body: callOf('purge') })
      expect(response.status).toBe(403)
      challenges.add(challengeOf(response))
    }
    expect(challenges.size).toBe(1)
    const response = await post(await tokenFor(server.url.href, { scope: 'other' }))
    expect(challengeOf(response)).toContain('scope="mcp:tools"')
  })

  it('needs only the usual scopes for an unknown tool', async () => {
    for (const name of ['unknown', 'constructor', '__proto__', 'Purge', 'purge '])
      expect([name, await statusOf(token, { body: callOf(name) })]).toEqual([name, 200])
  })

  it('accepts a scope that includes the needed ones', async () => {
    const root = await tokenFor(server.url.href, { scope: 'mcp:root' })
    expect(await statusOf(root)).toBe(200)
    expect(await statusOf(root, { body: callOf('purge') })).toBe(200)
  })

  it('refuses a message whose Mcp-Name or Mcp-Method is not its own', async () => {
    for (const [name, method] of [
      ['echo', 'tools/call'],
      ['purge', 'tools/list'],
      ['Purge', 'tools/call'],
      ['', 'tools/call'],
      ['purge, purge', 'tools/call'],
      ['=?base64?ZWNobw==?=', 'tools/call'],
      ['=?base64?!?=', 'tools/call'],
    ] as const) {
      const more = { 'mcp-name': name, 'mcp-method': method }
      const before = server.received.length
      const response = await post(admin, { body: callOf('purge'), more })
      expect([name, method, response.status, await codeOf(response)]).toEqual([name, method, 400, -32_020])
      expect(server.received.length).toBe(before)
    }
  })

  it('decodes Mcp-Name before it compares it', async () => {
    const name = 'größe'
    const encoded = Buffer.from(name).toString('base64')
    const more = { 'MCP-NAME': `=?base64?${encoded}?=`, 'Mcp-Method': 'tools/call' }
    expect(await statusOf(token, { body: callOf(name), more })).toBe(200)
    const literal = '=?base64?literal?='
    const again = { 'mcp-name': `=?base64?${btoa(literal)}?=` }
    expect(await statusOf(token, { body: callOf(literal), more: again })).toBe(200)
  })

  it('demands the headers of revision 2026-07-28 from its clients, and not from older ones', async () => {
    const body = modernCallOf('purge')
    const headers = modernFields(admin, 'purge')
    expect((await fetch(server.url, { method: 'POST', headers, body })).status).toBe(200)
    for (const name of ['mcp-name', 'mcp-method']) {
      const { [name]: _, ...rest } = headers
      const response = await fetch(server.url, { method: 'POST', headers: rest, body })
      expect([name, response.status, await codeOf(response)]).toEqual([name, 400, -32_020])
    }
    expect(await statusOf(admin, { body: callOf('purge'), more: { 'mcp-protocol-version': '2025-06-18' } })).toBe(200)
  })

  it('decides by the message, also if a client of revision 2026-07-28 has a token without the scope', async () => {
    const headers = modernFields(token, 'purge')
    const response = await fetch(server.url, { method: 'POST', headers, body: modernCallOf('purge') })
    expect(response.status).toBe(403)
  })

  it('answers 403 to pages of other origins', async () => {
    for (const origin of ['https://evil.example', 'null', `${APP}.evil.example`, APP.toUpperCase()]) {
      const response = await post(token, { more: { origin } })
      expect([origin, response.status]).toEqual([origin, 403])
    }
    expect(await statusOf(token, { more: { origin: APP } })).toBe(200)
  })

  it('answers 503 with Retry-After, and not 401, while keys cannot be fetched', async () => {
    const down = await startMcp(framework, () => ({
      issuer: VERIFYING.issuer,
      fetch: () => Promise.reject(new TypeError('the network is down')),
    }))
    try {
      const headers = fieldsWith(await tokenFor(down.url.href))
      const response = await fetch(down.url, { method: 'POST', headers, body: callOf('echo') })
      expect([response.status, down.received]).toEqual([503, []])
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
      expect(response.headers.get('www-authenticate')).toBeNull()
    } finally {
      await down.close()
    }
  })

  it('answers 404 for other paths, and never calls the transport for them', async () => {
    for (const path of ['', 'mcp/', 'MCP', 'mcp/sub', 'mcp%2f', '.well-known/oauth-protected-resource']) {
      const response = await fetch(new URL(`/${path}`, server.url), {
        method: 'POST',
        headers: fieldsWith(token),
        body: callOf('echo'),
      })
      expect([path, response.status]).toEqual([path, 404])
    }
  })
})

describe('the resource', () => {
  const resourceOf = (resource: string, more: object = {}): McpResource =>
    mcpResource({ resource, scopes: ['mcp:tools'], ...VERIFYING, ...more })
  const statusAt = async (mcp: McpResource, url: string, aud: string): Promise<number> => {
    const serve = mcp.fetch(() => new Response(null, { status: 204 }))
    const headers = fieldsWith(await tokenFor('', { aud }))
    return (await serve(new Request(url, { method: 'POST', headers, body: callOf('echo') }))).status
  }

  it('may be written with capital letters in scheme and host', async () => {
    const mcp = resourceOf('HTTPS://MCP.Example.com/mcp')
    for (const aud of ['HTTPS://MCP.Example.com/mcp', 'https://mcp.example.com/mcp'])
      expect([aud, await statusAt(mcp, 'https://mcp.example.com/mcp', aud)]).toEqual([aud, 204])
    expect(await statusAt(mcp, 'https://mcp.example.com/mcp', 'https://mcp.example.com/MCP')).toBe(401)
  })

  it('gets no slash at its end, but clients may add one if it has no path', async () => {
    const mcp = resourceOf('https://mcp.example.com')
    expect(mcp.resource.resource).toBe('https://mcp.example.com')
    for (const aud of ['https://mcp.example.com', 'https://mcp.example.com/'])
      expect([aud, await statusAt(mcp, 'https://mcp.example.com/', aud)]).toEqual([aud, 204])
    const withPath = resourceOf('https://mcp.example.com/mcp')
    expect(await statusAt(withPath, 'https://mcp.example.com/mcp', 'https://mcp.example.com/mcp/')).toBe(401)
  })

  it('must use https, except on a loopback address', () => {
    expect(() => resourceOf('http://mcp.example.com/mcp')).toThrow('https')
    expect(() => resourceOf('http://127.0.0.1:3000/mcp')).not.toThrow()
    expect(() => resourceOf('https://mcp.example.com/mcp#tools')).toThrow('fragment')
  })

  it('never asks for offline_access', () => {
    expect(() => resourceOf('https://mcp.example.com/mcp', { scopes: ['mcp:tools', 'offline_access'] })).toThrow(
      'each of "scopes" must be one scope without spaces, and not "offline_access"',
    )
  })

  it('publishes the metadata at the root, too, if asked to', async () => {
    const mcp = resourceOf('https://mcp.example.com/mcp', { metadata: { atRoot: true, resourceName: 'Orders' } })
    const serve = mcp.fetch(() => new Response(null, { status: 500 }))
    for (const path of ['', '/mcp']) {
      const response = await serve(new Request(`https://mcp.example.com/.well-known/oauth-protected-resource${path}`))
      expect(await response.json()).toMatchObject({ resource_name: 'Orders', scopes_supported: ['mcp:tools'] })
    }
  })
})
