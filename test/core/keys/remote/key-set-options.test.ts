import { describe, expect, it, vi } from 'vitest'
import {
  completeKeySetOptions,
  createMemoryJwkSetStore,
  resolveKeySetOptions,
  transportOf,
} from '../../../../packages/core/src/keys/remote/options.ts'

const fetch = async (): Promise<Response> => new Response('{}')
const read = (options: object): ReturnType<typeof resolveKeySetOptions> => resolveKeySetOptions({ fetch, ...options })

describe('the options of a remote key set', () => {
  it.each<readonly [string, number, number, number | undefined]>([
    ['freshFor', 1, 86_400, 600],
    ['staleFor', 0, 86_400, 3600],
    ['cooldown', 1, 3600, 30],
    ['timeout', 0.01, 30, 5],
    ['softWait', 0, 30, 1],
    ['fetchesPerMinute', 1, 60, 10],
    ['maxBytes', 1, 1_048_576, 65_536],
    ['maxKeys', 1, 1000, 64],
  ])('have a "%s" from %d to %d', (name, least, most, byDefault) => {
    expect(read({})).toHaveProperty(name, byDefault)
    for (const value of [least, most]) expect(read({ [name]: value })).toHaveProperty(name, value)
    for (const value of [least - 0.001, most + 1, Number.NaN, String(most)])
      expect(() => read({ [name]: value })).toThrow(`"${name}" must be`)
  })

  it.each(['fetchesPerMinute', 'maxBytes', 'maxKeys'])('have a whole number as "%s"', (name) => {
    expect(() => read({ [name]: 1.5 })).toThrow(`"${name}" must be`)
  })

  it.each<readonly [object, string]>([
    [{ allowLoopbackHttp: 'no' }, '"allowLoopbackHttp" must be'],
    [{ store: {} }, '"store" must be an object { get, set }'],
    [{ store: { get: async () => undefined } }, '"store" must be an object { get, set }'],
    [{ seed: 'seed' }, '"seed" must be an object { uri, jwks, fetchedAt }, as a store is given it'],
    [{ seed: { uri: 1, jwks: {} } }, '"seed" must be an object { uri, jwks, fetchedAt }'],
    [{ seed: { uri: 'a', jwks: 'b' } }, '"seed" must be an object { uri, jwks, fetchedAt }'],
    [{ seed: { jwks: {} } }, '"seed" must be an object { uri, jwks, fetchedAt }'],
    [{ waitUntil: 1 }, '"waitUntil" must be'],
    [{ sharing: 'timers' }, '"sharing" must be'],
    [{ proxy: true }, '"proxy" must be "environment", false or the address of a proxy'],
    [{ proxy: 1 }, '"proxy" must be "environment", false or the address of a proxy'],
    [{ ifRefused: 1 }, '"ifRefused" must be a string'],
    [{ toJwks: 1 }, '"toJwks" must be'],
    [{ random: 1 }, '"random" must be'],
    [{ fetch: 1 }, '"fetch" must be'],
    [{ clock: {} }, '"clock" must be an object { now, monotonic, setTimeout }'],
    [{ clock: { now: Date.now, monotonic: Date.now } }, '"clock" must be an object { now, monotonic, setTimeout }'],
    [
      { allowHttpHosts: 'keycloak' },
      '"allowHttpHosts" must be a list of hosts with their port, such as ["keycloak:8080"]',
    ],
    [{ allowHttpHosts: ['keycloak', 'http://a'] }, '"allowHttpHosts" must be a list of hosts with their port'],
    [{ fresh: 1 }, 'there is no option "fresh"'],
  ])('are not %o', (options, message) => {
    expect(() => read(options)).toThrow(TypeError)
    expect(() => read(options)).toThrow(`Cannot use remote key set: `)
    expect(() => read(options)).toThrow(message)
  })

  it('allow plain http to loopback addresses, and to the hosts that are named', () => {
    expect(read({}).plainHttp).toEqual({ loopback: 'allowed', hosts: [] })
    expect(read({ allowLoopbackHttp: false, allowHttpHosts: ['Keycloak:8080', 'b:80'] }).plainHttp).toEqual({
      loopback: 'refused',
      hosts: ['keycloak:8080', 'b'],
    })
  })

  it('have defaults, and are frozen', () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.25)
    const options = read({})
    expect([options.random(), read({ random: undefined }).random()]).toEqual([0.25, 0.25])
    vi.restoreAllMocks()
    expect(options).toMatchObject({ sharing: 'promise', fetch, headers: {} })
    expect([Object.isFrozen(options), Object.isFrozen(options.headers)]).toEqual([true, true])
    const polling = read({ sharing: 'poll', random: () => 0.5 })
    expect([polling.sharing, polling.random()]).toEqual(['poll', 0.5])
    const given = [0, 1, -0.1, 1.1, Number.NaN, undefined]
    expect(given.map((number) => read({ random: () => number }).random())).toEqual([0, 1, 1, 1, 1, 1])
    expect(read({ seed: { uri: 'a', jwks: { keys: [] }, fetchedAt: 1 } }).seed).toMatchObject({ uri: 'a' })
    expect(completeKeySetOptions({ ...options, allowHttpHosts: ['not a host'] } as never).plainHttp).toEqual({
      loopback: 'refused',
      hosts: ['not a host'],
    })
  })

  it.each<false | string | URL>([false, 'environment', 'http://proxy.example', new URL('http://proxy.example')])(
    'have no proxy beside another fetch: %s',
    (proxy) => {
      const message =
        'Cannot use remote key set: "proxy" is for the default fetch: give it to your own "fetch", as in undiciFetch({ proxy })'
      expect(() => transportOf(fetch, proxy)).toThrow(new TypeError(message))
      expect(() => read({ proxy })).toThrow(message)
    },
  )
})

describe('header fields of requests for keys', () => {
  const send = (name: string, value: unknown): unknown => ({ ...read({ headers: { [name]: value } }).headers })

  it.each([
    ["!#$%&'*+.^_`|~09az-", 'a'],
    ['x', '!'],
    ['x', '~'],
    ['x', 'a  b'],
    ['x'.repeat(256), 'a'],
    ['x', 'a'.repeat(8192)],
    ['x-host', 'a'],
    ['hosts', 'a'],
    ['xte', 'a'],
    ['ten', 'a'],
    ['xproxy-a', 'a'],
    ['proxy', 'a'],
    ['xcontent-a', 'a'],
    ['xif-a', 'a'],
    ['ifa', 'a'],
    ['ranges', 'a'],
    ['authorization', 'Bearer a'],
  ])('may be %s: %s', (name, value) => {
    expect(send(name, value)).toEqual({ [name]: value })
  })

  it('have names in lower case', () => {
    expect(send('X-Api-Key', 'a')).toEqual({ 'x-api-key': 'a' })
  })

  it.each(['', 'a b', 'ä', 'a:', 'a\n', ' a', '(a)', 'x'.repeat(257)])('have no other names: %j', (name) => {
    expect(() => send(name, 'a')).toThrow(
      'Cannot use remote key set: "headers" has a name that is no header field name',
    )
  })

  it.each([
    'host',
    'connection',
    'keep-alive',
    'te',
    'trailer',
    'transfer-encoding',
    'upgrade',
    'expect',
    'range',
    'accept-encoding',
    'proxy-',
    'proxy-a',
    'content-',
    'content-type',
    'if-',
    'if-match',
  ])('do not belong to the transport: %s', (name) => {
    expect(() => send(name, 'a')).toThrow(`"headers" must not set "${name}", which belongs to the transport`)
  })

  it.each(['', ' ', ' a', 'a ', 'a\tb', 'a\u007f', 'a\u0000', 'ä', 'a\n', 'a'.repeat(8193), 1, null, ['a']])(
    'have no other values: %j',
    (value) => {
      expect(() => send('x', value)).toThrow(
        'the value of "x" in "headers" must be 1 to 8192 visible ASCII characters, with spaces only between them',
      )
    },
  )

  it.each([1, 'a', ['a']])('are not %j', (headers) => {
    expect(() => read({ headers })).toThrow('"headers" must be an object, such as { "x-api-key": "…" }')
  })

  it('are each given once', () => {
    expect(() => read({ headers: { a: 'b', A: 'c' } })).toThrow('"headers" has "a" twice')
  })
})

describe('a store of JWK Sets in memory', () => {
  it('gives back what it was given, as a copy', async () => {
    const store = createMemoryJwkSetStore()
    const seed = { uri: 'a', jwks: { keys: [] }, fetchedAt: 5 }
    expect([await store.get('a', { seconds: 1 }), Object.isFrozen(store)]).toEqual([undefined, true])
    await store.set('a', seed, 1)
    const found = await store.get('a', { seconds: 1 })
    expect(found).toEqual(seed)
    expect(found === (seed as unknown)).toBe(false)
    expect(await store.get('b', { seconds: 1 })).toBeUndefined()
  })
})
