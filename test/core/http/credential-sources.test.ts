import { describe, expect, it } from 'vitest'
import {
  type CredentialSource,
  fieldValues,
  resolveSources,
  type TokenPlace,
} from '../../../packages/core/src/http/credential-sources.ts'
import { request } from '../../support/core/refusal.ts'

const resolve = (list: unknown): readonly CredentialSource[] => resolveSources('create authenticator', list)

describe('the places of a credential', () => {
  it('have defaults', () => {
    const list = [{ from: 'authorization' }, { from: 'query' }, { from: 'form' }, { from: 'cookie', name: 'jwt' }]
    expect(resolve(list)).toEqual([
      { from: 'authorization', bareToken: 'refuse' },
      { from: 'query', name: 'access_token' },
      { from: 'form', name: 'access_token' },
      { from: 'cookie', name: 'jwt' },
    ])
    expect(resolve([{ from: 'header', name: 'X-Token', scheme: 'Bearer' }])).toEqual([
      { from: 'header', name: 'X-Token', scheme: 'Bearer' },
    ])
  })

  it('are copied, and cannot be changed', () => {
    const list = [{ from: 'cookie', name: 'jwt' }]
    const places = resolve(list)
    list.push({ from: 'query', name: 'a' })
    expect(places).toHaveLength(1)
    expect([places, ...places].every((one) => Object.isFrozen(one))).toBe(true)
  })

  it.each<readonly [string, unknown, string]>([
    ['no list', { from: 'cookie', name: 'jwt' }, '"credentials" must list at least one place'],
    ['an empty list', [], '"credentials" must list at least one place, such as { from: "authorization" }'],
    [
      'a text',
      ['authorization'],
      'each of "credentials" must be an object, such as { from: "cookie", name: "token" }, found',
    ],
    ['null', [null], 'each of "credentials" must be an object'],
    ['nothing', [undefined], 'each of "credentials" must be an object'],
    [
      'an unknown place',
      [{ from: 'body' }],
      'a place in "credentials" is authorization, header, cookie, query or form, found "body"',
    ],
    ['no place', [{ name: 'a' }], 'a place in "credentials" is authorization, header, cookie, query or form'],
    ['a list as place', [{ from: ['cookie'], name: 'a' }], 'a place in "credentials" is'],
    ['a place of every object', [{ from: 'toString' }], 'a place in "credentials" is'],
    ['an unknown option', [{ from: 'query', names: 'a' }], 'there is no option "credentials.names"'],
    ['a header without a name', [{ from: 'header' }], '"credentials.name" must be the name of a header'],
    ['a cookie without a name', [{ from: 'cookie' }], '"credentials.name" must be the name of a cookie'],
    [
      'a query parameter with a space',
      [{ from: 'query', name: 'a b' }],
      '"credentials.name" must be the name of a query parameter',
    ],
    ['a form field without text', [{ from: 'form', name: '' }], '"credentials.name" must be the name of a form field'],
    ['another scheme', [{ from: 'header', name: 'a', scheme: 'DPoP' }], '"credentials.scheme" must be "Bearer"'],
    [
      'another bareToken',
      [{ from: 'authorization', bareToken: true }],
      '"credentials.bareToken" must be "accept" or "refuse"',
    ],
    [
      'the Authorization header by its name',
      [{ from: 'header', name: 'AUTHORIZATION' }],
      'for the Authorization header write { from: "authorization" }, with bareToken: "accept" if it has no scheme',
    ],
    [
      'the Authorization header twice',
      [{ from: 'authorization' }, { from: 'authorization', bareToken: 'accept' }],
      '"credentials" names the same place twice, found "authorization"',
    ],
    [
      'a header twice, in another case',
      [
        { from: 'header', name: 'X-Token' },
        { from: 'header', name: 'x-token' },
      ],
      'names the same place twice, found "header x-token"',
    ],
    [
      'the default query parameter twice',
      [{ from: 'query' }, { from: 'query', name: 'access_token' }],
      'twice, found "query access_token"',
    ],
    [
      'a cookie twice',
      [
        { from: 'cookie', name: 'A' },
        { from: 'cookie', name: 'A' },
      ],
      'twice, found "cookie A"',
    ],
  ])('cannot be %s', (_, list, message) => {
    expect(() => resolve(list)).toThrow(message)
    expect(() => resolve(list)).toThrow(/^Cannot create authenticator: /)
  })

  it('differ by kind, and but for headers by case', () => {
    const list = [
      { from: 'cookie', name: 'a' },
      { from: 'cookie', name: 'A' },
      { from: 'query', name: 'a' },
    ]
    expect(resolve([...list, { from: 'header', name: 'a' }])).toHaveLength(4)
  })
})

describe('the values in a place', () => {
  it.each<readonly [string, TokenPlace, object, readonly unknown[]]>([
    ['the Authorization header', { from: 'authorization' }, { authorization: ['a', 'b'] }, ['a', 'b']],
    ['a header in any case', { from: 'header', name: 'X-Token' }, { 'x-token': 'a' }, ['a']],
    ['a cookie', { from: 'cookie', name: 'jwt' }, { cookie: ['a=1; jwt=x;\tjwt="y" ', 'jwt=z'] }, ['x', 'y', 'z']],
    ['a cookie of one quote', { from: 'cookie', name: 'jwt' }, { cookie: 'jwt="' }, ['"']],
    ['a cookie of two quotes', { from: 'cookie', name: 'jwt' }, { cookie: 'jwt=""' }, ['']],
    ['a cookie with one quote at its end', { from: 'cookie', name: 'jwt' }, { cookie: 'jwt=a"' }, ['a"']],
    ['a cookie with one quote at its start', { from: 'cookie', name: 'jwt' }, { cookie: 'jwt="a' }, ['"a']],
    ['a cookie behind white space of browsers', { from: 'cookie', name: 'jwt' }, { cookie: '\u00a0jwt=a;  ; ' }, []],
    ['another cookie with this end', { from: 'cookie', name: 'jwt' }, { cookie: 'my-jwt=a' }, []],
  ])('are found: %s', async (_, place, fields, expected) => {
    expect(await fieldValues(request(fields as Record<string, string>), place)).toEqual(expected)
  })

  it('that are no text are passed on', async () => {
    const view = { method: 'GET', target: '/', header: () => [1 as never] }
    expect(await fieldValues(view, { from: 'cookie', name: 'jwt' })).toEqual([1])
  })

  it.each([
    ['/?a=1&a=%32&b=3', ['1', '2']],
    ['/?a=1#?a=2', ['1']],
    ['/??a=1', []],
    ['/', []],
    ['/?', []],
  ])('of the query of %s are decoded', async (target, expected) => {
    expect(await fieldValues(request({}, { target }), { from: 'query', name: 'a' })).toEqual(expected)
  })

  it.each<readonly [string, unknown, readonly unknown[]]>([
    ['an object', { a: '1' }, ['1']],
    ['a list', { a: ['1', '2'] }, ['1', '2']],
    ['URLSearchParams', new URLSearchParams('a=1&a=2'), ['1', '2']],
    ['null', null, []],
    ['nothing', undefined, []],
    ['a text', 'a=1', []],
    ['inherited members', Object.create({ a: '1' }), []],
  ])('of a form are read from %s', async (_, form, expected) => {
    const type = { 'content-type': 'application/x-www-form-urlencoded' }
    const view = request(type, { method: 'post', form: async () => form as never })
    expect(await fieldValues(view, { from: 'form', name: 'a' })).toEqual(expected)
    for (const method of ['GET', 'get', 'HEAD'])
      expect(await fieldValues({ ...view, method }, { from: 'form', name: 'a' })).toEqual([])
  })

  it('of extractToken are what it returns', async () => {
    const view = request()
    const read = async (given: unknown) => [given]
    expect(await fieldValues(view, { from: 'extractToken', read })).toEqual([view])
  })
})
