import type { ProtectedResource, ResourceResponse } from '@claimgate/core'
import { protectedResource } from '@claimgate/core/metadata'
import { createTestClock } from '@claimgate/testing'
import { describe, expect, it, vi } from 'vitest'
import { metadataSigner } from '../../../packages/core/src/metadata/signed-metadata.ts'

const RESOURCE = 'https://h.example/mcp'
const PATH = '/.well-known/oauth-protected-resource/mcp'

const get = async (
  resource: ProtectedResource,
  target = PATH,
  tags: readonly unknown[] = [],
): Promise<ResourceResponse> => {
  const header = (name: string): never => (name === 'if-none-match' ? tags : []) as never
  const answer = await resource.answer({ method: 'GET', target, header })
  return answer ?? expect.unreachable()
}
const documentOf = async (resource: ProtectedResource): Promise<Readonly<Record<string, unknown>>> =>
  JSON.parse((await get(resource)).body) as Record<string, unknown>

describe('47. The document', () => {
  it('is made once per maxAge, and again if something else is known', async () => {
    const digest = vi.spyOn(crypto.subtle, 'digest')
    try {
      const clock = createTestClock()
      const resource = protectedResource({ resource: RESOURCE, maxAge: 60, clock })
      const madeAfter = async (milliseconds: number): Promise<number> => {
        clock.advance(milliseconds)
        await get(resource)
        return digest.mock.calls.length
      }
      expect([await madeAfter(0), await madeAfter(59_999), await madeAfter(1)]).toEqual([1, 1, 2])
      resource.learn({ scopes: ['a'] })
      expect(await madeAfter(0)).toBe(3)
      resource.learn({ scopes: ['a'], issuers: [] })
      expect(await madeAfter(0)).toBe(3)
    } finally {
      digest.mockRestore()
    }
  })

  it('is given to the signer with the members that it has, and no others', async () => {
    const seen: unknown[] = []
    const signedMetadata = (metadata: object): string => {
      seen.push(Object.keys(metadata))
      return 'a.b.c'
    }
    await get(protectedResource({ resource: RESOURCE, signedMetadata, scopesSupported: ['a'] }))
    expect(seen).toEqual([['resource', 'scopes_supported']])
  })

  it.each<readonly [string, readonly object[], object]>([
    ['only if plain tokens are refused', [{ confirmations: ['jkt'] }], {}],
    ['only for a binding', [{ unboundTokens: 'refuse' }], {}],
    [
      'only without another binding',
      [{ unboundTokens: 'refuse', confirmations: ['jkt', 'x5t#S256'] }],
      { tls_client_certificate_bound_access_tokens: true },
    ],
    ['for no other binding', [{ unboundTokens: 'refuse', confirmations: ['jk', 't'] }], {}],
    [
      'if that is the only one',
      [{ unboundTokens: 'refuse', confirmations: ['jkt'] }],
      { dpop_bound_access_tokens_required: true },
    ],
  ])('requires DPoP %s', async (_, facts, expected) => {
    const resource = protectedResource({ resource: RESOURCE })
    for (const one of facts) resource.learn(one)
    expect(await documentOf(resource)).toEqual({ resource: RESOURCE, ...expected })
  })

  it('names no issuer that only holds a URL', async () => {
    const resource = protectedResource({ resource: RESOURCE })
    resource.learn({ issuers: ['xhttps://a.example', 'https://b.example', 'https://c.example/"'] })
    expect(await documentOf(resource)).toEqual({ resource: RESOURCE, authorization_servers: ['https://b.example'] })
  })
})

describe('47. The answer to a request', () => {
  it.each([
    ['of another path that holds a URL', 'https://h.example/mcp/', `${PATH}/a://b`, false],
    ['with a query that holds a question mark', `${RESOURCE}?a=b?c`, `${PATH}?a=b?c`, true],
    ['with a query without its question mark', `${RESOURCE}?a=b?c`, `${PATH}?a=bc`, false],
  ])('%s is given only if the address is equal', (_, identifier, target, isAnswered) => {
    const answer = protectedResource({ resource: identifier }).answer({ method: 'GET', target, header: () => [] })
    expect(answer !== undefined).toBe(isAnswered)
  })

  it('is 304 only for its own tag', async () => {
    const resource = protectedResource({ resource: RESOURCE })
    const { etag = '' } = (await get(resource)).headers
    const statusFor = async (...tags: readonly unknown[]): Promise<number> => (await get(resource, PATH, tags)).status
    for (const tags of [[etag], [`W/${etag}`], ['"a"', ` ${etag} `], [`"a", ${etag}`], ['*'], [1, etag]])
      expect(await statusFor(...tags), String(tags)).toBe(304)
    for (const tags of [
      [],
      ['"a"'],
      [1],
      [undefined],
      [etag.replace('"', '"W/')],
      [`${etag.slice(0, 5)}W/${etag.slice(5)}`],
    ])
      expect(await statusFor(...tags), String(tags)).toBe(200)
  })

  // Vitest fails on unhandled rejections.
  it.each([
    ['no log', false],
    ['a log that throws', { warn: () => expect.unreachable() }],
    ['a log that rejects', { warn: () => Promise.reject(new Error('full')) }],
  ] as const)('is a problem document if it cannot be signed, with %s', async (_, log) => {
    const signedMetadata = async (): Promise<never> => Promise.reject(new Error('down'))
    expect(await get(protectedResource({ resource: RESOURCE, signedMetadata, log }))).toEqual({
      status: 503,
      headers: {
        'access-control-allow-origin': '*',
        'cache-control': 'no-store',
        'content-type': 'application/problem+json',
        'retry-after': '10',
      },
      body: '{"type":"about:blank","title":"Service Unavailable","status":503}',
    })
  })
})

describe('47. The signer of metadata', () => {
  const signerWith = (answer: () => unknown, maxAge = 60) => {
    const clock = createTestClock()
    const lines: string[] = []
    const asked = { times: 0 }
    const signedMetadata = (): never => {
      asked.times += 1
      return answer() as never
    }
    const log = { warn: (line: string): void => void lines.push(line) }
    return { clock, lines, asked, sign: metadataSigner({ signedMetadata, maxAge, timeout: 2, clock, log }) }
  }

  it.each([
    [60, 60_000],
    [0, 10_000],
    [9, 10_000],
  ])('signs again after maxAge, of at least 10 s: %i s', async (maxAge, milliseconds) => {
    const { sign, clock, asked } = signerWith(() => 'a.b.c', maxAge)
    expect(await sign({})).toBe('a.b.c')
    clock.advance(milliseconds - 1)
    await sign({})
    expect(asked.times).toBe(1)
    clock.advance(1)
    await sign({})
    await sign({ other: 1 })
    expect(asked.times).toBe(3)
  })

  it('is asked once by all who wait for the same metadata', async () => {
    const { sign, asked } = signerWith(async () => 'a.b.c')
    expect(await Promise.all([sign({}), sign({}), sign({ other: 1 })])).toEqual(['a.b.c', 'a.b.c', 'a.b.c'])
    expect(asked.times).toBe(2)
  })

  it.each<readonly [string, () => unknown, string, string]>([
    ['returns no JWT', () => 'a.b', '"signedMetadata" must return a signed JWT in compact form', 'TypeError'],
    [
      'returns more than a JWT',
      () => 'a.b.c.d',
      '"signedMetadata" must return a signed JWT in compact form',
      'TypeError',
    ],
    [
      'returns text before a JWT',
      () => ' a.b.c',
      '"signedMetadata" must return a signed JWT in compact form',
      'TypeError',
    ],
    ['fails', async () => Promise.reject(new RangeError('secret')), 'secret', 'RangeError'],
  ])('that %s is not asked again for 10 s, and logged by the name of its error', async (_, answer, message, name) => {
    const { sign, lines, asked, clock } = signerWith(answer)
    await expect(sign({})).rejects.toThrow(message)
    clock.advance(9999)
    await expect(sign({})).rejects.toThrow('Metadata could not be signed a moment ago')
    expect([asked.times, lines]).toEqual([1, [`The metadata of the protected resource cannot be signed (${name})`]])
    clock.advance(1)
    await expect(sign({})).rejects.toThrow(message)
  })

  it('must answer in time', async () => {
    const { sign, clock } = signerWith(async () => new Promise(() => {}))
    const answer = sign({}).catch((error: unknown) => error)
    await clock.advanceAsync(2000)
    expect(await answer).toEqual(new Error('"signedMetadata" has not answered within 2 s'))
  })

  it('may be a JWT that is given', async () => {
    const clock = createTestClock()
    expect(await metadataSigner({ signedMetadata: 'a.b.c', maxAge: 1, timeout: 1, clock })({})).toBe('a.b.c')
  })
})

it.each<readonly [string, object, string]>([
  ['an empty name', { resourceName: '' }, '"resourceName" must be '],
  ['a name that is a number', { resourceName: 1 }, '"resourceName" must be '],
  [
    'a signature that is a number',
    { signedMetadata: 1 },
    '"signedMetadata" must be a signed JWT, or a function that returns one, found "something else"',
  ],
  ['four parts as a signature', { signedMetadata: 'a.b.c.d' }, '"signedMetadata" must be a signed JWT'],
  ['text before a signature', { signedMetadata: '!a.b.c' }, '"signedMetadata" must be a signed JWT'],
  ['a path without its slash', { path: 'a/b' }, '"path" must be a path such as'],
  ['a path that is a number', { path: 1 }, '"path" must be a path such as'],
  ['a resource with text before it', { resource: 'xhttps://h.example' }, '"resource" must be '],
])('a protected resource is not made with %s', (_, changes, message) => {
  const make = (): unknown => protectedResource({ resource: RESOURCE, ...changes })
  expect(make).toThrow(`Cannot create protected resource: ${message}`)
})
