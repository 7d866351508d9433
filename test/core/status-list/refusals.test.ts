import { statusList, type StatusListOptions } from '@claimgate/core/status-list'
import { createTestClock } from '@claimgate/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AuthError } from '../../../packages/core/src/errors/auth-error.ts'
import { ISSUER, NOW } from '../../support/core/refusal.ts'
import { keys, lstOf, type ListServer, packed, startListServer } from '../../support/status-list/world.ts'

const OWN = { keys: { resolve: async () => keys.publicKey }, algorithms: ['ES256'] } as const

/** What a check of these claims refuses, with expected and actual value. */
async function refusal(claims: object, options: Partial<StatusListOptions> = OWN): Promise<unknown> {
  const clock = createTestClock({ wall: NOW * 1000 })
  const { check } = statusList({ hosts: ['status.example', '127.0.0.1'], clock, ...options })
  try {
    await check({ claims: { iss: ISSUER, ...claims } } as never, undefined)
    return undefined
  } catch (error) {
    if (!(error instanceof AuthError)) return String(error)
    const { code, expected, actual, hint } = error
    return [code, expected, actual, hint].filter((text) => text !== undefined)
  }
}

const at = (uri: unknown, idx: unknown = 0): object => ({ status: { status_list: { uri, idx } } })

describe('45. The refusal of a status', () => {
  it.each<readonly [object, string, string]>([
    [{ status: 'valid' }, 'status: an object', 'string'],
    [{ status: null }, 'status: an object', 'object'],
    [{ status: [] }, 'status: an object', 'object'],
    [{ status: {} }, 'status.status_list: an object', 'none'],
    [{ status: { status_list: 1 } }, 'status.status_list: an object', 'number'],
    [at(undefined), 'status.status_list.uri: a URL', 'undefined'],
    [at('lists/1'), 'status.status_list.uri: a URL', 'string'],
    [at('https://status.example/1', '0'), 'status.status_list.idx: a whole number from 0', 'string'],
  ])('of %j says what is wrong', async (claims, expected, actual) => {
    expect(await refusal(claims)).toEqual(['claim_malformed', `"${expected}"`, `"${actual}"`])
  })

  it.each([-1, 0.5, 2 ** 53])('with the index %d says so', async (index) => {
    expect(await refusal(at('https://status.example/1', index))).toEqual([
      'claim_malformed',
      '"status.status_list.idx: a whole number from 0"',
      String(index),
    ])
  })

  it.each<readonly [string, Partial<StatusListOptions>, string, string]>([
    ['https://other.example/1', {}, 'status: a list that must be on a host of "hosts"', 'https://other.example'],
    [
      'https://status.example:8443/1',
      { hosts: ['status.example:9443'] },
      'status: a list that must be on a host of "hosts"',
      'https://status.example:8443',
    ],
    [
      'https://status.example.evil.example/1',
      {},
      'status: a list that must be on a host of "hosts"',
      'https://status.example.evil.example',
    ],
  ])('on the host of %s names it', async (uri, options, expected, actual) => {
    const found = (await refusal(at(uri), { ...OWN, ...options })) as readonly string[]
    expect(found).toEqual(['claim_mismatch', JSON.stringify(expected), `"${actual}"`])
  })

  it('over plain http is for loopback, or for hosts that are listed', async () => {
    const [code, , actual] = (await refusal(at('http://status.example/1'))) as readonly string[]
    expect([code, actual]).toEqual(['claim_mismatch', '"http://status.example"'])
  })

  it('needs keys', async () => {
    expect(await refusal(at('https://status.example/1'), {})).toBe(
      'TypeError: A status list needs the keys of the issuer: give "keys" and "algorithms"',
    )
    expect(await refusal({})).toBeUndefined()
    expect(statusList({ hosts: ['status.example'] }).name).toBe('status list')
  })
})

describe('45. The status of a token', () => {
  let server: ListServer
  beforeAll(async () => {
    server = await startListServer()
    await server.publish({ status_list: { bits: 4, lst: lstOf(packed(4, [0, 1, 2, 9])) } })
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
  })

  it.each([
    [0, undefined],
    [1, 'a revoked token'],
    [2, 'a suspended token'],
    [3, 'status 9'],
    [4, 'an index beyond the end of its list'],
  ])('at index %i is: %s', async (index, actual) => {
    expect(await refusal(at(server.uri, index))).toEqual(
      actual && [
        'token_refused',
        '"a token whose status is valid"',
        `"${actual}"`,
        'The issuer publishes the status of the token',
      ],
    )
  })
})
