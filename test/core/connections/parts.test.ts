import { EventEmitter } from 'node:events'
import { AuthError } from '@claimgate/core'
import { subprotocolToken } from '@claimgate/core/connections'
import { createTestClock } from '@claimgate/testing'
import { describe, expect, it } from 'vitest'
import { admit, expiryOf, failedConnection } from '../../../packages/core/src/connections/admission.ts'
import { endOf } from '../../../packages/core/src/connections/connection.ts'
import { createConnections } from '../../../packages/core/src/connections/connections.ts'
import { answerUpgrade } from '../../../packages/core/src/connections/upgrade.ts'
import { createAuthenticator, scope } from '../../../packages/core/src/index.ts'
import { fakeVerifier } from '../../support/core/fake-verifier.ts'
import { learningResource } from '../../support/core/learning-resource.ts'
import { NOW } from '../../support/core/jose-tokens.ts'
import { bearer, request } from '../../support/core/refusal.ts'

const ANOTHER_SUBJECT = ['token_refused', '"the subject of the connection"', '"another subject"', 0]

describe('55. A token as a subprotocol', () => {
  const read = (...fields: readonly string[]): unknown =>
    subprotocolToken('bearer')(request({ 'sec-websocket-protocol': fields }))

  it.each<readonly [readonly string[], string | undefined]>([
    [[], undefined],
    [['orders.v1'], undefined],
    [['orders.v1, bearer.abc'], 'abc'],
    [['orders.v1', 'bearer.a.b.c '], 'a.b.c'],
    [['bearer.'], ''],
    [['bearer'], undefined],
    [['Bearer.abc'], undefined],
    [['x-bearer.abc'], undefined],
  ])('in %j is %j', (fields, expected) => {
    expect(read(...fields)).toBe(expected)
  })

  it('must be one', () => {
    const refusal = { code: 'credential_repeated', expected: '"one token"', actual: '"2 subprotocols"' }
    for (const fields of [['bearer.a, bearer.a'], ['bearer.a', 'bearer.b']])
      expect(() => read(...fields)).toThrow(expect.objectContaining(refusal))
  })

  it.each([undefined, '', 'a b', 5])('cannot have the prefix %j', (prefix) => {
    expect(() => subprotocolToken(prefix as never)).toThrow(
      'Cannot read subprotocol: give the prefix of the token, such as "bearer"',
    )
  })
})

describe('55. The answer to an upgrade', () => {
  it.each([
    [400, 'Bad Request'],
    [401, 'Unauthorized'],
    [403, 'Forbidden'],
    [500, 'Internal Server Error'],
    [503, 'Service Unavailable'],
    [418, 'Refused'],
  ])('has the status line %i %s, the headers and the body, and closes', (status, reason) => {
    const sent: unknown[] = []
    const socket = Object.assign(new EventEmitter(), {
      destroyed: false,
      end: (text: string) => sent.push(text),
      destroy: () => sent.push('destroyed'),
    })
    answerUpgrade(socket, { status, headers: { 'x-a': 'b' }, body: 'é' })
    expect(sent).toEqual([`HTTP/1.1 ${status} ${reason}\r\nx-a: b\r\nconnection: close\r\ncontent-length: 2\r\n\r\né`])
    socket.emit('finish')
    expect(sent[1]).toBe('destroyed')
  })
})

describe('55. The end of a connection', () => {
  it.each<readonly [string, Error, object]>([
    ['expiry', new AuthError('token_expired'), { status: 401, code: 3000, reason: 'token_expired' }],
    ['a wrong token', new AuthError('signature_invalid'), { status: 401, code: 3000, reason: 'invalid_token' }],
    ['no token', new AuthError('credential_missing'), { status: 401, code: 3000, reason: 'no_token' }],
    ['a missing scope', new AuthError('insufficient_scope'), { status: 403, code: 3003, reason: 'insufficient_scope' }],
    [
      'a malformed token',
      new AuthError('credential_malformed'),
      { status: 400, code: 1008, reason: 'invalid_request' },
    ],
    ['an outage', new AuthError('keys_unavailable'), { status: 503, code: 1013, reason: 'unavailable' }],
    ['a bug', new RangeError('bug'), { status: 500, code: 1011, reason: 'failed' }],
  ])('because of %s is told so', (_, error, end) => {
    expect({ ...endOf(error) }).toEqual(end)
    expect(Object.isFrozen(endOf(error))).toBe(true)
  })

  it('because of a bug has no headers but one, and because of an outage says when to come back', () => {
    expect({ ...failedConnection(new RangeError('bug')).response }).toEqual({
      status: 500,
      headers: { 'cache-control': 'no-store' },
      body: '',
    })
    const late = failedConnection(new AuthError('check_unavailable'))
    expect({ ...late.response }).toEqual({
      status: 503,
      headers: { 'cache-control': 'no-store', 'retry-after': '1' },
      body: '',
    })
    expect(failedConnection(undefined).error).toBeInstanceOf(Error)
  })
})

describe('55. The admission of a token', () => {
  const tokenOf = (claims: object) => ({ token: 'abc', claims, scopes: new Set(['a']) }) as never
  const admitted = async (claims: object, current?: object, verify?: () => Promise<never>): Promise<unknown> => {
    const errors: Error[] = []
    const clock = createTestClock({ wall: NOW * 1000 })
    const verifier = fakeVerifier({ verify: verify ?? (async () => tokenOf(claims)), now: () => NOW * 1000 })
    const outcome = admit(
      { clock, requirement: undefined, report: (error) => errors.push(error) },
      createAuthenticator({ verifier }),
      bearer('abc'),
      current && tokenOf(current),
    )
    await clock.advanceAsync(verify === undefined ? 0 : 30_000)
    const found = await outcome
    if (found.kind === 'authenticated') return found.kind
    const { code, expected, actual, hint } = found.error as AuthError
    return [code, expected, actual, hint, errors.length].filter((each) => each !== undefined)
  }

  it.each<readonly [string, object, object | undefined, unknown]>([
    ['with time left', { exp: NOW + 1 }, undefined, 'authenticated'],
    ['without exp', {}, undefined, 'authenticated'],
    [
      'without time left',
      { exp: NOW },
      undefined,
      ['token_expired', '"time left"', 'The tolerance for clocks does not prolong a connection', 0],
    ],
    [
      'with exp as text',
      { exp: 'soon' },
      undefined,
      ['token_expired', '"time left"', 'The tolerance for clocks does not prolong a connection', 0],
    ],
    ['of the same subject', { iss: 'i', sub: 'a' }, { iss: 'i', sub: 'a' }, 'authenticated'],
    [
      'of the same subject and another client',
      { iss: 'i', sub: 'a', client_id: 'x' },
      { iss: 'i', sub: 'a', client_id: 'y' },
      'authenticated',
    ],
    ['of another subject', { iss: 'i', sub: 'b' }, { iss: 'i', sub: 'a' }, ANOTHER_SUBJECT],
    ['of another issuer', { iss: 'j', sub: 'a' }, { iss: 'i', sub: 'a' }, ANOTHER_SUBJECT],
    ['without the subject', { iss: 'i' }, { iss: 'i', sub: 'a' }, ANOTHER_SUBJECT],
    [
      'with a subject that the other has not',
      { iss: 'i', sub: 'a', client_id: 'c' },
      { iss: 'i', client_id: 'c' },
      ANOTHER_SUBJECT,
    ],
    [
      'without the subject, of the same client',
      { iss: 'i', client_id: 'c' },
      { iss: 'i', sub: 'a', client_id: 'c' },
      ANOTHER_SUBJECT,
    ],
    ['with a subject that is no text', { iss: 'i', sub: 5 }, { iss: 'i', sub: 5 }, ANOTHER_SUBJECT],
    ['of the same client', { iss: 'i', client_id: 'c' }, { iss: 'i', client_id: 'c' }, 'authenticated'],
    ['of another client', { iss: 'i', client_id: 'd' }, { iss: 'i', client_id: 'c' }, ANOTHER_SUBJECT],
    [
      'of the same client at another issuer',
      { iss: 'j', client_id: 'c' },
      { iss: 'i', client_id: 'c' },
      ANOTHER_SUBJECT,
    ],
    ['without a subject and a client', { iss: 'i' }, { iss: 'i' }, ANOTHER_SUBJECT],
  ])('%s', async (_, claims, current, expected) => {
    expect(await admitted(claims, current)).toEqual(expected)
  })

  it('is an outage if the verifier is late', async () => {
    expect(await admitted({}, undefined, () => new Promise<never>(() => {}))).toEqual([
      'check_unavailable',
      '"the verifier"',
      1,
    ])
  })

  it('knows when a token expires', () => {
    expect([{ exp: 5 }, {}, { exp: 'x' }].map((claims) => expiryOf(tokenOf(claims)))).toEqual([5, Infinity, Number.NaN])
  })
})

describe('55. The options of connections', () => {
  const create = (options: object): unknown => createConnections({ verifier: fakeVerifier(), ...options })
  it.each<readonly [object, string]>([
    [{ optional: true }, 'leave out "optional", because every connection needs a token'],
    [
      { requirement: undefined },
      '"requirement" must not be undefined: leave it out, or check the name of what it is set to',
    ],
    [{ requirement: 'read' }, '"requirement" must be a requirement such as scope("orders:read"), found "read"'],
    [{ verifyEvery: 0 }, '"verifyEvery" must be a number of seconds from 1 to 3600, found 0'],
    [{ verifyEvery: 3601 }, '"verifyEvery" must be a number of seconds from 1 to 3600, found 3601'],
    [{ verifyevery: 5 }, 'there is no option "verifyevery"'],
  ])('cannot be %j', (options, message) => {
    expect(() => create(options)).toThrow(`Cannot create connections: ${message}`)
  })

  it('tell the resource which scopes connections need', () => {
    const { resource, facts } = learningResource()
    expect(create({ resource, requirement: scope('a', 'b'), optional: false })).toBeDefined()
    expect(facts).toContainEqual({ scopes: ['a', 'b'] })
  })
})
