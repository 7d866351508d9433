import { statusList } from '@claimgate/core/status-list'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createStatusApi, keys, startListServer, statusToken } from '../../support/status-list/world.ts'
import { accessClaims } from '../../support/core/refusal.ts'

const HOSTS = '"hosts" must be a list of hosts, such as ["status.example.com"], found'
const STATUS = 'each of "accept" must be a whole number from 0 to 255, and not 1 (INVALID), found'
const TOGETHER = '"keys" and "algorithms" belong together: give both, or neither'
const ALGORITHMS = '"algorithms" must be a list of algorithms, such as ["ES256"], found'
const source = { resolve: async () => Promise.reject(new Error('unused')) }

const create = (options: object): unknown => statusList({ hosts: ['a.example'], ...options })

describe('A status list check stops at start-up', () => {
  it.each<readonly [options: object, message: string]>([
    [{ hosts: undefined }, `${HOSTS} nothing`],
    [{ hosts: [] }, `${HOSTS} []`],
    [{ hosts: 'a.example' }, `${HOSTS} "a.example"`],
    ...['', 'https://a.example', 'a.example/x', '*.example', 'u@a.example', 'a.example?x', 'a.example#x'].map(
      (host) => [{ hosts: ['a.example', host] }, `${HOSTS} ["a.example","${host}"]`] as const,
    ),
    ...['A.example', 'a b', 'a\\b', 'a:70000'].map((host) => [{ hosts: [host] }, HOSTS] as const),
    [{ hosts: [1] }, `${HOSTS} [1]`],
    ...[1, 256, -1, 0.5].map((status) => [{ accept: [0, status] }, `${STATUS} ${status}`] as const),
    [{ accept: ['0'] }, `${STATUS} "0"`],
    [{ accept: 0 }, '"accept" must be a list of numbers, such as [0], found 0'],
    [{ keys: {}, algorithms: ['ES256'] }, '"keys" must be a key source with a resolve method, found an object'],
    [{ keys: source }, TOGETHER],
    [{ algorithms: ['ES256'] }, TOGETHER],
    [{ keys: source, algorithms: [] }, `${ALGORITHMS} []`],
    [{ keys: source, algorithms: ['ES256', 'none'] }, `${ALGORITHMS} ["ES256","none"]`],
    [{ keys: source, algorithms: 'ES256' }, `${ALGORITHMS} "ES256"`],
    [{ allowHttpHosts: 'a' }, '"allowHttpHosts" must be a list of hosts'],
    [{ fetch: 'x' }, '"fetch" must be a function, found "x"'],
    [{ clock: 1 }, '"clock" must be an object'],
    [{ maxage: 1 }, 'there is no option "maxage"; did you mean "maxAge"?'],
  ])('with %j', (options, message) => {
    expect(() => create(options)).toThrow(`Cannot create status list check: ${message}`)
  })

  it.each<readonly [name: string, least: number, most: number, kind: 'seconds' | 'whole']>([
    ['maxAge', 1, 86_400, 'seconds'],
    ['staleOnError', 0, 86_400, 'seconds'],
    ['timeout', 0.01, 30, 'seconds'],
    ['maxBytes', 1, 67_108_864, 'whole'],
    ['maxLists', 1, 10_000, 'whole'],
    ['clockTolerance', 0, 300, 'seconds'],
  ])('with a %s outside of %d to %d', (name, least, most, kind) => {
    for (const value of [least, most]) expect(() => create({ [name]: value })).not.toThrow()
    const message = `"${name}" must be a ${kind === 'whole' ? 'whole number' : 'number of seconds'} from ${least} to ${most}, found`
    for (const value of [least - 0.005, most + 1, Number.NaN, ...(kind === 'whole' ? [least + 0.5] : [])])
      expect(() => create({ [name]: value }), String(value)).toThrow(message)
  })

  it('with none of the hosts that URLs may have', () => {
    expect(() => create({ hosts: ['a.example:443', 'a.example:4430', '[::1]:80', '127.0.0.1'] })).not.toThrow()
    expect(() => create({ accept: [0, 2, 255] })).not.toThrow()
  })

  describe('in a runtime without DecompressionStream', () => {
    afterEach(() => {
      vi.unstubAllGlobals()
    })
    it('with a sentence', () => {
      vi.stubGlobal('DecompressionStream', undefined)
      expect(() => create({})).toThrow(
        'Cannot create status list check: this JavaScript runtime has no DecompressionStream',
      )
    })
  })
})

describe('A refusal because of a status list says', () => {
  const detailsOf = async (token: string, options: object = {}): Promise<Record<string, unknown>> =>
    createStatusApi(options)
      .verifier.verify(token)
      .then(
        () => ({}),
        ({ code, expected, actual, hint }: Record<string, unknown>) => ({ code, expected, actual, hint }),
      )

  it('which status the token has', async () => {
    await using server = await startListServer()
    const found = await Promise.all([1, 2, 3, 8].map(async (idx) => detailsOf(await statusToken(server.uri, idx))))
    expect(found.map(({ actual }) => actual)).toEqual([
      '"a revoked token"',
      '"a suspended token"',
      '"status 3"',
      '"an index beyond the end of its list"',
    ])
    expect(found[0]).toMatchObject({
      expected: '"a token whose status is valid"',
      hint: 'The issuer publishes the status of the token',
    })
  })

  it('which host is not allowed, without the path', async () => {
    const details = await detailsOf(await statusToken('https://other.example/secret', 0))
    expect(details).toMatchObject({
      expected: '"status: a list that must be on a host of \\"hosts\\""',
      actual: '"https://other.example"',
    })
  })

  it.each<readonly [status: unknown, expected: string, actual: string]>([
    ['valid', 'status: an object', 'string'],
    [[], 'status: an object', 'object'],
    [{}, 'status.status_list: an object', 'none'],
    [{ status_list: 7 }, 'status.status_list: an object', 'number'],
    [{ status_list: { idx: 0 } }, 'status.status_list.uri: a URL', 'undefined'],
    [{ status_list: { idx: 0, uri: 'lists/1' } }, 'status.status_list.uri: a URL', 'string'],
    [{ status_list: { idx: 0, uri: ['https://a.example'] } }, 'status.status_list.uri: a URL', 'object'],
    [{ status_list: { uri: 'https://a.example' } }, 'status.status_list.idx: a whole number from 0', 'undefined'],
  ])('what is wrong with %j', async (status, expected, actual) => {
    expect(await detailsOf(await keys.sign(accessClaims({ status })))).toMatchObject({
      code: 'claim_malformed',
      expected: `"${expected}"`,
      actual: `"${actual}"`,
    })
  })

  it('which number is no index', async () => {
    const details = await detailsOf(await statusToken('https://a.example', -1))
    expect(details).toMatchObject({ actual: '-1' })
  })

  it('why a list cannot be had', async () => {
    await using server = await startListServer()
    const token = await statusToken(server.uri, 0)
    const reasonFor = async (options: object = {}): Promise<unknown> =>
      createStatusApi(options)
        .verifier.verify(token)
        .catch(({ cause }: { readonly cause?: Error }) => cause?.message)
    const bad: readonly (readonly [claims: object, why: string])[] = [
      [{ sub: 'x' }, 'its "sub" is not the address in the token'],
      [{ iss: 'https://other.example' }, 'it comes from another issuer'],
      [{ ttl: 0 }, 'its "ttl" is not a positive number'],
      [{ status_list: 'x' }, 'it has no "status_list" object'],
      [{ status_list: null }, 'it has no "status_list" object'],
      [{ status_list: { bits: 3, lst: '' } }, 'its "bits" are not 1, 2, 4 or 8'],
      [{ status_list: { bits: 2 } }, 'its "lst" is not text'],
      [
        { status_list: { bits: 2, lst: 'AAAA' } },
        'its "lst" cannot be decompressed, or to more than 4194304 bytes ("maxBytes")',
      ],
    ]
    for (const [claims, why] of bad) {
      await server.publish({ ...claims })
      expect(await reasonFor()).toBe(`The status list must not be used: ${why}`)
    }
    await server.publish({}, { typ: 'JWT' })
    expect(await reasonFor()).toBe('The status list must not be used: its "typ" is not statuslist+jwt')
    await server.publish({}, { typ: undefined })
    expect(await reasonFor()).toBe('The status list must not be used: its "typ" is not statuslist+jwt')
    server.respond((request) => void request.socket.destroy())
    expect(await reasonFor()).toMatch(/^The request failed/)
    server.respond((_request, response) => void response.end('a'.repeat(200_000)))
    expect(await reasonFor({ maxBytes: 10 })).toBe('The status list is larger than "maxBytes" allows')
  })

  it('when to ask again, while a failed list is not due', async () => {
    await using server = await startListServer()
    server.respond((_request, response) => void response.writeHead(503, { 'retry-after': '20' }).end())
    const { verifier, clock } = createStatusApi()
    clock.advance(100_000)
    const token = await statusToken(server.uri, 0)
    const refusal = async (): Promise<unknown> => verifier.verify(token).catch((error: unknown) => error)
    expect(await refusal()).toMatchObject({ code: 'check_unavailable', retryAfter: 20, actual: '"the status list"' })
    expect(await refusal()).toMatchObject({
      retryAfter: 20,
      cause: { name: 'StatusListError', message: 'The last fetch has failed, and the next one is not due' },
    })
    expect(server.requests()).toBe(1)
  })

  it('that a list was fetched too often, if no fetch has failed', async () => {
    await using server = await startListServer()
    await server.publish({ ttl: 1 })
    const { verifier, clock } = createStatusApi({ staleOnError: 0 })
    clock.advance(100_000)
    const token = await statusToken(server.uri, 0)
    for (let fetched = 0; fetched < 10; fetched += 1) {
      await verifier.verify(token)
      clock.advance(1000)
    }
    await expect(verifier.verify(token)).rejects.toMatchObject({
      code: 'check_unavailable',
      cause: { message: 'The list was fetched 10 times in a minute, and the next fetch is not due' },
    })
  })
})
