// Options of a resource as they are after the start: their defaults, their exact bounds, and what the verifier is given.
import { scope } from '@claimgate/core'
import { describe, expect, it } from 'vitest'
import { type ResolvedMcpOptions, resolveMcpOptions } from '../../packages/mcp/src/options.ts'
import { fakeVerifier } from '../support/core/fake-verifier.ts'

const RESOURCE = 'https://mcp.example.com/mcp'
const ISSUER = 'https://auth.example.com'
const GOOD = { resource: RESOURCE, scopes: ['mcp:tools'], issuer: ISSUER }
const resolved = (more: object = {}): ResolvedMcpOptions => resolveMcpOptions({ ...GOOD, ...more })
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

describe('the options of a resource', () => {
  it('have defaults, and are frozen', () => {
    const { clock, ...options } = resolved()
    expect(plain(options)).toEqual({
      ...GOOD,
      tools: {},
      metadata: {},
      bodyLength: 4_194_304,
      bodyTimeout: 10,
      path: '/mcp',
      authenticator: {
        exposeChallenge: true,
        scopesInChallenge: 'invalid_token',
        audience: [RESOURCE],
        issuer: ISSUER,
      },
    })
    expect([Object.isFrozen(resolved()), Object.getPrototypeOf(options.authenticator)]).toEqual([true, null])
    expect([options.audiences, typeof clock.now()]).toEqual([undefined, 'number'])
  })

  it('have their defaults if they are undefined', () => {
    const { authenticator } = resolved({ exposeChallenge: undefined, scopesInChallenge: undefined })
    expect(authenticator).toMatchObject({ exposeChallenge: true, scopesInChallenge: 'invalid_token' })
  })

  it('are those that were given', () => {
    const clock = { now: () => 5, monotonic: () => 6, setTimeout: () => () => {} }
    const given = {
      tools: { purge: scope('mcp:admin'), sum: () => scope('a') },
      implies: { 'mcp:admin': ['mcp:tools'] },
      audience: [RESOURCE, 'orders'],
      metadata: { resourceName: 'Orders' },
      path: '/api/mcp',
      bodyLength: 1024,
      bodyTimeout: 0.1,
      origins: ['https://app.example.com', 'http://localhost:3000'],
      exposeChallenge: false,
      scopesInChallenge: 'always',
      clock,
    }
    const options = resolved(given)
    expect(options).toMatchObject({ ...given, tools: { ...given.tools }, clock: expect.objectContaining({}) })
    expect(options.clock.now()).toBe(5)
    expect(options.authenticator).toMatchObject({
      exposeChallenge: false,
      scopesInChallenge: 'always',
      audience: [RESOURCE, 'orders'],
      scopeHierarchy: given.implies,
    })
    for (const own of [options.tools, options.implies]) {
      expect([Object.isFrozen(own), Object.getPrototypeOf(own)]).toEqual([true, null])
    }
  })

  it.each([
    ['https://mcp.example.com/mcp', ['https://mcp.example.com/mcp']],
    ['HTTPS://MCP.example.com/mcp', ['HTTPS://MCP.example.com/mcp', 'https://mcp.example.com/mcp']],
    ['https://mcp.example.com', ['https://mcp.example.com', 'https://mcp.example.com/']],
    ['https://mcp.example.com/', ['https://mcp.example.com/', 'https://mcp.example.com']],
    ['https://mcp.example.com/?a', ['https://mcp.example.com/?a']],
  ])('name the resource %s in every way that clients write it', (resource, audience) => {
    expect((resolved({ resource }).authenticator as { audience?: unknown }).audience).toEqual(audience)
  })

  it('leave the audience to the gate if there is a verifier', () => {
    const verifier = fakeVerifier()
    const options = resolveMcpOptions({ resource: RESOURCE, scopes: [], verifier, audience: RESOURCE })
    expect(options.audiences).toEqual([RESOURCE])
    expect(Object.keys(options.authenticator).toSorted()).toEqual(['exposeChallenge', 'scopesInChallenge', 'verifier'])
    expect(() => resolveMcpOptions({ resource: RESOURCE, scopes: [], verifier, implies: { a: ['b'] } })).toThrow(
      'Cannot create MCP resource: with "verifier", "implies" belongs to its options, as "scopeHierarchy"',
    )
  })
})

describe('the issuers of a resource', () => {
  const rules = { audience: [RESOURCE], scopeHierarchy: { a: ['b'] } }
  const given = { issuer: undefined, implies: rules.scopeHierarchy }
  const issuersOf = (issuers: unknown): unknown =>
    (
      resolveMcpOptions({ resource: RESOURCE, scopes: [], implies: given.implies, issuers } as never).authenticator as {
        issuers?: unknown
      }
    ).issuers

  it('have the rules of the resource, unless they have their own', () => {
    const own = { issuer: 'https://two.example', audience: 'two', scopeHierarchy: {} }
    expect(plain(issuersOf([{ issuer: ISSUER }, own]))).toEqual([{ ...rules, issuer: ISSUER }, own])
    expect(resolveMcpOptions({ resource: RESOURCE, scopes: [], issuers: [] }).authenticator).not.toHaveProperty(
      'audience',
    )
  })

  it('have them also if a function finds them', async () => {
    const find = issuersOf(async (iss: string) => (iss === ISSUER ? { issuer: iss } : undefined)) as (
      iss: string,
    ) => Promise<unknown>
    expect(plain(await find(ISSUER))).toEqual({ ...rules, issuer: ISSUER })
    expect(await find('https://other.example')).toBeUndefined()
  })

  it.each([[5], ['https://a.example'], [{ issuer: ISSUER }]])('are left to the verifier to refuse: %j', (issuers) => {
    expect(issuersOf(issuers)).toBe(issuers)
  })

  it('are left to the verifier to refuse one by one', () => {
    expect(issuersOf([5, null])).toEqual([5, null])
  })
})

describe('an option of a resource', () => {
  it.each<readonly [string, readonly unknown[], readonly unknown[]]>([
    ['resource', [RESOURCE, 'http://127.0.0.1/mcp'], ['', 'mcp', 5, [RESOURCE]]],
    ['scopes', [[], ['a', 'b:c']], ['a', ['a b'], [''], [5], ['offline_access'], {}]],
    ['audience', [RESOURCE, [RESOURCE, 'a']], ['', [], [''], [RESOURCE, ''], [RESOURCE, 5], 5, null]],
    ['path', ['/', '/mcp', '/~a!b', undefined], ['', 'mcp', 'x/mcp', '/a?b', '/a#b', '/a b', '/é', '/a\n', 5]],
    ['bodyLength', [1024, 67_108_864], [1023, 67_108_865, 1024.5, '1024']],
    ['bodyTimeout', [0.1, 0.5, 300], [0.09, 300.1, '5']],
    [
      'origins',
      [[], ['https://a.example', 'http://a.example:81']],
      [['https://a.example/'], ['https://a.example:443'], ['a.example'], ['null'], [''], [5], 'https://a.example'],
    ],
    [
      'tools',
      [{}, { a: scope('a') }, { a: () => scope('a') }],
      [5, [], { a: 'a' }, { a: undefined }, { a: scope }, { a: {} }],
    ],
    [
      'implies',
      [{}, { a: ['b'] }, { a: ['b', 'c'] }, undefined],
      [5, { a: [] }, { a: 'b' }, { a: ['b c'] }, { a: ['b', 5] }, { a: undefined }],
    ],
    ['metadata', [{}, { resourceName: 'a' }, undefined], [5, 'a']],
  ])('is read: %s', (name, right, wrong) => {
    for (const value of right) expect(() => resolved({ [name]: value })).not.toThrow()
    for (const value of wrong)
      expect(() => resolved({ [name]: value })).toThrow(new RegExp(`^Cannot create MCP resource: .*"${name}[".]`))
  })

  it.each<readonly [string, object, string]>([
    [
      'text',
      { resource: 'mcp' },
      '"resource" must be the URL of the MCP endpoint, such as "https://mcp.example.com/mcp", found "mcp"',
    ],
    ['a path', { path: 'mcp' }, '"path" must be a path such as "/mcp", found "mcp"'],
    ['an audience', { audience: [] }, '"audience" must be the names of this server in "aud", as text or a list'],
    [
      'a scope',
      { scopes: ['offline_access'] },
      'each of "scopes" must be one scope without spaces, and not "offline_access", which is for the authorization server',
    ],
    ['origins', { origins: 'x' }, '"origins" must be a list of origins, such as ["https://app.example.com"]'],
    ['an origin', { origins: ['x'] }, 'each of "origins" must be an origin, such as "https://app.example.com"'],
    [
      'a tool',
      { tools: { a: 5 } },
      '"tools.a" must be a requirement such as scope("mcp:admin"), or a function, found 5',
    ],
    ['tools', { tools: 5 }, '"tools" must be an object such as { purge: scope("mcp:admin") }'],
    ['implied scopes', { implies: { a: [] } }, '"implies.a" must be a list of scopes, found []'],
    ['implied', { implies: 5 }, '"implies" must be an object such as { "mcp:admin": ["mcp:tools"] }'],
    ['metadata', { metadata: 5 }, '"metadata" must be an object such as { resourceName: "Orders" }'],
    ['the word of a verifier', { scopeHierarchy: {} }, 'write "implies" instead of "scopeHierarchy"'],
    ['a clock', { clock: 5 }, '"clock" must'],
  ])('is refused with what to write: %s', (_, more, message) => {
    expect(() => resolved(more)).toThrow(`Cannot create MCP resource: ${message}`)
  })

  it.each(['credentials', 'extractToken', 'optional', 'challenge'])(
    'is none of an authenticator that is fixed: %s',
    (name) => {
      expect(() => resolved({ [name]: undefined })).toThrow(`there is no option "${name}"`)
    },
  )

  it('is missing without any', () => {
    for (const given of [undefined, null, 'a', 5])
      expect(() => resolveMcpOptions(given as never)).toThrow(
        'Cannot create MCP resource: give options with "resource", "issuer" and "scopes"',
      )
  })
})
