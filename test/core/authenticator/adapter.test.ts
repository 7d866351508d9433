import {
  allOf,
  anyOf,
  anyRole,
  anyScope,
  AuthError,
  authorizationDetails,
  claim,
  not,
  type Outcome,
  role,
  scope,
  stepUp,
} from '@claimgate/core'
import {
  addFields,
  admitted,
  admittedToken,
  assertCalled,
  givenRequirement,
  isRequirementRule,
  noRequirement,
  requirementFor,
  sendNode,
} from '@claimgate/core/adapter'
import { describe, expect, it } from 'vitest'
import { responseLog } from '../../support/core/response-log.ts'

const read = scope('read')
const MUST_RETURN = 'Cannot authorize request: the function must return a requirement such as scope("orders:read")'

describe('a factory that was passed uncalled', () => {
  it.each([
    ['a request', { headers: {}, method: 'GET' }],
    ['a context of Hono', { req: {}, res: {} }],
  ])('is noticed by %s as its first argument', (_, argument) => {
    expect(() => assertCalled('gate', 'gate()', argument)).toThrow(
      new TypeError('gate was passed uncalled: write gate()'),
    )
  })

  it.each([undefined, null, 'GET', {}, { headers: {} }, { method: 'GET' }, { req: {} }, { res: {} }])(
    'is not what %j shows',
    (argument) => {
      expect(() => assertCalled('gate', 'gate()', argument)).not.toThrow()
    },
  )
})

describe('what a route requires', () => {
  it('is a requirement, or a function that returns one', () => {
    for (const rule of [read, () => read]) expect(isRequirementRule(rule)).toBe(true)
    for (const wrong of ['read', undefined, null, {}, 1]) expect(isRequirementRule(wrong)).toBe(false)
  })

  it.each([allOf, anyOf, anyRole, anyScope, authorizationDetails, claim, not, role, scope, stepUp])(
    'is no function that makes requirements, passed uncalled: %o',
    (factory) => {
      expect(isRequirementRule(factory)).toBe(false)
    },
  )

  it('may be left out, but not be undefined or something else', () => {
    expect(givenRequirement('guard route', [])).toBeUndefined()
    expect(givenRequirement('guard route', [read])).toBe(read)
    expect(() => givenRequirement('guard route', [undefined])).toThrow(
      'Cannot guard route: the requirement must not be undefined: leave it out, or check the name of what was passed',
    )
    expect(() => givenRequirement('guard route', ['read'])).toThrow(
      'Cannot guard route: give a requirement such as scope("orders:read"), found "read"',
    )
    expect(noRequirement('guard route', undefined, '"rule"').message).toContain('"rule" must not be undefined')
  })

  it('may depend on the request', () => {
    const seen: unknown[] = []
    const request = { url: '/orders' }
    const rule = (given: unknown) => {
      seen.push(given)
      return read
    }
    expect(requirementFor(read, request)).toBe(read)
    expect(requirementFor(rule, request)).toBe(read)
    expect(seen).toEqual([request])
  })

  it.each([
    ['nothing', () => undefined],
    ['the name of a scope', () => 'read'],
    ['a promise', async () => read],
    ['a promise that is rejected', () => Promise.reject(new Error('late'))],
  ])('cannot be %s', (_, rule) => {
    expect(() => requirementFor(rule as never, {})).toThrow(new TypeError(MUST_RETURN))
  })

  it('refuses the request if the function throws a refusal, and rethrows a bug', () => {
    const refusal = new AuthError('token_refused')
    const throwing = (thrown: Error) => () => {
      throw thrown
    }
    const requirement = requirementFor(throwing(refusal), {})
    expect(requirement).toMatchObject({ description: 'what the function requires', scopes: [] })
    expect(() => requirement.isMet({} as never, { now: 0 })).toThrow(refusal)
    const bug = new RangeError('bug')
    expect(() => requirementFor(throwing(bug), {})).toThrow(bug)
  })
})

describe('an outcome', () => {
  const token = { claims: {}, scopes: new Set() }
  const own = { kind: 'authenticated', token, scheme: 'DPoP', headers: { a: 'b' }, user: 'ada' }
  const outcomeOf = (given: unknown): unknown => admitted(given as Outcome)

  it('of core is admitted as it is', () => {
    expect(outcomeOf(own)).toBe(own)
    expect(admittedToken(own as never)).toBe(token)
  })

  it.each([
    ['no scheme', { kind: 'authenticated', token, headers: { a: 'b' } }, { scheme: 'Bearer', headers: { a: 'b' } }],
    ['no headers', { kind: 'authenticated', token, scheme: 'DPoP' }, { scheme: 'DPoP', headers: {} }],
    ['a user', { kind: 'authenticated', token, user: 'ada' }, { scheme: 'Bearer', headers: {}, user: 'ada' }],
    ['no user', { kind: 'authenticated', token, user: undefined }, { scheme: 'Bearer', headers: {}, user: undefined }],
  ])("of an application's own authenticator is completed: with %s", (_, given, expected) => {
    const completed = outcomeOf(given) as object
    expect(completed).toEqual({ kind: 'authenticated', token, ...expected })
    expect(Object.hasOwn(completed, 'user')).toBe(Object.hasOwn(expected, 'user'))
  })

  it('may have its members as getters of a class', () => {
    class Custom {
      get kind() {
        return 'authenticated'
      }
      get token() {
        return token
      }
      get scheme() {
        return 'Custom'
      }
    }
    expect(outcomeOf(new Custom())).toMatchObject({ kind: 'authenticated', token, scheme: 'Custom' })
  })

  it('of kind anonymous has no token', () => {
    expect(outcomeOf({ kind: 'anonymous' })).toBeUndefined()
    expect(admittedToken({ kind: 'anonymous' })).toBeUndefined()
  })

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a text', 'authenticated'],
    ['true', true],
    ['no kind', { token, scheme: 'Bearer', headers: {} }],
    ['another kind', { ...own, kind: 'refused' }],
    ['no token', { kind: 'authenticated', scheme: 'Bearer', headers: {} }],
    ['a token of null', { ...own, token: null }],
    ['a token that is a text', { ...own, token: 'a.b.c' }],
    ['a promise', Promise.resolve(own)],
  ])('opens no route if it is %s', (_, given) => {
    expect(() => outcomeOf(given)).toThrow(
      new TypeError('Cannot let the request through: the authenticator gave no outcome "authenticated" or "anonymous"'),
    )
  })

  it('opens no route if it is a promise that is rejected, which ends no process', async () => {
    expect(() => outcomeOf(Promise.reject(new Error('late')))).toThrow('Cannot let the request through')
    await new Promise(setImmediate)
  })
})

describe('an answer on Node', () => {
  it('is sent with its status, headers and body', () => {
    const { response, log } = responseLog()
    sendNode(response, { status: 401, headers: { 'x-a': 'b', 'x-c': 'd' }, body: 'text' })
    expect(log).toEqual(['x-a: b', 'x-c: d', 'status 401: text'])
  })

  it('is not sent after another one', () => {
    const { response, log } = responseLog({ headersSent: true })
    sendNode(response, { status: 401, headers: { 'x-a': 'b' }, body: 'text' })
    expect(log).toEqual([])
  })
})

describe('the headers of an outcome', () => {
  const EXPOSED = 'access-control-expose-headers'
  it.each<readonly [string, Record<string, string | readonly string[]>, Record<string, string>, readonly string[]]>([
    ['are set', {}, { 'dpop-nonce': 'n' }, ['dpop-nonce: n']],
    ['replace others', { 'dpop-nonce': 'old' }, { 'dpop-nonce': 'n' }, ['dpop-nonce: n']],
    ['are exposed', {}, { [EXPOSED]: 'dpop-nonce' }, [`${EXPOSED}: dpop-nonce`]],
    ['are exposed beside others', { [EXPOSED]: 'x-a, x-b' }, { [EXPOSED]: 'x-c' }, [`${EXPOSED}: x-a, x-b, x-c`]],
    ['are exposed beside a list', { [EXPOSED]: ['x-a', 'x-b'] }, { [EXPOSED]: 'x-c' }, [`${EXPOSED}: x-a, x-b, x-c`]],
    ['are exposed once', { [EXPOSED]: 'x-a, x-c' }, { [EXPOSED]: 'x-c, x-d' }, [`${EXPOSED}: x-a, x-c, x-d`]],
  ])('%s', (_, before, fields, expected) => {
    const { response, log } = responseLog({ fields: before })
    addFields(fields, response)
    expect(log).toEqual(expected)
  })
})
